//! How long a start takes.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use countersign::ext_authz::now;
use serde_json::json;

use crate::load::{self, Bodies};
use crate::questions;
use crate::scene::{self, Scene};
use crate::served::Server;
use crate::stage::Stage;
use crate::tokens::Algorithm;

/// How long it may take.
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) fn run(stage: &mut Stage) -> Result<()> {
    let extent = stage.extent;
    let demo = scene::demo(&stage.issuer)?;
    let alice = questions::other(
        &alice(stage)?,
        "GET",
        "payments.example.com",
        "/v1/payments",
        "",
    )?;
    let large = Scene::new(extent.reloaded_rules, &stage.issuer)?;
    let large_folder = large.write()?;
    let usual = questions::plain(&[stage.token()?]);
    let (mut floors, mut small, mut many) = (vec![], vec![], vec![]);
    for _ in 0..extent.repetitions {
        let folder = tempfile::tempdir()?;
        let floor = Server::floor(stage.cores, folder.path(), &[])?;
        floors.push(first_allow(&floor, &usual)?);
        for (folder, bodies, times) in [
            (demo.path(), &alice, &mut small),
            (large_folder, &usual, &mut many),
        ] {
            times.push(started(stage, folder, bodies)?);
        }
    }
    let report = &mut stage.report;
    report.figure("floor", "ms", &floors, &[]);
    report.figure("the demo's policies", "ms", &small, &[("floor", &floors)]);
    let what = format!("{} rules", extent.reloaded_rules);
    report.figure(&what, "ms", &many, &[("floor", &floors)]);
    Ok(())
}

fn started(stage: &Stage, folder: &Path, bodies: &Bodies) -> Result<f64> {
    let server = Server::countersign_unready(stage.cores, folder, &[])?;
    first_allow(&server, bodies)
}

/// The milliseconds between the start of the process and its first yes.
fn first_allow(server: &Server, bodies: &Bodies) -> Result<f64> {
    let mut connection = questions::connect(&server.tcp, questions::PATIENT)?;
    let mut bodies = bodies.clone();
    let since = Instant::now();
    while load::closed(&mut connection, &mut bodies, 1, 1)?.failed > 0 {
        ensure!(since.elapsed() < PATIENCE, "nothing is allowed");
        sleep(Duration::from_millis(1));
    }
    Ok(server.started.elapsed().as_secs_f64() * 1e3)
}

/// A token of one whom the demo's policies let list payments.
fn alice(stage: &Stage) -> Result<String> {
    let issued = now().seconds();
    let claims = json!({
        "iss": "http://127.0.0.1:10080/corp", "sub": "alice", "aud": "https://payments.example.com", "client_id": "console",
        "iat": issued, "exp": issued + 3600, "jti": "start", "scope": "payments:read", "groups": ["payments"],
    });
    stage.issuer.signed(Algorithm::Rs256, &claims)
}
