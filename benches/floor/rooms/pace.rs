//! How long an answer takes at a pace that leaves the server time.

use anyhow::Result;

use super::RULES;
use crate::load::Asked;
use crate::questions;
use crate::scene::Scene;
use crate::stage::{Stage, Target};

/// Checks a second.
const RATE: u32 = 5_000;

pub(super) fn run(stage: &mut Stage) -> Result<()> {
    let scene = Scene::new(RULES, &stage.issuer)?;
    let ours = scene.start(stage.cores)?;
    let (floor, _folder) = stage.floor()?;
    let bodies = questions::plain(&[stage.token()?]);
    let extent = stage.extent;
    for (over, theirs, mine) in [
        ("TCP", &floor.tcp, &ours.tcp),
        ("Unix socket", &floor.unix, &ours.unix),
    ] {
        let mut targets = [
            Target::warm(&floor, theirs, &bodies, &extent)?,
            Target::warm(&ours, mine, &bodies, &extent)?,
        ];
        let mut asked = [Vec::new(), Vec::new()];
        for _ in 0..extent.repetitions {
            for (target, asked) in targets.iter_mut().zip(&mut asked) {
                asked.push(target.paced(RATE, extent.lasts)?.all_well()?);
            }
        }
        let [floors, ours] = asked;
        for (name, quantile) in [("p50", 0.5), ("p99", 0.99)] {
            let read = |all: &[Asked]| -> Vec<f64> {
                all.iter().map(|asked| asked.micros(quantile)).collect()
            };
            let (floors, ours) = (read(&floors), read(&ours));
            let report = &mut stage.report;
            report.figure(&format!("floor, {over}, {name}"), "µs", &floors, &[]);
            report.figure(
                &format!("countersign, {over}, {name}"),
                "µs",
                &ours,
                &[("floor", &floors)],
            );
        }
    }
    Ok(())
}
