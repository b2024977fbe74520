//! What a check costs when its token was never seen.

use anyhow::Result;

use super::RULES;
use crate::scene::Scene;
use crate::stage::{Stage, Target};
use crate::tokens::Algorithm;
use crate::{bare, questions};

pub(super) fn run(stage: &mut Stage) -> Result<()> {
    let scene = Scene::new(RULES, &stage.issuer)?;
    let ours = scene.start(stage.cores)?;
    let (floor, _folder) = stage.floor()?;
    let seen = questions::plain(&[stage.token()?]);
    let extent = stage.extent;
    let mut floor = Target::warm(&floor, &floor.tcp, &seen, &extent)?;
    let mut known = Target::warm(&ours, &ours.tcp, &seen, &extent)?;
    for algorithm in Algorithm::ALL {
        let (mut floors, mut seens, mut freshes, mut bares) = (vec![], vec![], vec![], vec![]);
        for _ in 0..extent.repetitions {
            let tokens = stage.mint(algorithm, extent.fresh)?;
            let bodies = questions::plain(&tokens);
            floors.push(floor.cpu()?);
            seens.push(known.cpu()?);
            // Each token once.
            freshes.push(Target::cold(&ours, &ours.tcp, &bodies)?.cpu()?);
            let verify = || bare::verification(&stage.issuer, algorithm, &tokens);
            bares.push(stage.cores.on_servers_core(verify)??);
        }
        let name = algorithm.name();
        let extra: Vec<f64> = freshes
            .iter()
            .zip(&seens)
            .map(|(fresh, seen)| fresh - seen)
            .collect();
        // What it may take: what a token may that was seen before, and little more than verifying it.
        let pairs = floors.iter().zip(&bares);
        let goal: Vec<f64> = pairs
            .map(|(floor, bare)| 1.4 * floor + 1.1 * bare)
            .collect();
        let report = &mut stage.report;
        report.figure(
            &format!("bare verification, {name}"),
            "µs",
            &bares,
            &[("floor", &floors)],
        );
        report.figure(
            &format!("never-seen token, {name}"),
            "µs",
            &freshes,
            &[("floor", &floors), ("(1.4 floor + 1.1 bare)", &goal)],
        );
        let against: [(&str, &[f64]); 2] = [("bare verification", &bares), ("floor", &floors)];
        report.figure(
            &format!("… beyond one seen before, {name}"),
            "µs",
            &extra,
            &against,
        );
    }
    Ok(())
}
