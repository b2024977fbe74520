//! docker-compose.yml: what its containers run differs from the project's files in what it says, and loads.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;

use super::root;
use super::transcript::shell;

/// The part of the file that is looked at.
#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
    volumes: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    entrypoint: Vec<String>,
    #[serde(default)]
    volumes: Vec<String>,
}

fn compose() -> Compose {
    let text = fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    serde_yaml::from_str(&text).unwrap()
}

#[test]
fn the_countersign_of_the_containers_keeps_its_state_in_the_valkey() {
    let compose = compose();
    assert!(compose.services.contains_key("valkey"));
    let [_, _, script] = compose.services["countersign"].entrypoint.as_slice() else {
        panic!("a shell with one script");
    };
    let (folder, root) = (tempfile::tempdir().unwrap(), root());
    let (here, there) = (root.display(), folder.path().display());
    let serve = "exec env -u COUNTERSIGN_STORE countersign serve";
    assert!(script.contains(serve), "{script}");
    let script = script
        .replace("/tmp/", &format!("{there}/"))
        .replace("/srv/countersign/", &format!("{here}/"))
        .replace(serve, "countersign check --deny-warnings");
    let said = shell(&script, &root);
    assert!(said.contains("no problems"), "{script}\n{said}");
    let written = fs::read_to_string(folder.path().join("countersign.yaml")).unwrap();
    let store = "\nstore: { valkey: { url: \"redis://127.0.0.1:6379\" } }\n";
    assert!(written.contains(store), "{written}");
}

#[test]
fn every_volume_that_is_mounted_by_name_is_declared_and_used() {
    let Compose { services, volumes } = compose();
    let mounted = services.values().flat_map(|service| &service.volumes);
    let mounted: Vec<&str> = mounted
        .filter_map(|mount| mount.split(':').next())
        .collect();
    let named = |name: &&&str| !name.starts_with(['.', '/']);
    assert!(
        mounted
            .iter()
            .filter(named)
            .all(|name| volumes.contains_key(*name))
    );
    assert!(volumes.keys().all(|name| mounted.contains(&name.as_str())));
}
