//! What is revoked while a call is decided about.

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::app::offline_snapshot;
use countersign::config::{Overrides, load};
use countersign::ext_authz::{access_request, now};
use countersign::model::revocation::{Revocation, Target};
use countersign::model::time::Timestamp;

use super::{API, health, setup};

fn blocked(kind: &str, issuer: Option<&str>, value: &str) -> Arc<Revocation> {
    Arc::new(Revocation {
        target: Target::parse(kind, issuer, value).unwrap(),
        not_before: None,
        blocked: Some(Timestamp::from_seconds(1)),
        lifted: None,
        expires: None,
        reason: Arc::from(""),
        by: Arc::from("a test"),
        at: Timestamp::from_seconds(1),
    })
}

/// Examines a call, then revokes, then looks again.
fn decided(
    principal: Option<&str>,
    token: Option<&str>,
    entry: Arc<Revocation>,
) -> [&'static str; 2] {
    let setup = setup();
    let sign = |sub: &str| {
        let token = setup.corp.token(sub).audience(API);
        token.actor("crm-bot").sign()
    };
    let mut ask = health();
    if let Some(principal) = principal {
        ask = ask.principal(principal);
    }
    if let Some(sub) = token {
        ask = ask.bearer(&sign(sub));
    }
    let bundle = load(&setup.path("countersign.yaml"), &Overrides::default());
    let snapshot = offline_snapshot(bundle.unwrap(), now(), true).unwrap();
    let request = access_request(&ask.request(), now()).unwrap();
    let until = Instant::now() + Duration::from_mins(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let examined = snapshot.examine(&request, until, None);
    let mut examined = runtime.unwrap().block_on(examined);
    let before = examined.verdict.reason();
    snapshot.live.revocations.apply(&[entry]);
    snapshot.look_again(&request, &mut examined);
    [before, examined.verdict.reason()]
}

#[test]
fn what_was_revoked_meanwhile_refuses_the_call() {
    const BATCH: &str = "spiffe://example.org/batch";
    let whole = Some("alice");
    for entry in [
        blocked("subject", Some("corp"), "alice"),
        blocked("actor", Some("corp"), "crm-bot"),
        blocked("client", Some("corp"), "web"),
        blocked("owner", None, "alice@example.com"),
        blocked("spiffe", None, BATCH),
    ] {
        let target = entry.target.to_string();
        let decided = decided(Some(BATCH), whole, entry);
        assert_eq!(decided, ["permitted", "identity_revoked"], "{target}");
    }
    let token = blocked("token", Some("corp"), "token-1");
    assert_eq!(
        decided(None, whole, token),
        ["permitted", "credential_revoked"]
    );
    let workload = blocked("spiffe_prefix", None, "spiffe://example.org");
    assert_eq!(
        decided(Some(BATCH), None, workload),
        ["permitted", "identity_revoked"]
    );
}

#[test]
fn what_is_about_somebody_else_does_not() {
    for entry in [
        blocked("subject", Some("corp"), "bob"),
        blocked("actor", Some("corp"), "alice"),
        blocked("subject", Some("corp"), "crm-bot"),
    ] {
        let target = entry.target.to_string();
        assert_eq!(
            decided(None, Some("alice"), entry),
            ["permitted"; 2],
            "{target}"
        );
    }
}
