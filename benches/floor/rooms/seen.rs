//! What a check costs when everything is known already.

use anyhow::Result;

use super::RULES;
use crate::questions;
use crate::scene::Scene;
use crate::stage::{Stage, Target, in_turns};

pub(super) fn run(stage: &mut Stage) -> Result<()> {
    let scene = Scene::new(RULES, &stage.issuer)?;
    let ours = scene.start(stage.cores)?;
    let (floor, _folder) = stage.floor()?;
    let bodies = questions::plain(&[stage.token()?]);
    let extent = stage.extent;
    for unix in [false, true] {
        let target = |server| {
            let address = address(server, unix);
            Target::warm(server, address, &bodies, &extent)
        };
        let mut targets = [target(&floor)?, target(&ours)?];
        let measured = in_turns(extent.repetitions, &mut targets, Target::cpu)?;
        if let [floors, ours] = measured.as_slice() {
            let over = if unix { "Unix socket" } else { "TCP" };
            let report = &mut stage.report;
            report.figure(&format!("floor, {over}"), "µs", floors, &[]);
            report.figure(
                &format!("countersign, {over}"),
                "µs",
                ours,
                &[("floor", floors)],
            );
            // Far below 100, something else than the server was the narrowest place.
            for (name, target) in ["floor", "countersign"].iter().zip(&targets) {
                report.figure(
                    &format!("{name}, {over}: share of a core"),
                    "%",
                    &target.busy,
                    &[],
                );
            }
        }
    }
    Ok(())
}

fn address(server: &crate::served::Server, unix: bool) -> &crate::socket::Address {
    if unix { &server.unix } else { &server.tcp }
}
