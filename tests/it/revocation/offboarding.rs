//! Whoever leaves is out with everything that is theirs, while requests flow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{ask, ci, corp, health, setup};
use crate::harness::{Ask, SOON, eventually_async};

fn texts(value: &Value) -> Vec<&str> {
    let items = value.as_array().unwrap();
    items.iter().map(|it| it.as_str().unwrap()).collect()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story from start to end")]
async fn an_owner_leaves_while_requests_flow() {
    let server = setup().start();
    let new = json!({ "provider": "partners", "id": "reports", "owner": "bob@example.com" });
    let (status, issued) = ask(&server, "POST /keys", &new);
    assert_eq!(status, 201, "{issued}");
    let client = server.client().await;
    let key = health().header("x-api-key", issued["key"].as_str().unwrap());
    eventually_async(SOON, "the key", async || {
        (client.check(&key).await.outcome() == "allow").then_some(())
    })
    .await;
    let theirs = [health().bearer(&ci(&server, "legacy-sync").sign()), key];
    let others = [
        health().bearer(&ci(&server, "deployer").sign()),
        health().bearer(&corp(&server, "bob").sign()),
    ];

    // Requests flow all the time; none that begins after the answer may pass.
    let (stop, gone) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (late, asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let flow = {
        let (stop, gone, late, asked) = (
            Arc::clone(&stop),
            Arc::clone(&gone),
            Arc::clone(&late),
            Arc::clone(&asked),
        );
        let (client, call) = (server.client().await, theirs[0].clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let was_gone = gone.load(Ordering::SeqCst);
                if client.check(&call).await.allows() && was_gone {
                    late.fetch_add(1, Ordering::SeqCst);
                }
                asked.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    eventually_async(SOON, "requests", async || {
        (asked.load(Ordering::SeqCst) > 20).then_some(())
    })
    .await;
    let body = json!({ "who": "bob@example.com", "reason": "left" });
    let (status, said) = ask(&server, "POST /offboard", &body);
    gone.store(true, Ordering::SeqCst);
    assert_eq!(status, 200, "{said}");
    let so_far = asked.load(Ordering::SeqCst);
    eventually_async(SOON, "more requests", async || {
        (asked.load(Ordering::SeqCst) > so_far + 20).then_some(())
    })
    .await;
    stop.store(true, Ordering::SeqCst);
    flow.await.unwrap();
    assert_eq!(
        late.load(Ordering::SeqCst),
        0,
        "a request passed after the answer"
    );

    assert_eq!(said["offboarded"], "owner bob@example.com");
    let revoked = texts(&said["revoked"]);
    for target in [
        "owner bob@example.com",
        "subject ci/legacy-sync",
        "actor ci/legacy-sync",
        "subject partners/reports",
        "actor ci/staging-probe",
    ] {
        assert!(revoked.contains(&target), "{target}: {revoked:?}");
    }
    assert_eq!(texts(&said["api_keys"]), [issued["id"].as_str().unwrap()]);
    let (_, entries) = ask(&server, "GET /revocations", &Value::Null);
    let entries = entries["revocations"].as_array().unwrap();
    let block = entries.iter().find(|it| it["kind"] == "api_key").unwrap();
    assert_eq!(block["value"], issued["id"]);
    assert_eq!(
        client.check(&theirs[0]).await.outcome(),
        "deny 403 identity_revoked"
    );
    // The key itself is revoked too, and says so as soon as the replica has read it.
    let outcome = client.check(&theirs[1]).await.outcome();
    assert!(
        outcome == "deny 403 identity_revoked" || outcome == "deny 401 api_key_revoked",
        "{outcome}"
    );
    for other in &others {
        assert_eq!(client.check(other).await.outcome(), "allow");
    }
    let (_, keys) = ask(&server, "GET /keys", &Value::Null);
    assert_eq!(keys["keys"][0]["state"], "revoked");
    assert_eq!(keys["keys"][0]["reason"], "off-boarded: left");
}

#[tokio::test]
async fn an_identity_leaves_in_every_role_and_by_whatever_name_it_is_known() {
    let server = setup().start();
    let client = server.client().await;
    let act = json!({ "sub": "crm-bot" });
    let acting = health().bearer(&corp(&server, "ann").claim("act", act).sign());
    assert_eq!(client.check(&acting).await.outcome(), "allow");
    let (status, said) = ask(&server, "POST /offboard", &json!({ "who": "crm-bot" }));
    assert_eq!(status, 200, "{said}");
    assert_eq!(
        texts(&said["revoked"]),
        ["subject corp/crm-bot", "actor corp/crm-bot"]
    );
    assert_eq!(
        client.check(&acting).await.outcome(),
        "deny 403 identity_revoked"
    );

    // A person is in no registry.
    let person = health().bearer(&corp(&server, "zoe").sign());
    assert_eq!(client.check(&person).await.outcome(), "allow");
    let (status, said) = ask(
        &server,
        "POST /offboard",
        &json!({ "identity": "corp/zoe" }),
    );
    assert_eq!(status, 200, "{said}");
    assert_eq!(
        client.check(&person).await.outcome(),
        "deny 403 identity_revoked"
    );

    // A workload is out beside other credentials, too.
    let id = "spiffe://example.org/vault-bot";
    let beside = health().bearer(&corp(&server, "ann").sign()).principal(id);
    assert_eq!(client.check(&beside).await.outcome(), "allow");
    let (status, said) = ask(&server, "POST /offboard", &json!({ "who": id }));
    assert_eq!(status, 200, "{said}");
    assert_eq!(
        client.check(&beside).await.outcome(),
        "deny 403 identity_revoked"
    );

    for (body, status) in [
        (json!({ "who": "nobody" }), 404),
        (json!({ "who": "zoe" }), 404),
        (json!({ "owner": "stranger@example.com" }), 200),
        (json!({ "who": "crm-bot", "owner": "x" }), 400),
        (json!({}), 400),
    ] {
        let (answered, said) = ask(&server, "POST /offboard", &body);
        assert_eq!(answered, status, "{body} {said}");
    }
}

#[tokio::test]
async fn what_a_leaver_has_asked_for_is_not_approved_any_more() {
    let setup = setup();
    setup.edit(
        "policies/platform-api.yaml",
        "rules:\n",
        "rules:\n  - { id: rotations-are-approved, guard: secrets.rotate, require: [{ approval: { from: { issuer: corp, group: secret-owners }, bind: [params] } }] }\n",
    );
    let server = setup.start();
    let client = server.client().await;
    let id = "spiffe://example.org/vault-bot";
    let call = |name: &str| {
        let path = format!("/v1/secrets/{name}/rotate");
        Ask::new("POST", "api.example.com", &path).principal(id)
    };
    for name in ["a", "b"] {
        let answer = client.check(&call(name)).await;
        assert_eq!(answer.reason(), "approval_required");
    }
    let (status, said) = ask(&server, "POST /offboard", &json!({ "who": id }));
    assert_eq!(status, 200, "{said}");
    let ended = texts(&said["approvals"]);
    assert_eq!(ended.len(), 2, "{said}");
    assert!(ended.iter().all(|id| id.starts_with("apr_")), "{said}");
    let refused = client.check(&call("a")).await;
    assert_eq!(refused.outcome(), "deny 403 identity_revoked");
    let (_, again) = ask(&server, "POST /offboard", &json!({ "who": id }));
    assert_eq!(texts(&again["approvals"]), [""; 0], "{again}");
}
