//! How much memory is resident.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;

use crate::questions;
use crate::scene::{self, Scene};
use crate::served::Server;
use crate::stage::{Stage, Target};
use crate::tokens::Algorithm;

const MIB: f64 = 1_048_576.0;
/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(2);

pub(super) fn run(stage: &mut Stage) -> Result<()> {
    let (floor, _folder) = stage.floor()?;
    idle(stage, &floor)?;
    loaded(stage, &floor)
}

fn mib(server: &Server) -> Result<f64> {
    Ok(server.process.resident()? / MIB)
}

fn idle(stage: &mut Stage, floor: &Server) -> Result<()> {
    let demo = scene::demo(&stage.issuer)?;
    let ours = Server::countersign(stage.cores, demo.path(), &[])?;
    sleep(IDLE);
    let (floor, ours) = ([mib(floor)?], [mib(&ours)?]);
    let report = &mut stage.report;
    report.figure("floor, idle", "MiB", &floor, &[]);
    report.figure(
        "idle, the demo's policies",
        "MiB",
        &ours,
        &[("floor", &floor)],
    );
    Ok(())
}

fn loaded(stage: &mut Stage, floor: &Server) -> Result<()> {
    let (rules, tokens) = (stage.extent.reloaded_rules, stage.extent.live_tokens);
    let scene = Scene::new(rules, &stage.issuer)?;
    let ours = scene.start(stage.cores)?;
    let bodies = questions::plain(&stage.mint(Algorithm::Rs256, tokens)?);
    let before = [mib(&ours)?];
    // Every token twice, as live tokens are.
    for server in [floor, &ours, &ours] {
        Target::cold(server, &server.tcp, &bodies)?.cpu()?;
    }
    sleep(IDLE);
    let (floor, after) = ([mib(floor)?], [mib(&ours)?]);
    let report = &mut stage.report;
    let name = format!("{rules} rules");
    report.figure(&name, "MiB", &before, &[("floor", &floor)]);
    let name = format!("{rules} rules, {tokens} live tokens");
    report.figure(&name, "MiB", &after, &[("floor", &floor)]);
    Ok(())
}
