//! The verbs of operators against a server that keeps its state in a Valkey.

use serde_json::{Value, json};

use crate::harness::valkey::{Fsync, Valkey};
use crate::harness::{Ask, KEPT, Ran, Server, run};
use crate::revocation;

/// Runs a verb as an operator.
fn verb(server: &Server, arguments: &[&str]) -> Ran {
    let admin = format!("http://{}", server.admin());
    let file = server.setup.path("ops.token").display().to_string();
    let with = ["--admin", &admin, "--token-file", &file];
    run(server.setup.folder(), arguments.iter().chain(&with))
}

#[tokio::test]
async fn offboarding_and_conditions_are_kept_in_the_valkey_and_enforced() {
    let valkey = Valkey::start(Fsync::Always);
    let store = format!(
        "store: {{ valkey: {{ url: '{}' }}, replica: one, staleness: {{ low: 5m, medium: 2m, high: 2m, critical: 2m }} }}",
        valkey.url()
    );
    let server = revocation::setup().replacing(KEPT, &store).start();
    let client = server.client().await;
    let token = server.setup.ci.token("legacy-sync");
    let token = token
        .audience("https://api.example.com")
        .claim("environment", json!("staging"));
    let call = Ask::new("GET", "api.example.com", "/healthz").bearer(&token.sign());
    assert_eq!(client.check(&call).await.outcome(), "allow");

    let ran = verb(
        &server,
        &["offboard", "bob@example.com", "--reason", "left"],
    );
    assert_eq!(ran.exit, 0, "{ran:?}");
    let told = &ran.stderr;
    assert!(
        told.starts_with("off-boarded owner bob@example.com: "),
        "{told}"
    );
    assert!(told.contains("  revoked actor ci/legacy-sync\n"), "{told}");
    assert!(told.contains("one enforces it since "), "{told}");
    assert_eq!(
        client.check(&call).await.outcome(),
        "deny 403 identity_revoked"
    );

    let set = [
        "conditions",
        "set",
        "incident",
        "true",
        "--reason",
        "INC-7",
        "--for",
        "1h",
    ];
    let ran = verb(&server, &set);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(
        ran.stdout.starts_with("`incident` is true until "),
        "{ran:?}"
    );
    let listed = || verb(&server, &["conditions", "--json"]).json();
    let shown = crate::harness::eventually(crate::harness::SOON, "it is in force", || {
        Some(listed()["conditions"][0].clone()).filter(|it| it["value"] == json!(true))
    });
    assert_eq!(shown["set"]["by"], json!("ops"), "{shown}");
    assert_eq!(shown["set"]["reason"], json!("INC-7"), "{shown}");

    // Both are in the Valkey, and not only in this process.
    let kept = |key: &str| format!("{:?}", valkey.ask(&["HGETALL", key]));
    assert!(kept("{countersign}:revocations").contains("legacy-sync"));
    assert!(kept("{countersign}:conditions").contains("INC-7"));

    let ran = verb(&server, &["conditions", "clear", "incident"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    crate::harness::eventually(crate::harness::SOON, "it is cleared", || {
        let cleared = listed()["conditions"][0].clone();
        (cleared["value"] == json!(false) && cleared["set"] == Value::Null).then_some(())
    });
}
