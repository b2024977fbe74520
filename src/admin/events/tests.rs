//! What events become: which entries, of whom, with which times; in any order the same.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::entries::Said;
use super::refused::Refused;
use super::set::SecurityEvent;
use super::subject::{Realm, Subject};
use crate::model::name::ProviderName;
use crate::model::revocation::Revocation;
use crate::model::time::Timestamp;
use crate::revocation::Revocations;

const NOW: Timestamp = Timestamp::from_seconds(1_795_298_400);
const ISSUER: &str = "https://idp.example.com";
const AUDIENCE: &str = "https://authz.example.com/events";

fn corp() -> ProviderName {
    ProviderName::new("corp").unwrap()
}

fn seconds(of: Timestamp) -> i64 {
    of.seconds()
}

fn alice() -> Value {
    json!({ "format": "iss_sub", "iss": ISSUER, "sub": "alice" })
}

fn claims(kind: &str, payload: &Value, subject: &Value) -> Value {
    let name = match kind.split_once(' ') {
        Some((family, kind)) => {
            format!("https://schemas.openid.net/secevent/{family}/event-type/{kind}")
        }
        None => kind.to_owned(),
    };
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "jti": "e-1", "iat": seconds(NOW), "sub_id": subject, "events": { name: payload },
    })
}

fn read(claims: Value) -> Result<SecurityEvent, Refused> {
    let corp = corp();
    let realm = Realm {
        provider: &corp,
        issuer: ISSUER,
    };
    SecurityEvent::of_json(claims, AUDIENCE, realm, NOW)
}

fn entries(event: &SecurityEvent) -> Vec<Revocation> {
    let (provider, by) = (corp(), Arc::from("stream idp"));
    let said = Said {
        provider: &provider,
        by: &by,
        now: NOW,
    };
    event.entries(said, |_, cut| Some(cut.plus(Duration::from_hours(1))))
}

/// Every entry as `what target`.
fn done(kind: &str, payload: &Value, subject: &Value) -> Vec<String> {
    let event = read(claims(kind, payload, subject)).unwrap();
    let each = entries(&event).into_iter().map(|entry| {
        let what = match (entry.not_before, entry.blocked, entry.lifted) {
            (Some(_), None, None) => "cut",
            (None, Some(_), None) => "block",
            (None, None, Some(_)) => "lift",
            other => panic!("{other:?}"),
        };
        format!("{what} {}", entry.target)
    });
    each.collect()
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one row a kind of event, and what it says"
)]
fn every_kind_does_what_it_says() {
    let none = json!({});
    let cut = ["cut subject corp/alice"].as_slice();
    let rows: [(&str, Value, &[&str]); 25] = [
        ("caep session-revoked", none.clone(), cut),
        (
            "caep token-claims-change",
            json!({ "claims": { "role": "x" } }),
            cut,
        ),
        (
            "caep credential-change",
            json!({ "change_type": "revoke" }),
            cut,
        ),
        (
            "caep credential-change",
            json!({ "change_type": "delete" }),
            cut,
        ),
        (
            "caep credential-change",
            json!({ "change_type": "create" }),
            &[],
        ),
        (
            "caep assurance-level-change",
            json!({ "change_direction": "decrease" }),
            cut,
        ),
        (
            "caep assurance-level-change",
            json!({ "current_level": "nist-aal1" }),
            cut,
        ),
        (
            "caep assurance-level-change",
            json!({ "change_direction": "increase" }),
            &[],
        ),
        (
            "caep device-compliance-change",
            json!({ "current_status": "not-compliant" }),
            cut,
        ),
        (
            "caep device-compliance-change",
            json!({ "current_status": "compliant" }),
            &[],
        ),
        (
            "caep risk-level-change",
            json!({ "principal": "USER", "current_level": "HIGH" }),
            cut,
        ),
        (
            "caep risk-level-change",
            json!({ "principal": "USER", "current_level": "MEDIUM" }),
            &[],
        ),
        (
            "caep risk-level-change",
            json!({ "principal": "TENANT", "current_level": "HIGH" }),
            &[],
        ),
        ("caep session-established", none.clone(), &[]),
        ("caep something-new", none.clone(), &[]),
        (
            "risc account-disabled",
            none.clone(),
            &["block subject corp/alice", "block actor corp/alice"],
        ),
        (
            "risc account-purged",
            none.clone(),
            &["block subject corp/alice", "block actor corp/alice"],
        ),
        (
            "risc account-enabled",
            none.clone(),
            &["lift subject corp/alice", "lift actor corp/alice"],
        ),
        ("risc credential-compromise", none.clone(), cut),
        ("risc account-credential-change-required", none.clone(), cut),
        ("risc sessions-revoked", none.clone(), cut),
        ("risc identifier-recycled", none.clone(), &[]),
        ("ssf verification", json!({ "state": "x" }), &[]),
        ("ssf stream-updated", none.clone(), &[]),
        ("https://example.com/made-up", none, &[]),
    ];
    for (kind, payload, expected) in rows {
        assert_eq!(done(kind, &payload, &alice()), expected, "{kind} {payload}");
    }
}

#[test]
fn an_event_that_lacks_what_it_needs_is_refused() {
    for (kind, payload) in [
        ("caep credential-change", json!({})),
        ("caep device-compliance-change", json!({})),
        ("caep risk-level-change", json!({ "current_level": "HIGH" })),
        ("caep session-revoked", json!([])),
        ("caep session-revoked", json!({ "event_timestamp": "now" })),
        ("caep session-revoked", json!({ "event_timestamp": -1 })),
        ("caep session-revoked", json!({ "event_timestamp": 1e300 })),
    ] {
        let refused = read(claims(kind, &payload, &alice())).unwrap_err();
        assert_eq!(refused.told().0, "invalid_request", "{kind} {payload}");
    }
    let mut two = claims("caep session-revoked", &json!({}), &alice());
    two["events"]["urn:other"] = json!({});
    let mut none = two.clone();
    none["events"] = json!({});
    let mut nobody = claims("caep session-revoked", &json!({}), &alice());
    nobody.as_object_mut().unwrap().remove("sub_id");
    for wrong in [two, none, nobody] {
        let refused = read(wrong).unwrap_err();
        assert_eq!(refused.told().0, "invalid_request");
    }
}

#[test]
fn the_smallest_thing_that_is_named_ends() {
    let session = json!({ "format": "opaque", "id": "s-1" });
    let both = json!({ "format": "complex", "user": alice(), "session": session, "device": { "format": "opaque", "id": "d" } });
    let revoked = |subject: &Value| done("caep session-revoked", &json!({}), subject);
    assert_eq!(revoked(&both), ["cut session corp/s-1"]);
    let token = json!({ "format": "jwt_id", "iss": ISSUER, "jti": "t-1" });
    assert_eq!(revoked(&token), ["block token corp/t-1"]);
    let device = json!({ "format": "complex", "device": { "format": "opaque", "id": "d" } });
    assert!(revoked(&device).is_empty());
    let email = json!({ "format": "email", "email": "alice@example.com" });
    assert!(revoked(&email).is_empty());
    // A password that somebody else has is no matter of one session.
    let compromised = done("risc credential-compromise", &json!({}), &both);
    assert_eq!(compromised, ["cut subject corp/alice"]);
    let risky = json!({ "principal": "SESSION", "current_level": "HIGH" });
    assert_eq!(
        done("caep risk-level-change", &risky, &both),
        ["cut session corp/s-1"]
    );
    // A block is of somebody.
    assert!(done("risc account-disabled", &json!({}), &token).is_empty());
}

#[test]
fn a_subject_of_another_issuer_is_never_one_of_ours() {
    let other = json!({ "format": "iss_sub", "iss": "https://other.example.com", "sub": "alice" });
    let aliases = |all: &[Value]| json!({ "format": "aliases", "identifiers": all });
    let complex = json!({ "format": "complex", "user": other, "session": { "format": "opaque", "id": "s-1" } });
    let corp = corp();
    let realm = Realm {
        provider: &corp,
        issuer: ISSUER,
    };
    let read = |subject: &Value| Subject::read(subject, realm).map_err(|why| why.told().0);
    for foreign in [&other, &aliases(std::slice::from_ref(&other)), &complex] {
        assert_eq!(read(foreign), Err("access_denied"), "{foreign}");
    }
    let token = json!({ "format": "jwt_id", "iss": "https://other.example.com", "jti": "t" });
    assert_eq!(read(&token), Err("access_denied"));
    let one_of_ours = read(&aliases(&[other, alice(), alice()])).unwrap();
    assert_eq!(one_of_ours.users, ["alice"]);
    let long = "x".repeat(1_025);
    for unreadable in [
        json!("alice"),
        json!({}),
        json!({ "format": "iss_sub", "iss": ISSUER }),
        json!({ "format": "iss_sub", "iss": ISSUER, "sub": "" }),
        json!({ "format": "iss_sub", "iss": ISSUER, "sub": "a\nb" }),
        json!({ "format": "opaque", "id": long }),
        json!({ "format": "complex", "user": { "format": "complex", "user": alice() } }),
        aliases(&[]),
        aliases(&vec![alice(); 17]),
        aliases(&[aliases(&[alice()])]),
    ] {
        assert_eq!(read(&unreadable), Err("invalid_request"), "{unreadable}");
    }
}

#[test]
fn no_time_in_an_event_reaches_far() {
    let at = |event: Value| {
        let payload = json!({ "event_timestamp": event });
        let event = read(claims("caep session-revoked", &payload, &alice())).unwrap();
        let entry = entries(&event).remove(0);
        assert_eq!(
            entry.expires,
            entry
                .not_before
                .map(|cut| cut.plus(Duration::from_hours(1)))
        );
        seconds(entry.not_before.unwrap()) - seconds(NOW)
    };
    // It cuts half a minute later than it says: the clocks may be so far apart.
    assert_eq!(at(json!(seconds(NOW))), 30);
    assert_eq!(at(json!(seconds(NOW) - 3_600)), 30 - 3_600);
    // Years ahead is half a minute ahead, and an event of the last century happened yesterday.
    assert_eq!(at(json!(seconds(NOW) + 100_000_000)), 60);
    assert_eq!(at(json!(0)), 30 - 86_400);
    let mut toe = claims("caep session-revoked", &json!({}), &alice());
    toe["toe"] = json!(seconds(NOW) - 60);
    let event = read(toe).unwrap();
    assert_eq!(seconds(event.at), seconds(NOW) - 60);
    let mut early = claims("caep session-revoked", &json!({}), &alice());
    early["iat"] = json!(seconds(NOW) + 61);
    assert_eq!(read(early.clone()).unwrap_err().told().0, "invalid_request");
    early["iat"] = json!(seconds(NOW) + 60);
    assert!(read(early).is_ok());
}

#[test]
fn of_two_at_the_same_moment_the_block_counts() {
    let at = |kind: &str, seconds: i64| {
        let payload = json!({ "event_timestamp": seconds });
        entries(&read(claims(kind, &payload, &alice())).unwrap()).remove(0)
    };
    let now = seconds(NOW);
    let disabled = at("risc account-disabled", now);
    let merged = |enabled| disabled.clone().merge(at("risc account-enabled", enabled));
    assert!(merged(now).is_blocked());
    assert!(!merged(now + 1).is_blocked());
    assert!(merged(now - 1).is_blocked());
    // A block has no end, and a lift without one does.
    assert_eq!((merged(now + 1).expires, disabled.expires), (None, None));
    assert!(at("risc account-enabled", now).expires.is_some());
}

const KINDS: [&str; 5] = [
    "caep session-revoked",
    "risc account-disabled",
    "risc account-enabled",
    "risc credential-compromise",
    "caep token-claims-change",
];

/// What is revoked after these events.
fn table(events: &[(usize, i64, bool)]) -> Vec<Revocation> {
    let known = Revocations::default();
    for (kind, ago, session) in events {
        let payload = json!({ "event_timestamp": seconds(NOW) - ago });
        let session = session.then(|| json!({ "format": "opaque", "id": "s-1" }));
        let subject = json!({ "format": "complex", "user": alice(), "session": session });
        let subject = if session.is_some() { subject } else { alice() };
        let event = read(claims(KINDS[*kind], &payload, &subject)).unwrap();
        let entries: Vec<_> = entries(&event).into_iter().map(Arc::new).collect();
        known.apply(&entries);
    }
    let mut all: Vec<_> = known
        .entries()
        .iter()
        .map(|it| Revocation::clone(it))
        .collect();
    all.sort_by(|a, b| a.target.cmp(&b.target));
    all
}

proptest! {
    #[test]
    fn in_any_order_and_however_often_the_same_is_revoked(
        (sent, came) in prop::collection::vec((0..KINDS.len(), 0..5_i64, any::<bool>()), 1..8)
            .prop_flat_map(|sent| {
                let again = sent.iter().chain(&sent).copied().collect::<Vec<_>>();
                (Just(sent), Just(again).prop_shuffle())
            })
    ) {
        prop_assert_eq!(table(&sent), table(&came));
    }
}
