//! Whoever is not human has a life, whatever kind of credential it shows.

use crate::harness::{Ask, Setup, run};

const PARTNERS: &str = "\nproviders:\n  partners:\n    api_key: { pepper: { file: pepper } }\n";
const POLICY: &str = "
version: 1
routes:
  invoices:
    match: { host: invoices.example.com }
    url: https://invoices.example.com
    environment: production
    providers: [partners, mesh]
    actions:
      invoices.list: { http: GET /invoices }
rules:
  - { id: all, permit: invoices.*, to: { kind: service } }
";
const WORKLOAD: &str = "spiffe://example.org/jobs/billing";

/// A setup in which a holder of a key and a workload are registered with this much more to say.
fn setup(more: &str) -> (Setup, String) {
    let setup = Setup::new().replacing("\nproviders:\n", PARTNERS);
    setup.write("pepper", "0123456789abcdef0123456789abcdef");
    setup.write("policies/invoices.yaml", POLICY);
    let mut identities = setup.read("identities.yaml");
    for (issuer, id) in [("partners", "billing"), ("mesh", WORKLOAD)] {
        let entry = format!(
            "\n  - {{ issuer: {issuer}, id: \"{id}\", kind: service, owner: alice@example.com{more} }}"
        );
        identities.push_str(&entry);
    }
    setup.write("identities.yaml", &format!("{identities}\n"));
    let mut issue = vec!["keys", "issue", "--provider", "partners", "--id", "billing"];
    issue.extend([
        "--owner",
        "alice@example.com",
        "--config",
        "countersign.yaml",
    ]);
    let ran = run(setup.folder(), issue);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let key = ran.stdout.trim_end().to_owned();
    (setup, key)
}

#[tokio::test]
async fn holders_of_keys_and_workloads_are_refused_like_holders_of_tokens() {
    for (more, outcome) in [
        ("", "allow"),
        (", environment: production", "allow"),
        (", status: suspended", "deny 403 identity_suspended"),
        (", status: offboarded", "deny 403 identity_offboarded"),
        (", expires: 2020-01-01", "deny 403 identity_expired"),
        (", environment: staging", "deny 403 environment_mismatch"),
    ] {
        let (setup, key) = setup(more);
        let server = setup.start();
        let client = server.client().await;
        let ask = || Ask::new("GET", "invoices.example.com", "/invoices");
        let with_key = client.check(&ask().header("x-api-key", &key)).await;
        assert_eq!(with_key.outcome(), outcome, "a key{more}");
        let workload = client.check(&ask().principal(WORKLOAD)).await;
        assert_eq!(workload.outcome(), outcome, "a workload{more}");
    }
}
