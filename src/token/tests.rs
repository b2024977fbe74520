use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::keys::base64url::{decode, encode};
use crate::model::decision::DecisionId;
use crate::model::finding::Finding;
use crate::model::identity::{Proof, TokenFacts};
use crate::model::name::{ActionId, ProviderName, RouteId};
use crate::model::party::{Kind, Parties, Party, PartyId};
use crate::model::route::{Action, Asked, Resource, Tier};
use crate::model::spiffe::SpiffeId;
use crate::model::time::Timestamp;
use crate::model::verdict::TokenDemand;

const NOW: i64 = 1_800_000_000;

fn pem(ed25519: bool) -> String {
    let kind = if ed25519 {
        &PKCS_ED25519
    } else {
        &PKCS_ECDSA_P256_SHA256
    };
    KeyPair::generate_for(kind).unwrap().serialize_pem()
}

/// A folder with `a.pem` and `b.pem`, which only their owner can read.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, ed25519) in [("a.pem", false), ("b.pem", true)] {
        write(&folder, name, &pem(ed25519), 0o600);
    }
    folder
}

fn write(folder: &TempDir, name: &str, text: &str, mode: u32) {
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
}

fn compile(folder: &TempDir, spec: &Value) -> (Option<Minter>, Vec<Finding>) {
    let spec = serde_json::from_value(spec.clone()).unwrap();
    Minter::compile(spec, folder.path())
}

fn minter(keys: &Value) -> Minter {
    let spec = json!({ "issuer": "https://authz.example.com", "keys": keys });
    let (minter, findings) = compile(&folder(), &spec);
    assert_eq!(findings, []);
    minter.unwrap()
}

fn party(kind: Kind, issuer: &str, id: &str) -> Party {
    Party::bare(kind, PartyId::new(ProviderName::new(issuer).unwrap(), id))
}

fn asked() -> Asked {
    let action = Action {
        id: ActionId::new("customers.export").unwrap(),
        route: RouteId::new("crm").unwrap(),
        tier: Tier::High,
        scope: vec![Arc::from("crm:export")],
        operations: Vec::new(),
        params: BTreeMap::new(),
        query: BTreeMap::new(),
        args: BTreeMap::new(),
        extra: false,
        definition: None,
        builtin: false,
        resource: Some(Arc::from("segment")),
    };
    Asked {
        action: Arc::new(action),
        params: BTreeMap::new(),
        query: BTreeMap::new(),
        args: BTreeMap::new(),
        arguments_digest: Some([7; 32]),
        canonical_arguments: None,
        target: None,
        said: None,
        arguments_without_digest: false,
        resource: Some(Resource {
            kind: Arc::from("segment"),
            id: Arc::from("eu"),
        }),
    }
}

/// What a call is made of.
struct World {
    decision: DecisionId,
    demand: TokenDemand,
    credential: TokenFacts,
    parties: Parties,
    asked: Asked,
    workload: Option<SpiffeId>,
}

impl World {
    fn new() -> Self {
        let mut parties = Parties::alone(party(Kind::Human, "corp", "alice"));
        parties.actor = Some(party(Kind::Agent, "corp", "crm-bot"));
        Self {
            decision: DecisionId::new("0198c0de"),
            demand: TokenDemand {
                audience: Arc::from("crm"),
                scope: ["crm:export", "crm:read"].map(Arc::from).into(),
                ttl: Duration::from_secs(30),
            },
            credential: TokenFacts {
                scope: vec![Arc::from("crm:export"), Arc::from("crm:read")],
                audience: Vec::new(),
                expires: Some(Timestamp::from_seconds(NOW + 300)),
                issued: None,
                id: None,
                key: None,
                bindable: true,
                proof: Proof::None,
                bound: None,
                session: None,
            },
            parties,
            asked: asked(),
            workload: SpiffeId::parse("spiffe://example.org/agents/crm"),
        }
    }

    fn call(&self) -> Call<'_> {
        Call {
            decision: &self.decision,
            now: Timestamp::from_millis(NOW * 1000 + 900),
            demand: &self.demand,
            credential: &self.credential,
            parties: &self.parties,
            actor_issuer: Some("https://login.example.com"),
            workload: self.workload.as_ref(),
            asked: &self.asked,
        }
    }

    fn claims(&self) -> Value {
        part(&minter(&json!("a.pem")).mint(&self.call()).unwrap(), 1)
    }
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&decode(part).unwrap()).unwrap()
}

#[test]
fn a_token_says_who_does_what_to_what() {
    let minter = minter(&json!("a.pem"));
    let token = minter.mint(&World::new().call()).unwrap();
    let kid = minter.kids().next().unwrap();
    assert_eq!(
        part(&token, 0),
        json!({ "alg": "ES256", "kid": kid, "typ": "txntoken+jwt" })
    );
    assert_eq!(
        part(&token, 1),
        json!({
            "iss": "https://authz.example.com", "iat": NOW, "exp": NOW + 30, "aud": "crm",
            "jti": "0198c0de", "txn": "0198c0de", "sub": "alice", "scope": "crm:export crm:read",
            "req_wl": "spiffe://example.org/agents/crm",
            "act": { "sub": "crm-bot", "iss": "https://login.example.com" },
            "tctx": {
                "action": "customers.export", "route": "crm", "tier": "high",
                "resource": { "type": "segment", "id": "eu" },
                "args_digest": encode(&[7; 32]),
                "subject": { "issuer": "corp", "id": "alice", "kind": "human" },
                "actor": { "issuer": "corp", "id": "crm-bot", "kind": "agent" },
            },
        })
    );
}

#[test]
fn what_a_call_does_not_have_is_not_there() {
    let mut world = World::new();
    world.parties.actor = None;
    world.workload = None;
    (world.asked.resource, world.asked.arguments_digest) = (None, None);
    let claims = world.claims();
    assert_eq!(claims["req_wl"], "corp/alice");
    for absent in ["/act", "/tctx/actor", "/tctx/resource", "/tctx/args_digest"] {
        assert_eq!(claims.pointer(absent), None, "{absent}");
    }
    let world = World {
        workload: None,
        ..World::new()
    };
    assert_eq!(world.claims()["req_wl"], "corp/crm-bot");
}

#[test]
fn a_token_never_outlives_the_credential() {
    let mut world = World::new();
    let with = |world: &mut World, expires: Option<i64>| {
        world.credential.expires = expires.map(Timestamp::from_seconds);
        minter(&json!("a.pem")).mint(&world.call())
    };
    for (expires, exp) in [
        (Some(NOW + 300), NOW + 30),
        (Some(NOW + 10), NOW + 10),
        (Some(NOW + 1), NOW + 1),
        (None, NOW + 30),
    ] {
        let token = with(&mut world, expires).unwrap();
        assert_eq!(part(&token, 1)["exp"], exp, "{expires:?}");
    }
    for expires in [NOW, NOW - 20] {
        let error = with(&mut world, Some(expires)).unwrap_err();
        assert_eq!(error, MintError::Expired);
    }
}

#[test]
fn a_token_that_nobody_would_read_is_a_failure() {
    let mut world = World::new();
    world.parties.subject.id.id = "a".repeat(9000).into();
    let error = minter(&json!("a.pem")).mint(&world.call()).unwrap_err();
    assert!(matches!(error, MintError::Sign(_)), "{error:?}");
}

#[test]
fn the_first_key_signs_and_all_are_published() {
    let minter = minter(&json!(["b.pem", "a.pem"]));
    let published: Value = serde_json::from_str(minter.jwks()).unwrap();
    let keys = published["keys"].as_array().unwrap();
    let kids: Vec<&str> = keys.iter().filter_map(|key| key["kid"].as_str()).collect();
    assert_eq!(kids, minter.kids().collect::<Vec<_>>());
    let token = minter.mint(&World::new().call()).unwrap();
    assert_eq!(part(&token, 0)["kid"], kids[0]);
    assert_eq!(part(&token, 0)["alg"], "EdDSA");
    assert!(keys.iter().all(|key| key.get("d").is_none()), "{keys:?}");
}

#[test]
fn nothing_of_keys_or_tokens_is_printed() {
    let minter = minter(&json!("a.pem"));
    let shown = format!("{minter:?}");
    assert!(
        shown.contains("SigningKey") && !shown.contains("P256("),
        "{shown}"
    );
}

#[test]
fn every_mistake_in_the_section_has_its_place() {
    let folder = folder();
    for (name, text) in [("empty.pem", ""), ("text.pem", "no key")] {
        write(&folder, name, text, 0o600);
    }
    let many: Vec<&str> = vec!["a.pem"; 9];
    let sound = json!({ "issuer": "https://authz.example.com", "keys": "a.pem" });
    for (key, value, found) in [
        ("issuer", json!("authz"), "token-issuer: issuer"),
        (
            "issuer",
            json!("http://authz.example.com"),
            "token-issuer: issuer",
        ),
        (
            "issuer",
            json!("https://authz.example.com/?a=1"),
            "token-issuer: issuer",
        ),
        (
            "issuer",
            json!("https://authz.example.com/#a"),
            "token-issuer: issuer",
        ),
        (
            "issuer",
            json!(format!("https://a.example/{}", "a".repeat(512))),
            "token-issuer: issuer",
        ),
        ("header", json!("Txn-Token"), "token-header: header"),
        ("header", json!("txn_token"), "token-header: header"),
        ("header", json!(""), "token-header: header"),
        ("header", json!("authorization"), "token-header: header"),
        ("header", json!("x-envoy-token"), "token-header: header"),
        ("keys", json!([]), "token-keys: keys"),
        ("keys", json!(many), "token-keys: keys"),
        ("keys", json!("none.pem"), "signing-key: keys"),
        (
            "keys",
            json!(["a.pem", "empty.pem"]),
            "signing-key: keys[1]",
        ),
        ("keys", json!(["a.pem", "text.pem"]), "signing-key: keys[1]"),
        (
            "keys",
            json!(["a.pem", "b.pem", "a.pem"]),
            "duplicate-key: keys[2]",
        ),
    ] {
        let mut spec = sound.clone();
        spec[key] = value.clone();
        let (minter, findings) = compile(&folder, &spec);
        assert!(minter.is_none(), "{key} {value}");
        let said: Vec<String> = findings
            .iter()
            .map(|it| format!("{}: {it}", it.code))
            .collect();
        assert!(
            said[0].starts_with(found) && said.len() == 1,
            "{value}: {said:?}"
        );
    }
}

#[test]
fn a_key_that_everybody_can_read_works_and_is_warned_of() {
    let folder = folder();
    write(&folder, "open.pem", &pem(false), 0o644);
    write(&folder, "group.pem", &pem(false), 0o640);
    let spec = json!({ "issuer": "https://authz.example.com", "keys": ["a.pem", "open.pem", "group.pem"] });
    let (minter, findings) = compile(&folder, &spec);
    assert!(minter.is_some());
    let said: Vec<String> = findings
        .iter()
        .map(|it| format!("{}: {it}", it.code))
        .collect();
    assert!(
        said[0].starts_with("readable-key: keys[1]") && said.len() == 1,
        "{said:?}"
    );
}
