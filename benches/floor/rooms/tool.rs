//! What a decision on arguments costs.

use anyhow::Result;

use super::RULES;
use crate::questions;
use crate::scene::Scene;
use crate::stage::{Stage, Target, in_turns};

pub(super) fn run(stage: &mut Stage) -> Result<()> {
    let scene = Scene::new(RULES, &stage.issuer)?;
    let ours = scene.start(stage.cores)?;
    let (floor, _folder) = stage.floor()?;
    let token = stage.token()?;
    let (plain, tool) = (
        questions::plain(std::slice::from_ref(&token)),
        questions::tool(&token),
    );
    let extent = stage.extent;
    let mut targets = [
        Target::warm(&floor, &floor.tcp, &tool, &extent)?,
        Target::warm(&floor, &floor.tcp, &plain, &extent)?,
        Target::warm(&ours, &ours.tcp, &plain, &extent)?,
        Target::warm(&ours, &ours.tcp, &tool, &extent)?,
    ];
    let measured = in_turns(extent.repetitions, &mut targets, Target::cpu)?;
    if let [floor_tool, floor_plain, plain, tool] = measured.as_slice() {
        let report = &mut stage.report;
        report.figure("floor, the same 2 KB", "µs", floor_tool, &[]);
        report.figure(
            "countersign, plain request",
            "µs",
            plain,
            &[("floor", floor_plain)],
        );
        let against: [(&str, &[f64]); 3] = [
            ("floor", floor_tool),
            ("floor of a plain request", floor_plain),
            ("plain request", plain),
        ];
        report.figure("countersign, tool call", "µs", tool, &against);
    }
    Ok(())
}
