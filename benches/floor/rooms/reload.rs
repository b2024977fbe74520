//! What those notice who ask while a policy is reloaded.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::load::Asked;
use crate::questions;
use crate::scene::{self, Scene};
use crate::served::Server;
use crate::stage::{Stage, Target};

/// Checks a second.
const RATE: u32 = 2_000;
/// How long to ask: the last thousandth of fewer calls would be one or two of them.
const LEAST: Duration = Duration::from_secs(1);

/// What was measured.
#[derive(Default)]
struct Measured {
    floors: Vec<Asked>,
    steady: Vec<Asked>,
    during: Vec<Asked>,
    /// Milliseconds of every reload.
    reloads: Vec<f64>,
}

pub(super) fn run(stage: &mut Stage) -> Result<()> {
    let extent = stage.extent;
    let scene = Scene::new(extent.reloaded_rules, &stage.issuer)?;
    let ours = scene.start(stage.cores)?;
    let (floor, _folder) = stage.floor()?;
    let bodies = questions::plain(&[stage.token()?]);
    let mut base = Target::warm(&floor, &floor.tcp, &bodies, &extent)?;
    let mut target = Target::warm(&ours, &ours.tcp, &bodies, &extent)?;
    // What is answered too late for Envoy has failed.
    target.connection = questions::connect(&ours.tcp, questions::HASTY)?;
    let is_smoke = extent.repetitions == 1;
    let lasts = if is_smoke {
        extent.lasts
    } else {
        extent.lasts.max(LEAST)
    };
    let mut measured = Measured::default();
    for _ in 0..extent.repetitions {
        measured.floors.push(base.paced(RATE, lasts)?);
        measured.steady.push(target.paced(RATE, lasts)?);
        let policies = scene.path("policies");
        let (asked, took) = while_reloading(&ours, &policies, || target.paced(RATE, lasts))?;
        measured.during.push(asked);
        measured.reloads.extend(took);
    }
    measured.report(stage);
    Ok(())
}

impl Measured {
    fn report(&self, stage: &mut Stage) {
        let p999 =
            |all: &[Asked]| -> Vec<f64> { all.iter().map(|asked| asked.micros(0.999)).collect() };
        let failed = |all: &[Asked]| all.iter().map(|asked| asked.failed).sum::<usize>();
        let (floors, steady) = (p999(&self.floors), p999(&self.steady));
        let report = &mut stage.report;
        report.figure("floor, p99.9", "µs", &floors, &[]);
        report.figure("steady, p99.9", "µs", &steady, &[("floor", &floors)]);
        let against: [(&str, &[f64]); 2] = [("steady", &steady), ("floor", &floors)];
        report.figure("during reloads, p99.9", "µs", &p999(&self.during), &against);
        report.figure("one reload", "ms", &self.reloads, &[]);
        let (steady, during) = (failed(&self.steady), failed(&self.during));
        let count = self.reloads.len();
        report.note(&format!(
            "failed checks: {steady} while steady, {during} during {count} reloads"
        ));
    }
}

/// Does something while one reload follows the other; how many milliseconds each of them took.
fn while_reloading<T>(
    server: &Server,
    policies: &Path,
    work: impl FnOnce() -> Result<T>,
) -> Result<(T, Vec<f64>)> {
    let is_over = AtomicBool::new(false);
    let reload = |number: u32| -> Result<f64> {
        // Something changes in it, so that nothing can be kept as it was.
        let text = format!(
            "version: 1\nrules:\n  - {{ id: again, forbid: others.read-0, to: {{ issuer: corp, id: nobody-{number} }} }}\n"
        );
        let beside = policies.join(".again");
        fs::write(&beside, text)?;
        fs::rename(beside, policies.join("again.yaml"))?;
        let started = Instant::now();
        scene::post(server, "/reload", "{}")?;
        Ok(started.elapsed().as_secs_f64() * 1e3)
    };
    thread::scope(|scope| {
        let reloading = scope.spawn(|| {
            let mut took = vec![reload(0)?];
            while !is_over.load(Ordering::Relaxed) {
                took.push(reload(u32::try_from(took.len())?)?);
            }
            Ok::<_, anyhow::Error>(took)
        });
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        let took = reloading
            .join()
            .map_err(|_panic| anyhow!("a thread ended"))?;
        Ok((done?, took?))
    })
}
