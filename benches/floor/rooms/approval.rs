//! What an approved call costs beyond using its approval up.

use std::slice::from_ref;

use anyhow::Result;
use serde_json::{Value, json};

use super::RULES;
use crate::keeper::Keeper;
use crate::scene::Scene;
use crate::stage::{Stage, Target};
use crate::valkey::Valkey;
use crate::{load, questions};

/// A call that needs an approval, which is good for as many calls as are made in one repetition.
const POLICY: &str = "\
version: 1
routes:
  vault:
    match: { host: vault.example.com }
    url: https://vault.example.com
    audience: https://api.example.com
    providers: [corp]
    actions:
      vault.open: { http: 'POST /v1/vaults/{name}/open' }
rules:
  - { id: openers, permit: vault.open, to: { issuer: corp, group: payments } }
  - { id: keepers, guard: vault.open,
      require: [{ approval: { from: { issuer: corp, group: keepers }, ttl: 1h, uses: 1000 } }] }
";

pub(super) fn run(stage: &mut Stage) -> Result<()> {
    let folder = tempfile::tempdir()?;
    embedded(stage)?;
    match Valkey::start(stage.cores, folder.path()) {
        Ok(valkey) => shared(stage, &valkey),
        Err(cause) => {
            stage
                .report
                .note(&format!("Valkey is not measured: {cause:#}"));
            Ok(())
        }
    }
}

fn embedded(stage: &mut Stage) -> Result<()> {
    let scene = Scene::new(RULES, &stage.issuer)?.policy("vault.yaml", POLICY)?;
    let spec = json!({ "file": scene.path("state.db") });
    compare(stage, &scene, spec, "embedded")
}

fn shared(stage: &mut Stage, valkey: &Valkey) -> Result<()> {
    let spec = json!({ "valkey": { "url": valkey.url } });
    let scene = Scene::new(RULES, &stage.issuer)?
        .policy("vault.yaml", POLICY)?
        .store(spec.to_string());
    compare(stage, &scene, spec, "Valkey")
}

fn compare(stage: &mut Stage, scene: &Scene, spec: Value, name: &str) -> Result<()> {
    let server = scene.start(stage.cores)?;
    let keeper = stage.cores.on_servers_core(|| Keeper::at(spec))??;
    let (floor, _folder) = stage.floor()?;
    let (extent, token) = (stage.extent, stage.token()?);
    let mut base = Target::warm(
        &floor,
        &floor.tcp,
        &questions::plain(from_ref(&token)),
        &extent,
    )?;
    let (mut floors, mut bares, mut ours) = (vec![], vec![], vec![]);
    for number in 0..extent.repetitions {
        let alone = load::closed(&mut base.connection, &mut base.bodies, extent.uses, 1)?;
        floors.push(alone.all_well()?.micros(0.5));
        let (id, _) = keeper.approved(&server, &token, &format!("bare-{number}"))?;
        bares.push(keeper.spend(&id, extent.uses)?);
        let (_, mut target) = keeper.approved(&server, &token, &format!("ours-{number}"))?;
        let asked = load::closed(&mut target.connection, &mut target.bodies, extent.uses, 1)?;
        ours.push(asked.all_well()?.micros(0.5));
    }
    let report = &mut stage.report;
    report.figure(
        &format!("floor, one call at a time, p50 ({name})"),
        "µs",
        &floors,
        &[],
    );
    report.figure(
        &format!("bare use, {name}, p50"),
        "µs",
        &bares,
        &[("floor", &floors)],
    );
    let against: [(&str, &[f64]); 2] = [("bare use", &bares), ("floor", &floors)];
    report.figure(
        &format!("approved call, {name}, p50"),
        "µs",
        &ours,
        &against,
    );
    Ok(())
}
