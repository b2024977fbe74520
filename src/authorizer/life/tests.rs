use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::*;
use crate::model::identity::Proof;
use crate::model::lifecycle::Check;
use crate::model::name::ProviderName;
use crate::model::reason::Reason;
use crate::model::request::{Body, Headers, Peer, Query};
use crate::registry::{LifecycleSpec, RegistrySpec};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn id(text: &str) -> PartyId {
    PartyId::new(ProviderName::new("corp").unwrap(), text)
}

fn party(kind: Kind, text: &str) -> Party {
    Party::bare(kind, id(text))
}

fn alone(kind: Kind, text: &str) -> Parties {
    Parties::alone(party(kind, text))
}

fn acting(subject: Party, actor: Party, depth: usize) -> Parties {
    Parties {
        subject,
        actor: Some(actor),
        depth,
        prior: Vec::new(),
    }
}

fn registry() -> Registry {
    let spec = json!({ "version": 1, "identities": [
        { "issuer": "corp", "id": "bot", "kind": "agent", "owner": "alice" },
        { "issuer": "corp", "id": "web", "kind": "service", "owner": "alice" },
        { "issuer": "corp", "id": "bound", "kind": "agent", "owner": "alice", "workloads": "spiffe://example.org/a" },
        { "issuer": "corp", "id": "elsewhere", "kind": "agent", "owner": "alice", "environment": "staging" },
        { "issuer": "corp", "id": "old", "kind": "agent", "owner": "alice", "rotated": "2020-01-01" },
        { "issuer": "corp", "id": "gone", "kind": "agent", "owner": "alice", "status": "offboarded" },
    ] });
    let spec: RegistrySpec = serde_json::from_value(spec).unwrap();
    let providers = BTreeSet::from([ProviderName::new("corp").unwrap()]);
    Registry::compile(spec, &providers).unwrap()
}

fn lifecycle(section: &Json) -> Lifecycle {
    let spec: LifecycleSpec = serde_json::from_value(section.clone()).unwrap();
    Lifecycle::compile(spec).unwrap().0
}

fn token(lifetime: u64) -> TokenFacts {
    TokenFacts {
        scope: Vec::new(),
        audience: Vec::new(),
        expires: Some(NOW.plus(std::time::Duration::from_secs(lifetime))),
        issued: Some(NOW),
        id: None,
        key: None,
        proof: Proof::None,
        bound: None,
        session: None,
        bindable: true,
    }
}

fn request(headers: &[&str]) -> AccessRequest {
    let headers = headers
        .iter()
        .map(|name| ((*name).to_owned(), "x".to_owned()));
    AccessRequest {
        now: NOW,
        id: None,
        method: "GET".into(),
        host: "api.test".into(),
        path: "/".into(),
        raw_path: "/".into(),
        query: Query::default(),
        headers: Headers::new(headers),
        scheme: None,
        protocol: None,
        body: Body::Absent,
        source: Peer::default(),
        sni: None,
        context_extensions: std::collections::BTreeMap::new(),
        metadata: std::collections::BTreeMap::new(),
        route_metadata: std::collections::BTreeMap::new(),
        gateway: None,
    }
}

/// A call to a critical action in production.
struct Call {
    parties: Parties,
    headers: &'static [&'static str],
    lifetime: u64,
}

fn call(parties: Parties) -> Call {
    Call {
        parties,
        headers: &[],
        lifetime: 60,
    }
}

/// What is raised at these levels, and whether it denies.
fn examined(section: &Json, call: &Call) -> (Vec<Check>, Option<Reason>) {
    let (registry, lifecycle) = (registry(), lifecycle(section));
    let life = Life {
        registry: &registry,
        lifecycle: &lifecycle,
        environment: Some("production"),
        now: NOW,
    };
    let (parties, token) = (&call.parties, token(call.lifetime));
    let how = how(&request(call.headers), parties, &token, None);
    let mut raised = Vec::new();
    let ids = parties.each().map(|party| party.id.clone());
    let ended = life
        .of_identities(ids, &mut raised)
        .and_then(|()| life.of_parties(parties, &how, &mut raised))
        .and_then(|()| life.of_tier(parties, Tier::Critical, &token, &mut raised));
    let checks = raised.into_iter().map(|raised| raised.check).collect();
    (checks, ended.err().map(|denial| denial.reason))
}

/// The calls that each check is raised about, by the key that turns it.
fn troubled() -> Vec<(&'static str, Check, Call)> {
    let agent = |text: &str| call(alone(Kind::Agent, text));
    vec![
        ("unregistered", Check::Unregistered, agent("stranger")),
        ("standing", Check::Offboarded, agent("gone")),
        ("rotation", Check::RotationOverdue, agent("old")),
        (
            "token_lifetime",
            Check::TokenLifetime,
            Call {
                lifetime: 7200,
                ..agent("bot")
            },
        ),
        ("environment", Check::Environment, agent("elsewhere")),
        ("workload", Check::Workload, agent("bound")),
        (
            "browser",
            Check::Browser,
            Call {
                headers: &["sec-fetch-mode"],
                ..agent("bot")
            },
        ),
        ("proof", Check::Unproven, agent("bot")),
    ]
}

/// Everything is off, but one.
fn only(key: &str, level: &str) -> Json {
    let mut section = json!({ "unregistered": "off", "standing": "off", "expired": "off", "rotation": "off",
        "token_lifetime": "off", "environment": "off", "workload": "off", "browser": "off", "proof": "off" });
    section[key] = json!(level);
    section
}

#[test]
fn each_check_denies_warns_or_is_not_made() {
    for (key, check, call) in troubled() {
        let reason = Some(check.reason());
        assert_eq!(
            examined(&only(key, "deny"), &call),
            (vec![check], reason),
            "{key}"
        );
        assert_eq!(
            examined(&only(key, "warn"), &call),
            (vec![check], None),
            "{key}"
        );
        assert_eq!(examined(&only(key, "off"), &call), (vec![], None), "{key}");
    }
}

#[test]
fn nothing_is_raised_about_a_person_or_about_nobody() {
    let everything = json!({ "unregistered": "deny", "token_lifetime": "deny", "browser": "deny", "proof": "deny" });
    for parties in [
        alone(Kind::Human, "alice"),
        Parties::alone(Party::anonymous()),
    ] {
        let call = Call {
            headers: &["origin", "sec-fetch-site"],
            lifetime: 7200,
            ..call(parties)
        };
        assert_eq!(examined(&everything, &call), (vec![], None));
    }
}

#[test]
fn an_actor_is_checked_like_one_that_acts_for_itself() {
    let deny = |key: &str| only(key, "deny");
    let alice = || party(Kind::Human, "alice");
    for (key, check, troubled) in troubled() {
        let Call {
            parties,
            headers,
            lifetime,
        } = troubled;
        let call = Call {
            parties: acting(alice(), parties.subject, 1),
            headers,
            lifetime,
        };
        assert_eq!(examined(&deny(key), &call).1, Some(check.reason()), "{key}");
    }
    // It acts for a service: both are registered, and both may deny.
    let both = acting(
        party(Kind::Service, "stranger"),
        party(Kind::Agent, "bot"),
        1,
    );
    let denied = examined(&deny("unregistered"), &call(both)).1;
    assert_eq!(denied, Some(Reason::IdentityUnregistered));
}

#[test]
fn a_person_in_a_browser_may_use_a_registered_client() {
    let alice = || party(Kind::Human, "alice");
    let web = || party(Kind::Service, "web");
    let deny = only("browser", "deny");
    let browser = |parties| Call {
        headers: &["origin"],
        ..call(parties)
    };
    assert_eq!(examined(&deny, &browser(acting(alice(), web(), 0))).1, None);
    let denied = Some(Reason::BrowserUse);
    assert_eq!(
        examined(&deny, &browser(acting(alice(), web(), 1))).1,
        denied
    );
    assert_eq!(
        examined(&deny, &browser(alone(Kind::Service, "web"))).1,
        denied
    );
    // The client's own credential.
    let own = acting(party(Kind::Service, "bot"), web(), 0);
    assert_eq!(examined(&deny, &browser(own)).1, denied);
}

#[test]
fn a_header_of_a_browser_is_recognised_by_its_name() {
    for (name, is) in [
        ("origin", true),
        ("sec-fetch-mode", true),
        ("sec-fetch-anything", true),
        ("sec-ch-ua", false),
        ("originator", false),
        ("x-origin", false),
        ("user-agent", false),
    ] {
        assert_eq!(is_browser(&request(&[name])), is, "{name}");
    }
}

#[test]
fn warnings_are_bounded_and_a_denial_is_never_left_out() {
    let mut raised: Vec<Raised> = Vec::new();
    let found = |level| {
        vec![Found {
            check: Check::Browser,
            level,
        }]
    };
    for n in 0..2 * MAX_RAISED {
        raise(found(Level::Warn), &id(&n.to_string()), &mut raised).unwrap();
    }
    assert_eq!(raised.len(), MAX_RAISED);
    let denial = raise(found(Level::Deny), &id("bot"), &mut raised).unwrap_err();
    assert_eq!(denial.cause.as_deref(), Some("`corp/bot`: nhi10-browser"));
    assert_eq!(raised.last().unwrap().level, Level::Deny);
}
