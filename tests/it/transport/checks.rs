//! What `countersign check` says about certificates and the list of Envoys.

use serde_json::Value;

use super::EDGE;
use crate::harness::{Authority, Ran, Setup, run};

fn checked(setup: &Setup) -> Ran {
    run(
        setup.folder(),
        ["check", "--json", "--config", "countersign.yaml"],
    )
}

/// Code, message and place of every problem.
fn problems(setup: &Setup) -> Vec<(String, String, u64)> {
    let json = checked(setup).json();
    let text = |problem: &Value, key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    let all = json["problems"].as_array().unwrap().iter();
    all.map(|it| {
        (
            text(it, "code"),
            text(it, "message"),
            it["line"].as_u64().unwrap(),
        )
    })
    .collect()
}

fn mtls(envoys: &str) -> (Setup, Authority) {
    let authority = Authority::new("both");
    let setup = Setup::new().mtls(&authority.server(), &authority.pem(), envoys);
    (setup, authority)
}

#[test]
fn a_sound_port_has_no_problem_and_needs_no_certificate_for_tests() {
    let (setup, _) = mtls(&format!("[{{ id: '{EDGE}', routes: [payments] }}]"));
    assert_eq!(problems(&setup), []);
    let exposed = setup.replacing(
        "listen: 127.0.0.1:0\n  # unix",
        "listen: 0.0.0.0:9191\n  # unix",
    );
    assert_eq!(problems(&exposed), []);
    std::fs::remove_file(exposed.path("tls/server.key")).unwrap();
    let tests = run(exposed.folder(), ["test", "--config", "countersign.yaml"]);
    assert_eq!(tests.exit, 0, "{tests:?}");
}

#[test]
fn a_pair_that_cannot_be_used_is_named_with_its_place() {
    let (setup, authority) = mtls(&format!("[{{ id: '{EDGE}' }}]"));
    let found = |part: &str| {
        let problems = problems(&setup);
        let [(code, message, line)] = &problems[..] else {
            panic!("{problems:?}");
        };
        let text = setup.read("countersign.yaml");
        let line = text
            .lines()
            .nth(usize::try_from(*line).unwrap() - 1)
            .unwrap();
        assert!(line.contains("certificate: tls/server.pem"), "{line}");
        assert!(message.contains(part), "{message}");
        code.clone()
    };
    setup.write("tls/server.key", &authority.server().key);
    assert_eq!(
        found("does not belong to the certificate"),
        "unusable-certificate"
    );
    assert_eq!(checked(&setup).exit, 5);
    setup.write("tls/server.key", "");
    found("no private key");
    std::fs::remove_file(setup.path("tls/server.key")).unwrap();
    found("cannot read");
    setup.write_pair(&authority.server_until(2020));
    assert_eq!(
        found("expired at `2020-01-01T00:00:00.000Z`"),
        "certificate-expires"
    );
    assert_eq!(checked(&setup).exit, 0);
    // What cannot be served is said before the server listens.
    setup.write("tls/clients.pem", "nobody");
    let served = run(setup.folder(), ["serve", "--config", "countersign.yaml"]);
    assert_eq!(served.exit, 5, "{served:?}");
    assert!(
        served.stderr.contains("clients.pem` holds no certificate"),
        "{served:?}"
    );
}

#[test]
fn an_envoy_is_bound_to_what_exists() {
    let (setup, _) = mtls(&format!(
        "[{{ id: '{EDGE}', routes: [payment] }}, {{ id: 'dns:a.example', tenant: acme }}, {{ id: edge }}]"
    ));
    let codes = |setup: &Setup| {
        problems(setup)
            .into_iter()
            .map(|it| it.0)
            .collect::<Vec<_>>()
    };
    // An entry that names nobody hides what the others are bound to, because there is no list.
    assert_eq!(codes(&setup), ["invalid-envoy"]);
    let setup = setup.replacing(", { id: edge }", "");
    let said = run(setup.folder(), ["check", "--config", "countersign.yaml"]).stderr;
    assert_eq!(codes(&setup), ["unknown-route", "unknown-tenant"]);
    assert!(said.contains("did you mean `payments`?"), "{said}");
}

#[test]
fn beyond_loopback_somebody_is_named_or_it_is_said_to_be_insecure() {
    let wrong = |lines: &str| {
        let authority = Authority::new("both");
        let setup = Setup::new().grpc(lines);
        setup.write_pair(&authority.server());
        setup.write("tls/clients.pem", &authority.pem());
        problems(&setup)
    };
    let tls = "tls: { certificate: tls/server.pem, key: tls/server.key }";
    let mutual =
        "tls: { certificate: tls/server.pem, key: tls/server.key, client_ca: tls/clients.pem }";
    let envoys = format!("envoys: [{{ id: '{EDGE}' }}]");
    for (lines, part) in [
        (mutual.to_owned(), "list the Envoys that may ask"),
        (
            format!("{mutual}\n  envoys: []"),
            "list the Envoys that may ask",
        ),
        (format!("{tls}\n  {envoys}"), "`tls.client_ca`"),
        (envoys, "`tls.client_ca`"),
    ] {
        let problems = wrong(&lines);
        assert!(
            problems.iter().any(|it| it.1.contains(part)),
            "{lines}: {problems:?}"
        );
    }
}
