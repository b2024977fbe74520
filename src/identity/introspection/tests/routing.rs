//! Which provider a token belongs to, and that nobody else sees it.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value as Json, json};

use super::{LONG, World, folder, members, said, spec};
use crate::identity::providers::{CheckedProviders, Clock};
use crate::identity::resources::Resources;
use crate::identity::spec::ProviderSpec;
use crate::identity::testing::{ISSUER, provider_name, request, route};
use crate::keys::base64url::encode;
use crate::outbound::testing::{Reply, TestServer};

async fn answering() -> TestServer {
    TestServer::start(|_| Reply::json(members().to_string())).await
}

fn of(server: &TestServer, more: Json) -> Json {
    json!({ "introspection": spec(&server.url("/"), more) })
}

#[tokio::test]
async fn a_token_goes_to_the_provider_whose_prefix_it_has_else_to_the_one_without() {
    let (old, new, rest) = (answering().await, answering().await, answering().await);
    let world = World::new(&[
        ("old", of(&old, json!({ "prefix": "old_" }))),
        ("new", of(&new, json!({ "prefix": "new_" }))),
        ("rest", of(&rest, json!({}))),
    ]);
    let all = ["rest", "old", "new"];
    let hits = || [old.hits(), new.hits(), rest.hits()];
    for (token, who, expected) in [
        ("old_1", "old/alice", [1, 0, 0]),
        ("new_1", "new/alice", [1, 1, 0]),
        ("other_1", "rest/alice", [1, 1, 1]),
        ("old", "rest/alice", [1, 1, 2]),
    ] {
        let outcome = world.ask_on(&all, token, LONG).await;
        assert_eq!(said(token, outcome), who);
        assert_eq!(hits(), expected, "{token}");
    }
    let outcome = world.ask_on(&["old", "new"], "other_2", LONG).await;
    assert_eq!(said("other_2", outcome), "token_issuer");
    let outcome = world.ask_on(&["new"], "old_2", LONG).await;
    assert_eq!(said("old_2", outcome), "token_issuer");
    assert_eq!(hits(), [1, 1, 2], "nobody else is asked");
    // What one provider said is not known to another.
    let outcome = world.ask_on(&["rest"], "old_1", LONG).await;
    assert_eq!(said("old_1", outcome), "rest/alice");
    assert_eq!(hits(), [1, 1, 3]);
}

#[tokio::test]
async fn a_token_that_is_too_large_is_sent_nowhere() {
    let server = answering().await;
    let world = World::one(&server, json!({}));
    assert_eq!(
        world.ask(&"x".repeat(8 * 1024 + 1)).await,
        "token_too_large"
    );
    assert_eq!(server.hits(), 0);
    assert_eq!(world.ask(&"x".repeat(8 * 1024)).await, "legacy/alice");
}

/// A token of three parts.
fn jwt(header: &Json, payload: &Json) -> String {
    let part = |json: &Json| encode(json.to_string().as_bytes());
    format!(
        "{}.{}.{}",
        part(header),
        part(payload),
        encode(b"signature")
    )
}

#[tokio::test]
async fn a_signed_token_of_a_known_issuer_is_never_sent_however_broken_it_is() {
    let server = answering().await;
    let folder = folder();
    std::fs::write(folder.path().join("keys"), "{}").unwrap();
    let signed = json!({ "jwt": {
        "issuer": ISSUER, "keys": { "file": "keys" }, "unregistered_client": "deny", "map": { "kind": "\"human\"" },
    } });
    let specs = [("corp", signed), ("legacy", of(&server, json!({})))];
    let specs = specs.map(|(name, spec)| {
        let spec: ProviderSpec = serde_json::from_value(spec).unwrap();
        (name.to_owned(), spec)
    });
    let checked = CheckedProviders::compile(specs, folder.path()).unwrap();
    let keys = {
        use crate::keys::testing::{TestKey, jwks, key_set};
        key_set(&jwks(&[&TestKey::p256("k")]), Instant::now())
    };
    let legacy = World::one(&server, json!({}));
    let known = Resources {
        key_sets: BTreeMap::from([(provider_name("corp"), keys)]),
        ..legacy.known.clone()
    };
    let providers = checked.with(super::dpop(), &known);
    let outcome = async |listed: &[&str], token: &str| {
        let now = Instant::now();
        let clock = Clock {
            now,
            until: now + LONG,
        };
        let (request, route) = (request(Some(&format!("Bearer {token}"))), route(listed));
        let asked = providers.authenticate(&request, &route, clock).await;
        match asked {
            Err(crate::identity::Refusal::Deny(denial)) => denial.reason.to_string(),
            other => said(token, other.map(Option::unwrap)),
        }
    };
    let of_corp = json!({ "iss": ISSUER, "sub": "alice" });
    for (header, reason) in [
        (json!({ "alg": "ES256", "kid": "k" }), None),
        (json!({ "alg": "none" }), Some("token_algorithm")),
        (json!({ "alg": "HS256" }), Some("token_algorithm")),
        (
            json!({ "alg": "ES256", "crit": ["x"] }),
            Some("token_critical"),
        ),
        (json!([]), Some("token_malformed")),
    ] {
        let token = jwt(&header, &of_corp);
        for listed in [&["corp", "legacy"][..], &["legacy"], &["legacy", "corp"]] {
            let outcome = outcome(listed, &token).await;
            assert_ne!(outcome, "legacy/alice");
            if let Some(reason) = reason {
                assert_eq!(outcome, reason, "{header}");
            }
        }
    }
    assert_eq!(server.hits(), 0);
    // One that nobody can verify is as good as opaque: its issuer is asked.
    let foreign = jwt(
        &json!({ "alg": "HS256" }),
        &json!({ "iss": "https://x.example" }),
    );
    assert_eq!(outcome(&["corp", "legacy"], &foreign).await, "legacy/alice");
    assert_eq!(server.hits(), 1);
    assert_eq!(outcome(&["corp"], &foreign).await, "token_algorithm");
    assert_eq!(outcome(&["corp"], "opaque").await, "token_malformed");
}

#[tokio::test]
async fn a_token_that_says_whose_it_is_goes_to_nobody_else() {
    let (one, other, rest) = (answering().await, answering().await, answering().await);
    let issuer = |name: &str| json!({ "issuer": format!("https://{name}.example") });
    let world = World::new(&[
        ("one", of(&one, issuer("one"))),
        ("other", of(&other, issuer("other"))),
        ("rest", of(&rest, json!({}))),
    ]);
    let said_by = |payload: &Json| jwt(&json!({ "alg": "ES256" }), payload);
    let of_one = said_by(&json!({ "iss": "https://one.example", "sub": "alice" }));
    let unknown = said_by(&json!({ "iss": "https://unknown.example", "sub": "alice" }));
    let nameless = said_by(&json!({ "sub": "alice" }));
    let workload = said_by(&json!({ "sub": "spiffe://elsewhere.example/a" }));
    let of_workload = said_by(
        &json!({ "iss": "https://unknown.example", "sub": "spiffe://elsewhere.example/a" }),
    );
    for (route, token, expected) in [
        ("one", &of_one, "one/alice"),
        ("other", &of_one, "token_issuer"),
        ("rest", &of_one, "token_issuer"),
        ("one", &unknown, "token_issuer"),
        ("rest", &unknown, "rest/alice"),
        ("other", &nameless, "other/alice"),
        ("one", &workload, "token_issuer"),
        ("rest", &workload, "token_issuer"),
        ("rest", &of_workload, "token_issuer"),
    ] {
        let outcome = world.ask_on(&[route], token, LONG).await;
        assert_eq!(said(token, outcome), expected, "{route}");
    }
    assert_eq!([one.hits(), other.hits(), rest.hits()], [1, 1, 1]);
}
