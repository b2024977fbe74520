//! docker-compose.yml: what its containers run differs from the project's files in what it says, and loads.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde_json::Value;

use super::root;
use super::transcript::shell;
use crate::envoy::process::program;

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
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    ports: Vec<String>,
    #[serde(default)]
    healthcheck: Value,
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

#[test]
fn a_second_countersign_is_the_first_with_ports_of_its_own() {
    let services = compose().services;
    let (one, two) = (&services["countersign"], &services["countersign-two"]);
    assert_eq!(one.entrypoint, two.entrypoint);
    assert_eq!(one.volumes, two.volumes);
    let expected = [("ADMIN", 9293), ("GRPC", 9291), ("METRICS", 9292)];
    let expected = expected.map(|(name, port)| {
        (
            format!("COUNTERSIGN_{name}_LISTEN"),
            format!("127.0.0.1:{port}"),
        )
    });
    assert_eq!(two.environment, BTreeMap::from(expected));
    assert!(two.healthcheck.to_string().contains("127.0.0.1/9292"));
    // The command line knows these names.
    let said = shell("countersign serve --help", &root());
    for name in two.environment.keys() {
        assert!(said.contains(name), "{name}: {said}");
    }
    let scraped = fs::read_to_string(root().join("envoy/compose/prometheus.yml")).unwrap();
    assert!(scraped.contains("127.0.0.1:9292"), "{scraped}");
}

#[test]
fn envoy_balances_over_both() {
    let services = compose().services;
    let [_, _, script] = services["envoy"].entrypoint.as_slice() else {
        panic!("a shell with one script");
    };
    let (folder, root) = (tempfile::tempdir().unwrap(), root());
    let made = folder.path().join("envoy.yaml");
    let (edit, run) = script.split_once("&& exec envoy").unwrap();
    assert!(run.contains("-c /tmp/envoy.yaml"), "{run}");
    let edit = edit.replace("/tmp/envoy.yaml", made.to_str().unwrap());
    let said = shell(&edit, &root);
    assert_eq!(said, "");
    let text = fs::read_to_string(&made).unwrap();
    let endpoint = |port: u16| {
        format!(
            "        - endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }} }}\n"
        )
    };
    let both = endpoint(9191) + &endpoint(9291);
    assert_eq!(text.matches(&both).count(), 1, "{text}");
    assert_eq!(text.lines().count(), envoy_lines() + 1);
    let doctor = format!(
        "countersign doctor {} --config config/countersign.yaml",
        made.display()
    );
    let said = shell(&format!("{doctor}; echo \"ended $?\""), &root);
    assert!(said.contains("ended 0"), "{said}");
}

fn envoy_lines() -> usize {
    let shipped = fs::read_to_string(root().join("envoy/envoy.yaml")).unwrap();
    shipped.lines().count()
}

#[test]
fn the_page_is_published_on_loopback_and_leads_to_countersign() {
    let services = compose().services;
    let ports = &services["net"].ports;
    for port in ports {
        assert!(port.starts_with("127.0.0.1:"), "{port}");
    }
    assert!(
        ports.contains(&"127.0.0.1:9193:19193".to_owned()),
        "{ports:?}"
    );
    let file = root().join("envoy/compose/inbox.yaml");
    let text = fs::read_to_string(&file).unwrap();
    for port in [19193, 20080, 9193, 9293, 10080] {
        assert!(text.contains(&format!("port_value: {port} ")), "{port}");
    }
    let said = std::process::Command::new(program())
        .args(["--mode", "validate", "--disable-hot-restart", "-c"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(said.status.success(), "{said:?}");
}
