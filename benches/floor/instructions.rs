//! Instructions per check, counted by valgrind: slow, and the same on every run, so that a bound on the ratio can fail a build.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::load;
use super::questions;
use super::rooms::RULES;
use super::scene::Scene;
use super::served::Server;
use super::stage::{AT_ONCE, Stage};

/// Checks before those that are counted.
const BEFORE: usize = 2 * AT_ONCE;

/// Counts for the floor and for countersign; what countersign takes as a multiple of the floor.
pub(crate) fn count(stage: &mut Stage) -> Result<f64> {
    let found = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    ensure!(
        found.is_ok_and(|status| status.success()),
        "counting instructions takes valgrind: install it with `apt install valgrind`"
    );
    stage.report.enter(
        "instructions",
        "thousands of instructions of a check at saturation, token seen before, everything on",
    );
    let scene = Scene::new(RULES, &stage.issuer)?;
    let repetitions = stage.extent.repetitions.min(3);
    let (mut floors, mut ours) = (vec![], vec![]);
    for _ in 0..repetitions {
        let folder = tempfile::tempdir()?;
        floors.push(each(stage, folder.path(), Server::floor)?);
        ours.push(each(stage, scene.write()?, Server::countersign)?);
    }
    let report = &mut stage.report;
    report.figure("floor", "k", &floors, &[]);
    report.figure("countersign", "k", &ours, &[("floor", &floors)]);
    let mut ratios: Vec<f64> = ours
        .iter()
        .zip(&floors)
        .map(|(one, other)| one / other)
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios
        .get(ratios.len() / 2)
        .copied()
        .context("nothing was counted")
}

/// How a server is started in a folder, with a wrapper around it.
type Start = fn(super::cores::Cores, &Path, &[&OsStr]) -> Result<Server>;

/// Thousands of instructions of one check: the difference of two runs, of which one makes twice as many, so that what a start
/// costs drops out.
fn each(stage: &mut Stage, folder: &Path, start: Start) -> Result<f64> {
    let checks = stage.extent.counted;
    let bodies = questions::plain(&[stage.token()?]);
    let run = |calls: usize| -> Result<f64> {
        let counted = folder.join("counted");
        let file = format!("--callgrind-out-file={}", counted.display());
        let wrapper = ["valgrind", "--tool=callgrind", &file].map(OsStr::new);
        let server = start(stage.cores, folder, &wrapper)?;
        let (mut connection, mut bodies) = (
            questions::connect(&server.tcp, questions::PATIENT)?,
            bodies.clone(),
        );
        load::closed(&mut connection, &mut bodies, calls, AT_ONCE)?.all_well()?;
        drop(connection);
        server.process.finish()?;
        total(&counted)
    };
    let (once, twice) = (run(BEFORE + checks)?, run(BEFORE + 2 * checks)?);
    Ok((twice - once) / f64::from(u32::try_from(checks)?) / 1e3)
}

fn total(file: &Path) -> Result<f64> {
    let text = fs::read_to_string(file).context("valgrind wrote nothing")?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(line.context("valgrind counted nothing")?.trim().parse()?)
}
