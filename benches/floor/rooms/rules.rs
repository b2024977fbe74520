//! What the number of rules costs.

use anyhow::{Context as _, Result};

use crate::questions;
use crate::scene::Scene;
use crate::stage::{Stage, Target, in_turns};

/// The small policy.
const FEW: usize = 10;

pub(super) fn run(stage: &mut Stage) -> Result<()> {
    let extent = stage.extent;
    let (small, large) = (
        Scene::new(FEW, &stage.issuer)?,
        Scene::new(extent.many_rules, &stage.issuer)?,
    );
    let (few, many) = (small.start(stage.cores)?, large.start(stage.cores)?);
    let (few_bytes, many_bytes) = (few.process.resident()?, many.process.resident()?);
    let (floor, _folder) = stage.floor()?;
    let bodies = questions::plain(&[stage.token()?]);
    let mut targets = [
        Target::warm(&floor, &floor.tcp, &bodies, &extent)?,
        Target::warm(&few, &few.tcp, &bodies, &extent)?,
        Target::warm(&many, &many.tcp, &bodies, &extent)?,
    ];
    let measured = in_turns(extent.repetitions, &mut targets, Target::cpu)?;
    let rules = extent.many_rules;
    let (load, few_load) = (many.ready.as_secs_f64(), few.ready.as_secs_f64());
    let report = &mut stage.report;
    if let [floors, few, many] = measured.as_slice() {
        report.figure(&format!("{FEW} rules"), "µs", few, &[("floor", floors)]);
        let against: [(&str, &[f64]); 2] = [("10 rules", few), ("floor", floors)];
        report.figure(&format!("{rules} rules"), "µs", many, &against);
    }
    let added = u32::try_from(rules - FEW).context("too many rules")?;
    let each = (many_bytes - few_bytes) / f64::from(added);
    let what = format!("{rules} rules, start to ready");
    report.figure(&what, "s", &[load], &[("10 rules", &[few_load])]);
    report.figure("resident memory of a rule", "bytes", &[each], &[]);
    Ok(())
}
