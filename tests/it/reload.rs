//! Editing what the server runs on: the next decision follows, all or nothing, and no check fails meanwhile.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::harness::{
    Ask, Client, Issuer, PAYMENTS, SOON, Server, Setup, eventually, eventually_async,
};

const POLICY: &str = "policies/payments.yaml";
/// The permit of the sample, and what an edit makes of it.
const TEAM: &str = "group: payments }";
const OTHERS: &str = "group: auditors }";

/// A question that the sample policy allows, and that the edited one denies.
fn ask(server: &Server) -> Ask {
    let token = server
        .setup
        .corp
        .token("alice")
        .audience(PAYMENTS)
        .groups(&["payments"])
        .scope("payments:read");
    Ask::payments("/v1/payments").bearer(&token.sign())
}

async fn becomes(client: &Client, ask: &Ask, outcome: &str) {
    eventually_async(SOON, outcome, async || {
        (client.check(ask).await.outcome() == outcome).then_some(())
    })
    .await;
}

fn edited(server: &Server) -> String {
    server.setup.read(POLICY).replacen(TEAM, OTHERS, 1)
}

#[tokio::test]
async fn an_edit_in_place_changes_the_next_decision() {
    let server = Setup::new().start();
    let (client, ask) = (server.client().await, ask(&server));
    assert_eq!(client.check(&ask).await.outcome(), "allow");
    let before = client.check(&ask).await.told("policy_version");
    server.setup.write(POLICY, &edited(&server));
    becomes(&client, &ask, "deny 403 not_permitted").await;
    let after = client.check(&ask).await.told("policy_version");
    assert_ne!(before, after);
    assert_eq!(server.status()["policy"]["version"], after);
    assert_eq!(
        server
            .metric(r#"countersign_reloads_total{result="applied"}"#)
            .to_string(),
        "1"
    );
}

#[tokio::test]
async fn an_atomic_rename_changes_the_next_decision() {
    let server = Setup::new().start();
    let (client, ask) = (server.client().await, ask(&server));
    assert_eq!(client.check(&ask).await.outcome(), "allow");
    server.setup.replace(POLICY, &edited(&server));
    becomes(&client, &ask, "deny 403 not_permitted").await;
}

/// Kubernetes mounts `file -> ..data/file` and `..data -> ..2026_01`, and renames a new `..data` over the old one.
#[tokio::test]
async fn a_swapped_link_of_a_config_map_changes_the_next_decision() {
    let setup = Setup::new();
    let mount = setup.path("policies");
    let v1 = setup.path("..v1");
    fs::rename(&mount, &v1).unwrap();
    fs::create_dir(&mount).unwrap();
    fs::rename(&v1, mount.join("..v1")).unwrap();
    symlink("..v1", mount.join("..data")).unwrap();
    for name in ["payments.yaml", "crm.yaml", "platform-api.yaml"] {
        symlink(format!("..data/{name}"), mount.join(name)).unwrap();
    }
    let server = setup.start();
    let (client, ask) = (server.client().await, ask(&server));
    assert_eq!(client.check(&ask).await.outcome(), "allow");
    fs::create_dir(mount.join("..v2")).unwrap();
    for name in ["crm.yaml", "platform-api.yaml"] {
        fs::copy(mount.join("..v1").join(name), mount.join("..v2").join(name)).unwrap();
    }
    server
        .setup
        .write("policies/..v2/payments.yaml", &edited(&server));
    symlink("..v2", mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    fs::remove_dir_all(mount.join("..v1")).unwrap();
    becomes(&client, &ask, "deny 403 not_permitted").await;
}

#[tokio::test]
async fn a_bad_edit_changes_nothing_but_the_status_and_a_metric_until_it_is_cured() {
    let server = Setup::new().start();
    let (client, ask) = (server.client().await, ask(&server));
    let good = server.setup.read(POLICY);
    let before = client.check(&ask).await.told("policy_version");
    server.setup.edit(
        POLICY,
        "group: payments }",
        "group: payments, wheel: true }",
    );
    let refused =
        || Some(server.status()).filter(|status| status["policy"]["reload"]["state"] == "refused");
    let status = eventually(SOON, "refused", refused);
    let reload = &status["policy"]["reload"];
    let problem = reload["problems"][0].as_str().unwrap();
    let line = server
        .setup
        .read(POLICY)
        .lines()
        .position(|line| line.contains("wheel"))
        .unwrap()
        + 1;
    assert!(
        problem.contains(&format!("policies/payments.yaml:{line}:")),
        "{problem}"
    );
    assert!(problem.contains("wheel"), "{problem}");
    let since = reload["since"].as_str().unwrap().to_owned();
    assert!(since.ends_with('Z'), "{since}");
    assert_eq!(
        server
            .metric(r#"countersign_reloads_total{result="refused"}"#)
            .to_string(),
        "1"
    );
    assert!(server.metric("countersign_reload_refused_since_seconds") > 0.0);
    // What was in force stays, also for readiness.
    let answer = client.check(&ask).await;
    assert_eq!(
        (answer.outcome().as_str(), answer.told("policy_version")),
        ("allow", before.clone())
    );
    assert_eq!(server.get("/readyz").status, 200);

    // Another bad edit does not move "since when".
    server.setup.edit(POLICY, "wheel: true }", "wheel: [ }");
    let second = || {
        Some(server.status()).filter(|status| status["policy"]["reload"]["problems"][0] != problem)
    };
    let status = eventually(SOON, "refused again", second);
    assert_eq!(status["policy"]["reload"]["since"], since.as_str());

    // The cure: an edit that is good, and another one than before.
    server.setup.write(POLICY, &good.replacen(TEAM, OTHERS, 1));
    becomes(&client, &ask, "deny 403 not_permitted").await;
    let status = eventually(SOON, "cleared", || {
        Some(server.status()).filter(|status| status["policy"]["reload"]["state"] == "applied")
    });
    assert_ne!(status["policy"]["version"], before.as_str());
    assert_eq!(
        server
            .metric("countersign_reload_refused_since_seconds")
            .to_string(),
        "0"
    );
}

#[tokio::test]
async fn going_back_to_what_is_in_force_clears_a_refusal() {
    let server = Setup::new().start();
    let good = server.setup.read(POLICY);
    server.setup.write(POLICY, "version: 1\nrules: 7\n");
    eventually(SOON, "refused", || {
        (server.status()["policy"]["reload"]["state"] == "refused").then_some(())
    });
    server.setup.write(POLICY, &good);
    eventually(SOON, "cleared", || {
        (server.status()["policy"]["reload"]["state"] == "applied").then_some(())
    });
    assert_eq!(
        server
            .metric("countersign_reload_refused_since_seconds")
            .to_string(),
        "0"
    );
    assert_eq!(
        server
            .metric(r#"countersign_reloads_total{result="unchanged"}"#)
            .to_string(),
        "1"
    );
}

#[tokio::test]
async fn a_reload_is_all_or_nothing() {
    let server = Setup::new().start();
    let (client, ask) = (server.client().await, ask(&server));
    // One file is good and would deny, the other one is bad: neither takes effect.
    server.setup.write("policies/crm.yaml", "version: 2\n");
    server.setup.write(POLICY, &edited(&server));
    eventually(SOON, "refused", || {
        (server.status()["policy"]["reload"]["state"] == "refused").then_some(())
    });
    assert_eq!(client.check(&ask).await.outcome(), "allow");
}

#[tokio::test]
async fn sighup_reloads_at_once() {
    let server = Setup::new().start();
    server.signal("HUP");
    let unchanged = r#"countersign_reloads_total{result="unchanged"}"#;
    eventually(SOON, "reloaded", || {
        (server.metric(unchanged).to_string() == "1").then_some(())
    });
    assert_eq!(server.get("/readyz").status, 200);
}

#[tokio::test]
async fn an_identity_that_is_suspended_is_refused_from_then_on() {
    let server = Setup::new().start();
    let client = server.client().await;
    let corp = &server.setup.corp;
    let token = corp
        .token("alice")
        .audience("https://crm.example.com")
        .groups(&["crm"])
        .scope("crm:read")
        .actor("crm-bot");
    let ask = Ask::new("GET", "crm.example.com", "/v1/customers").bearer(&token.sign());
    assert_eq!(client.check(&ask).await.outcome(), "allow");
    server.setup.edit(
        "identities.yaml",
        "groups: [crm-agents] }",
        "groups: [crm-agents], status: suspended }",
    );
    becomes(&client, &ask, "deny 403 identity_suspended").await;
    // And everything else goes on.
    let alone = corp
        .token("alice")
        .audience("https://crm.example.com")
        .groups(&["crm"])
        .scope("crm:read")
        .sign();
    let ask = Ask::new("GET", "crm.example.com", "/v1/customers").bearer(&alone);
    assert_eq!(client.check(&ask).await.outcome(), "allow");
}

#[tokio::test]
async fn an_incident_opens_and_closes_with_the_conditions_file() {
    let server = Setup::new().start();
    let client = server.client().await;
    let ask = Ask::new("GET", "api.example.com", "/v1/secrets/db")
        .context("body", "sent")
        .principal("spiffe://example.org/vault-bot");
    assert_eq!(client.check(&ask).await.outcome(), "deny 403 forbidden");
    server
        .setup
        .edit("conditions.yaml", "incident: false", "incident: true");
    becomes(&client, &ask, "pending 403 approval_required").await;
    server
        .setup
        .edit("conditions.yaml", "incident: true", "incident: false");
    becomes(&client, &ask, "deny 403 forbidden").await;
}

#[tokio::test]
async fn a_provider_is_added_once_its_keys_are_loaded() {
    let server = Setup::new().start();
    let (client, old) = (server.client().await, ask(&server));
    let partner = Issuer::new("https://partner.example.com");
    let token = partner
        .token("paula")
        .audience(PAYMENTS)
        .scope("payments:read")
        .sign();
    let ask = Ask::payments("/v1/payments").bearer(&token);
    assert_eq!(client.check(&ask).await.outcome(), "deny 401 token_issuer");
    let settings = server.setup.read("countersign.yaml");
    let provider = concat!(
        "  partner:\n    jwt:\n      issuer: https://partner.example.com\n      keys: { file: partner.jwks.json }\n",
        "      algorithms: [ES256]\n      unregistered_client: subject\n      map: { kind: '\"human\"' }\n"
    );
    server.setup.replace("partner.jwks.json", &partner.jwks());
    server
        .setup
        .write("countersign.yaml", &format!("{settings}{provider}"));
    let policy =
        server
            .setup
            .read(POLICY)
            .replacen("providers: [corp] ", "providers: [corp, partner] ", 1);
    let permit =
        "\n  - { id: partners, permit: payments.list, to: { issuer: partner, kind: human } }\n";
    server.setup.write(
        POLICY,
        &policy.replacen("rules:\n", &format!("rules:{permit}"), 1),
    );
    becomes(&client, &ask, "allow").await;
    assert_eq!(client.check(&old).await.outcome(), "allow");
    let names: Vec<Value> = server.status()["key_sets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| set["provider"].clone())
        .collect();
    assert_eq!(names, ["ci", "corp", "partner"]);
}

#[tokio::test]
async fn a_provider_without_keys_is_not_taken_and_the_old_policy_stays() {
    let server = Setup::new().start();
    let (client, old) = (server.client().await, ask(&server));
    let settings = server.setup.read("countersign.yaml");
    let provider = concat!(
        "  partner:\n    jwt:\n      issuer: https://partner.example.com\n      keys: { file: partner.jwks.json }\n",
        "      unregistered_client: subject\n      map: { kind: '\"human\"' }\n"
    );
    server
        .setup
        .write("countersign.yaml", &format!("{settings}{provider}"));
    let refused =
        || Some(server.status()).filter(|status| status["policy"]["reload"]["state"] == "refused");
    let status = eventually(SOON, "refused", refused);
    let problem = status["policy"]["reload"]["problems"][0].as_str().unwrap();
    assert!(problem.contains("`partner`"), "{problem}");
    assert_eq!(client.check(&old).await.outcome(), "allow");
    assert_eq!(server.get("/readyz").status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_check_fails_while_policies_change_and_each_answer_belongs_to_one_version() {
    let server = Setup::new().start();
    let ask = ask(&server);
    let (good, bad) = (server.setup.read(POLICY), edited(&server));
    let stop = Arc::new(AtomicBool::new(false));
    let mut flows = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (client, ask, stop) = (server.client().await, ask.clone(), Arc::clone(&stop));
        flows.spawn(async move {
            let mut seen = std::collections::BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                let answer = client.check(&ask).await;
                seen.insert((answer.told("policy_version"), answer.outcome()));
            }
            seen
        });
    }
    let probe = server.client().await;
    for _ in 0..4 {
        server.setup.write(POLICY, &bad);
        becomes(&probe, &ask, "deny 403 not_permitted").await;
        server.setup.replace(POLICY, &good);
        becomes(&probe, &ask, "allow").await;
    }
    stop.store(true, Ordering::Relaxed);
    let seen: std::collections::BTreeSet<_> =
        flows.join_all().await.into_iter().flatten().collect();
    let versions: std::collections::BTreeSet<_> = seen.iter().map(|(version, _)| version).collect();
    assert_eq!(
        (seen.len(), versions.len()),
        (2, 2),
        "one outcome a version: {seen:?}"
    );
}
