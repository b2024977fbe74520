//! What it costs Envoy to ask, and whom it asks to answer.

use std::path::Path;

use anyhow::Result;
use tempfile::TempDir;

use super::RULES;
use crate::connection::Connection;
use crate::cores::Cores;
use crate::load::{self, Bodies};
use crate::proxy::{Asked, Envoy};
use crate::scene::Scene;
use crate::served::{Process, Server};
use crate::stage::{AT_ONCE, Stage, in_turns};

/// An Envoy, and the server that it asks.
struct Chain<'a> {
    name: &'static str,
    envoy: Envoy,
    asked: Option<&'a Process>,
    connection: Connection,
    calls: usize,
    /// What the server's processor time was in each repetition.
    servers: Vec<f64>,
    _folder: TempDir,
}

pub(super) fn run(stage: &mut Stage) -> Result<()> {
    let scene = Scene::new(RULES, &stage.issuer)?;
    let ours = scene.start(stage.cores)?;
    let (floor, _folder) = stage.floor()?;
    let token = stage.token()?;
    let mut chains = chains(stage.cores, &scene.path("keys.json"), &floor, &ours, &token)?;
    for chain in &mut chains {
        chain.warm(stage)?;
    }
    let repetitions = stage.extent.repetitions;
    let envoys = in_turns(repetitions, &mut chains, Chain::measure)?;
    let report = &mut stage.report;
    let nobody = envoys.first().cloned().unwrap_or_default();
    let mut floor_cost = vec![];
    for (chain, envoy) in chains.iter().zip(&envoys) {
        let name = chain.name;
        report.figure(
            &format!("Envoy, {name}"),
            "µs",
            envoy,
            &[("no authorization", &nobody)],
        );
        if chain.asked.is_some() {
            let whole: Vec<f64> = envoy
                .iter()
                .zip(&chain.servers)
                .map(|(a, b)| a + b)
                .collect();
            if floor_cost.is_empty() {
                floor_cost.clone_from(&whole);
            }
            report.figure(
                &format!("… and the server, {name}"),
                "µs",
                &chain.servers,
                &[],
            );
            let against: [(&str, &[f64]); 2] =
                [("floor", &floor_cost), ("no authorization", &nobody)];
            report.figure(&format!("… together, {name}"), "µs", &whole, &against);
        }
    }
    Ok(())
}

fn chains<'a>(
    cores: Cores,
    keys: &Path,
    floor: &'a Server,
    ours: &'a Server,
    token: &str,
) -> Result<Vec<Chain<'a>>> {
    let native = |remembered| Asked::Native(keys.to_owned(), remembered);
    let asked = |server: &Server| Asked::Server(server.tcp.clone());
    let all = [
        ("no authorization", Asked::Nobody, None),
        ("jwt_authn and RBAC", native(0), None),
        ("the same with its token cache", native(1_000), None),
        ("floor", asked(floor), Some(&floor.process)),
        ("countersign", asked(ours), Some(&ours.process)),
    ];
    let chain = |(name, asks, asked): (&'static str, Asked, Option<&'a Process>)| {
        let folder = tempfile::tempdir()?;
        let envoy = Envoy::start(cores, folder.path(), &asks)?;
        Ok(Chain {
            connection: envoy.connect(token)?,
            name,
            envoy,
            asked,
            calls: 2 * AT_ONCE,
            servers: Vec::new(),
            _folder: folder,
        })
    };
    all.into_iter().map(chain).collect()
}

impl Chain<'_> {
    fn ask(&mut self) -> Result<load::Asked> {
        let mut none = Bodies::new(Vec::new());
        load::closed(&mut self.connection, &mut none, self.calls, AT_ONCE)?.all_well()
    }

    /// Asks for a while before anything is measured, and learns how much can be asked.
    fn warm(&mut self, stage: &Stage) -> Result<()> {
        self.ask()?;
        let asked = self.ask()?;
        let times = stage.extent.lasts.as_nanos() / asked.wall.as_nanos().max(1);
        self.calls *= usize::try_from(times)?.max(1);
        Ok(())
    }

    /// The microseconds that a request costs Envoy; the server's are noted.
    fn measure(&mut self) -> Result<f64> {
        let used = |process: Option<&Process>| process.map(Process::cpu).transpose();
        let (envoy, server) = (self.envoy.process.cpu()?, used(self.asked)?);
        let calls = u32::try_from(self.ask()?.calls)?;
        let each = |used: std::time::Duration| (used / calls).as_secs_f64() * 1e6;
        if let (Some(before), Some(after)) = (server, used(self.asked)?) {
            self.servers.push(each(after.saturating_sub(before)));
        }
        Ok(each(self.envoy.process.cpu()?.saturating_sub(envoy)))
    }
}
