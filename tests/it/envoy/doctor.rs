//! `countersign doctor` beside the real Envoy: what it warns of, Envoy takes; and what Envoy runs, it reads.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use super::certs::CERTS;
use super::process::{Change, Envoy, program};
use super::stage::{SHIPPED, setup};
use crate::doctor::{SOUND, cases};
use crate::harness::{Ran, run};

/// Envoys that look at configurations at the same time.
const AT_ONCE: usize = 4;

/// Why Envoy does not take a configuration.
fn refusal(text: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("envoy.yaml");
    let text = text.replace("CERTS", &CERTS.folder().display().to_string());
    std::fs::write(&file, text).unwrap();
    let output = Command::new(program())
        .args(["--mode", "validate", "--log-level", "error", "-c"])
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    (!output.status.success()).then(|| said.chars().take(500).collect())
}

#[test]
fn envoy_takes_all_that_is_warned_of() {
    let mut texts = BTreeMap::from([(SOUND.to_owned(), ("sound".to_owned(), false))]);
    for case in cases() {
        texts.insert(case.good, (format!("{}, good", case.name), false));
        texts.insert(case.bad, (case.name, case.refused));
    }
    let left = Mutex::new(texts.into_iter());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some((text, (name, refused))) = next else {
                        break;
                    };
                    let refusal = refusal(&text);
                    if refusal.is_some() != refused {
                        wrong.lock().unwrap().push(format!("{name}: {refusal:?}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn examine(envoy: &Envoy) -> Ran {
    let config = setup();
    let url = format!("http://{}/config_dump", envoy.admin);
    let main = config.path("countersign.yaml").display().to_string();
    run(
        Path::new("."),
        [
            "doctor",
            &url,
            "--config",
            &main,
            "--deny-warnings",
            "--json",
        ],
    )
}

#[test]
fn nothing_is_found_in_what_the_shipped_configuration_becomes() {
    let ran = examine(&SHIPPED.envoy);
    let value = ran.json();
    assert_eq!(
        (ran.exit, &value["problems"]),
        (0, &serde_json::json!([])),
        "{ran:?}"
    );
    assert_eq!(
        (&value["listeners"], &value["connection_managers"]),
        (&2.into(), &2.into())
    );
}

#[test]
fn a_trap_is_found_in_what_a_broken_copy_becomes() {
    let broken: [Change; 2] = [
        (
            "failure_mode_allow: false",
            "failure_mode_allow: true".to_owned(),
        ),
        (
            "cluster_name: countersign }",
            "cluster_name: countersing }".to_owned(),
        ),
    ];
    let envoy = Envoy::start(CERTS.folder(), &broken, 0);
    let ran = examine(&envoy);
    let value = ran.json();
    assert_eq!((ran.exit, &value["ok"]), (1, &false.into()), "{ran:?}");
    let found: Vec<(&str, &str)> = value["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            (
                problem["code"].as_str().unwrap(),
                problem["path"].as_str().unwrap(),
            )
        })
        .collect();
    // Two listeners share in the file what is written out twice in the dump.
    let codes: Vec<&str> = found.iter().map(|(code, _)| *code).collect();
    let expected = ["unknown-cluster", "failure-mode-allow"];
    assert_eq!(codes, [expected, expected].concat());
    for (_, path) in found {
        assert!(path.contains("static_listeners["), "{path}");
        assert!(
            path.contains(".filter_chains[0].filters[0].typed_config.http_filters[3]."),
            "{path}"
        );
    }
}
