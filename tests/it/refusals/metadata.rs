//! The metadata of protected resources (RFC 9728), before anybody is asked who they are.

use serde_json::{Value, json};

use super::{HOST, setup};
use crate::harness::{Ask, Setup, run};

const PATH: &str = "/.well-known/oauth-protected-resource";

#[tokio::test]
async fn a_route_says_who_issues_tokens_for_it() {
    let server = setup().start();
    let client = server.client().await;
    let get = |path: &str| Ask::new("GET", HOST, &format!("{PATH}{path}"));
    let answer = client.check(&get("/http")).await;
    assert_eq!(
        (answer.outcome().as_str(), answer.code()),
        ("deny 200 metadata", 7)
    );
    let document: Value = serde_json::from_str(&answer.denied().body).unwrap();
    assert_eq!(
        document,
        json!({
            "resource": "https://mcp.example.com/http",
            "authorization_servers": ["http://127.0.0.1:10080/corp"],
            "scopes_supported": ["crm:export", "crm:read"],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": ["ES256", "ES384", "EdDSA"],
            "resource_name": "crm",
        })
    );
    for (name, value) in [
        ("content-type", "application/json"),
        ("cache-control", "public, max-age=300"),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(answer.header(name).as_deref(), Some(value));
    }
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(answer.told("route"), "crm-http");
    // Whoever asks, and however: a bad credential and a query change nothing.
    for asked in [
        get("/http").bearer("nonsense"),
        get("/http?x=1"),
        Ask::new("HEAD", HOST, &format!("{PATH}/http")),
    ] {
        assert_eq!(
            client.check(&asked).await.denied().body,
            answer.denied().body
        );
    }
    let other = client.check(&get("/hidden")).await.denied().body.clone();
    assert!(other.contains("https://mcp.example.com/hidden"), "{other}");
    // What hides its catalogue does not list the catalogue's scopes for everybody.
    assert!(!other.contains("scope"), "{other}");
}

#[test]
fn explain_and_test_say_what_is_answered() {
    let setup = setup();
    let call = format!("GET {PATH}/http");
    let asked = ["explain", "--config", "countersign.yaml", "--http", &call];
    let ran = run(setup.folder(), asked.iter().chain(&["--host", HOST]));
    assert_eq!(ran.exit, 3, "{ran:?}");
    assert!(ran.stdout.contains("deny (metadata)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("crm-http"), "{}", ran.stdout);
    setup.write(
        "policies/case.yaml",
        &format!(
            "version: 1\ntests:\n  - name: where tokens come from\n    given: {{ }}\n    call: {{ route: payments, http: GET {PATH} }}\n    expect: {{ verdict: deny, reason: metadata }}\n"
        ),
    );
    let ran = run(setup.folder(), ["test", "--config", "countersign.yaml"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
}

#[tokio::test]
async fn an_http_route_has_metadata_too() {
    let server = Setup::new().start();
    let client = server.client().await;
    let answer = client.check(&Ask::payments(PATH)).await;
    assert_eq!(answer.outcome(), "deny 200 metadata");
    let document: Value = serde_json::from_str(&answer.denied().body).unwrap();
    assert_eq!(document["resource"], "https://payments.example.com");
    assert_eq!(document.get("resource_name"), None);
    let refused = client.check(&Ask::payments("/v1/payments")).await;
    let challenge = refused.header("www-authenticate").unwrap();
    let url = format!(r#"resource_metadata="https://payments.example.com{PATH}""#);
    assert!(challenge.contains(&url), "{challenge}");
}

#[tokio::test]
async fn nothing_but_the_exact_path_is_answered() {
    let server = setup().start();
    let client = server.client().await;
    for asked in [
        Ask::new("GET", HOST, PATH),
        Ask::new("GET", HOST, &format!("{PATH}/http/")),
        Ask::new("GET", HOST, &format!("{PATH}/http/x")),
        Ask::new("POST", HOST, &format!("{PATH}/http")),
        Ask::new("OPTIONS", HOST, &format!("{PATH}/http")),
        Ask::new("GET", "payments.example.com", &format!("{PATH}/http")),
        Ask::new("GET", HOST, &format!("{PATH}/http")).context("route", "crm-rpc"),
        Ask::new("GET", "nowhere.example.com", &format!("{PATH}/http")),
    ] {
        let answer = client.check(&asked).await;
        assert!(
            !answer.allows() && answer.reason() != "metadata",
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn a_route_that_takes_no_tokens_has_none() {
    let setup = Setup::new().replacing(
        "\nproviders:\n",
        "\nproviders:\n  partners:\n    api_key: { pepper: { file: pepper } }\n",
    );
    setup.write("pepper", "0123456789abcdef0123456789abcdef");
    setup.write(
        "policies/keys.yaml",
        "
version: 1
routes:
  bulk:
    match: { host: bulk.example.com }
    url: https://bulk.example.com
    providers: [partners]
    actions: { bulk.list: { http: GET /v1/bulk } }
rules:
  - { id: bulk-reads, permit: bulk.*, to: { issuer: partners } }
",
    );
    let server = setup.start();
    let client = server.client().await;
    let answer = client
        .check(&Ask::new("GET", "bulk.example.com", PATH))
        .await;
    assert_eq!(answer.outcome(), "deny 403 no_action");
    let answer = client
        .check(&Ask::new("GET", "bulk.example.com", "/v1/bulk"))
        .await;
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(!challenge.contains("resource_metadata"), "{challenge}");
}
