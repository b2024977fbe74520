//! JWT-SVIDs through the port: minted by another library, verified with a bundle from an endpoint.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{Ask, KeyServer, SOON, Server, Setup, eventually_async, now, tools};

const LIBRARY: &str = "joserfc==1.8.0";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/svid/mint.py");
const AUDIENCE: &str = "https://jobs.example.com";
const RUNNER: &str = "spiffe://example.org/ci/runner";

/// A route for workloads, whichever way they say who they are.
const POLICY: &str = "
version: 1
routes:
  jobs:
    match: { host: jobs.example.com }
    url: https://jobs.example.com
    providers: [corp, spire, mesh]
    actions:
      jobs.take: { http: GET /jobs }
rules:
  - { id: runners, permit: jobs.take, to: { issuer: spire, kind: service, id: 'spiffe://example.org/ci/*' } }
";

#[derive(Deserialize)]
struct Minted {
    bundles: Vec<Value>,
    tokens: HashMap<String, String>,
}

/// One token: name, key, header, and what it says other than a sound one.
type Row = (&'static str, &'static str, Value, Value);

fn rows() -> Vec<Row> {
    vec![
        ("sound", "first", json!({ "typ": "JWT" }), json!({})),
        ("untyped", "first", json!({}), json!({})),
        (
            "of an unknown issuer",
            "first",
            json!({}),
            json!({ "iss": "https://spire.example.org" }),
        ),
        (
            "access token",
            "first",
            json!({ "typ": "at+jwt" }),
            json!({}),
        ),
        (
            "for somebody else",
            "first",
            json!({}),
            json!({ "aud": ["https://crm.example.com"] }),
        ),
        ("for nobody", "first", json!({}), json!({ "aud": [] })),
        ("expired", "first", json!({}), json!({ "exp": now() - 60 })),
        (
            "for a year",
            "first",
            json!({}),
            json!({ "exp": now() + 31_536_000 }),
        ),
        (
            "another trust domain",
            "first",
            json!({}),
            json!({ "sub": "spiffe://example.com/ci/runner" }),
        ),
        (
            "another workload",
            "first",
            json!({}),
            json!({ "sub": "spiffe://example.org/web" }),
        ),
        ("key for something else", "stranger", json!({}), json!({})),
        (
            "of the issuer",
            "first",
            json!({}),
            json!({ "iss": "http://127.0.0.1:10080/corp" }),
        ),
        ("rotated", "second", json!({}), json!({})),
    ]
}

fn minted() -> Minted {
    let python = tools::python_with(&[LIBRARY]).unwrap_or_else(|error| panic!("{error}"));
    let tokens = rows().into_iter().map(|(name, key, header, change)| {
        let mut claims =
            json!({ "sub": RUNNER, "aud": [AUDIENCE], "exp": now() + 300, "iat": now() });
        for (member, value) in change.as_object().unwrap() {
            claims[member] = value.clone();
        }
        json!({ "name": name, "key": key, "header": header, "claims": claims })
    });
    let asked = Value::Array(tokens.collect()).to_string();
    let mut child = Command::new(python)
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(asked.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{SCRIPT} fails; it says why above");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The sample configuration with the trust domain's bundle at `bundle`.
fn start(bundle: &KeyServer) -> Server {
    let provider = format!(
        "\nproviders:\n  spire:\n    jwt_svid:\n      trust_domain: example.org\n      bundle: {{ url: \"{}\", min_interval: 100ms }}\n",
        bundle.url()
    );
    let setup = Setup::new().replacing("\nproviders:\n", &provider);
    setup.write("policies/jobs.yaml", POLICY);
    setup.start()
}

fn ask(token: &str) -> Ask {
    Ask::new("GET", "jobs.example.com", "/jobs").bearer(token)
}

#[tokio::test]
async fn only_a_workload_of_the_trust_domain_is_one() {
    let minted = minted();
    let bundle = KeyServer::start(minted.bundles[0].to_string());
    let server = start(&bundle);
    let client = server.client().await;
    for (name, outcome) in [
        ("sound", "allow"),
        ("untyped", "allow"),
        ("of an unknown issuer", "allow"),
        ("access token", "deny 401 token_type"),
        ("for somebody else", "deny 401 token_audience"),
        ("for nobody", "deny 401 token_audience"),
        ("expired", "deny 401 token_expired"),
        ("for a year", "deny 401 token_claims"),
        ("another trust domain", "deny 401 token_issuer"),
        ("another workload", "deny 403 not_permitted"),
        ("key for something else", "deny 401 token_key_unknown"),
        ("of the issuer", "deny 401 token_signature"),
    ] {
        let answer = client.check(&ask(&minted.tokens[name])).await;
        assert_eq!(answer.outcome(), outcome, "{name}");
    }
    // The same workload with its certificate is another party.
    let certificate = Ask::new("GET", "jobs.example.com", "/jobs").principal(RUNNER);
    assert_eq!(
        client.check(&certificate).await.outcome(),
        "deny 403 not_permitted"
    );
}

#[tokio::test]
async fn a_rotated_bundle_is_followed() {
    let minted = minted();
    let bundle = KeyServer::start(minted.bundles[0].to_string());
    let server = start(&bundle);
    let client = server.client().await;
    let (old, new) = (ask(&minted.tokens["sound"]), ask(&minted.tokens["rotated"]));
    assert_eq!(
        client.check(&new).await.outcome(),
        "deny 401 token_key_unknown"
    );
    bundle.publish(minted.bundles[1].to_string());
    // The bundle's own hint is a second; `refresh` would be five minutes.
    for (ask, outcome) in [(&new, "allow"), (&old, "deny 401 token_key_unknown")] {
        eventually_async(SOON, outcome, async || {
            (client.check(ask).await.outcome() == outcome).then_some(())
        })
        .await;
    }
}
