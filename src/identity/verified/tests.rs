use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::VerifiedTokens;
use crate::identity::testing::{AUDIENCE, NOW, changed, payload, request, route, spec};
use crate::identity::{
    CheckedProviders, Clock, DpopSettings, DpopSpec, ProviderSpec, Providers, Refusal, Resources,
};
use crate::keys::Algorithm;
use crate::keys::testing::{Changing, TestKey, jwks};
use crate::model::identity::Identity;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::route::Route;
use crate::model::time::Timestamp;

/// Providers `corp` and `ci` with keys that can change, and a memory.
struct World {
    old: TestKey,
    new: TestKey,
    corp: Changing,
    ci: Changing,
    memory: VerifiedTokens,
    start: Instant,
    /// By what they say: a signature is another one every time, and the same token has to come again.
    tokens: Mutex<BTreeMap<String, String>>,
}

impl World {
    fn new() -> Self {
        let (old, new, start) = (TestKey::p256("k"), TestKey::p256("k"), Instant::now());
        Self {
            corp: Changing::new(&jwks(&[&old]), start),
            ci: Changing::new(&jwks(&[&old]), start),
            memory: VerifiedTokens::default(),
            tokens: Mutex::default(),
            old,
            new,
            start,
        }
    }

    /// Another set of providers on the same memory, as after a reload.
    fn providers(&self) -> Providers {
        self.providers_on(self.memory.clone())
    }

    fn providers_on(&self, verified: VerifiedTokens) -> Providers {
        let specs = [
            ("corp", json!({})),
            ("ci", json!({ "issuer": "https://ci.example" })),
        ];
        let specs = specs.map(|(name, more)| {
            let jwt = Some(Box::new(spec(more)));
            let spec = ProviderSpec {
                jwt,
                ..ProviderSpec::default()
            };
            (name.to_owned(), spec)
        });
        let checked = CheckedProviders::compile(specs, Path::new("/")).unwrap();
        let keys = checked.names().map(|name| {
            let keys = if name.as_str() == "ci" {
                &self.ci
            } else {
                &self.corp
            };
            (name.clone(), keys.keys.clone())
        });
        let resources = Resources {
            key_sets: keys.collect(),
            verified,
            ..Resources::default()
        };
        let dpop = DpopSettings::compile(DpopSpec::default(), Path::new("/")).unwrap();
        checked.with(dpop, &resources)
    }

    fn token(&self, change: Json) -> String {
        let claims = changed(&payload(), change);
        let mut tokens = self.tokens.lock().unwrap();
        let token = tokens
            .entry(claims.to_string())
            .or_insert_with(|| self.old.token(Algorithm::Es256, &claims));
        token.clone()
    }

    fn hits(&self) -> u64 {
        self.memory.status().hits
    }
}

/// One look of one caller.
struct Look {
    request: AccessRequest,
    route: Route,
    at: Instant,
}

impl Look {
    fn with(token: &str, at: Instant) -> Self {
        Self {
            request: request(Some(&format!("Bearer {token}"))),
            route: route(&["corp", "ci"]),
            at,
        }
    }

    fn on(self, route: Route) -> Self {
        Self { route, ..self }
    }

    fn when(mut self, now: Timestamp) -> Self {
        self.request.now = now;
        self
    }

    fn after(mut self, time: Duration) -> Self {
        self.at += time;
        self
    }

    fn ask(&self, providers: &Providers) -> Result<Identity, Refusal> {
        let clock = Clock {
            now: self.at,
            until: self.at,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let asked = providers.authenticate(&self.request, &self.route, clock);
        runtime.block_on(asked).map(|found| found.unwrap())
    }

    fn reason(&self, providers: &Providers) -> Option<Reason> {
        match self.ask(providers) {
            Ok(_) => None,
            Err(Refusal::Deny(denial)) => Some(denial.reason),
            Err(Refusal::Fault(fault)) => panic!("{fault:?}"),
        }
    }
}

#[test]
fn what_was_verified_is_recalled_and_says_the_same() {
    let world = World::new();
    let providers = world.providers();
    let token = world.token(json!({ "act": { "sub": "bot", "iss": "https://ci.example" } }));
    let look = Look::with(&token, world.start);
    let first = look.ask(&providers).unwrap();
    assert_eq!(world.hits(), 0);
    let second = look.ask(&providers).unwrap();
    assert_eq!(world.hits(), 1);
    assert_eq!(first, second);
    assert_eq!(world.memory.status().entries, 1);
}

#[test]
fn what_a_token_was_accepted_for_once_is_checked_every_time() {
    let world = World::new();
    let providers = world.providers();
    let token = world.token(json!({ "act": { "sub": "bot", "iss": "https://ci.example" } }));
    let look = || Look::with(&token, world.start);
    let other = Route {
        audience: "https://other.example".into(),
        ..route(&["corp", "ci"])
    };
    let late = Timestamp::from_seconds(1_795_298_701);
    let early = Timestamp::from_seconds(1_795_298_000);
    for (case, look, reason) in [
        ("another audience", look().on(other), Reason::TokenAudience),
        ("its issuer", look().on(route(&["ci"])), Reason::TokenIssuer),
        (
            "its actor's issuer",
            look().on(route(&["corp"])),
            Reason::DelegationMalformed,
        ),
        (
            "exp",
            look().when(late.plus(Duration::from_mins(1))),
            Reason::TokenExpired,
        ),
        ("iat", look().when(early), Reason::TokenNotYetValid),
    ] {
        assert_eq!(Look::with(&token, world.start).reason(&providers), None);
        assert_eq!(look.reason(&providers), Some(reason), "{case}");
    }
    assert_eq!(
        look()
            .when(late.minus(Duration::from_secs(1)))
            .reason(&providers),
        None
    );
}

#[test]
fn a_withdrawn_key_ends_what_was_verified_with_it() {
    let world = World::new();
    let providers = world.providers();
    let token = world.token(json!({}));
    let look = || Look::with(&token, world.start);
    assert_eq!(look().reason(&providers), None);
    let later = world.start + Duration::from_secs(5);
    world.corp.become_at(&jwks(&[&world.new]), later);
    assert!(
        look()
            .after(Duration::from_secs(6))
            .ask(&providers)
            .is_err()
    );
    // The key comes back: that is another document, and the token is verified anew.
    world.corp.become_at(&jwks(&[&world.old]), later);
    let before = world.hits();
    assert!(look().after(Duration::from_secs(7)).ask(&providers).is_ok());
    assert_eq!(world.hits(), before);
}

#[test]
fn keys_that_are_too_old_end_what_was_verified_with_them() {
    let world = World::new();
    let providers = world.providers();
    let look = Look::with(&world.token(json!({})), world.start);
    assert!(look.ask(&providers).is_ok());
    let years = Duration::from_hours(24 * 365);
    assert!(look.after(years).ask(&providers).is_err());
}

#[test]
fn other_providers_verify_anew() {
    let world = World::new();
    let look = Look::with(&world.token(json!({})), world.start);
    for hits in [0, 0] {
        assert!(look.ask(&world.providers()).is_ok());
        assert_eq!(world.hits(), hits);
    }
    assert_eq!(world.memory.status().entries, 1, "the same token once");
}

#[test]
fn what_is_refused_is_not_remembered() {
    let world = World::new();
    let providers = world.providers();
    for change in [
        json!({ "exp": 1 }),
        json!({ "aud": "https://other.example" }),
        json!({ "sub": null }),
        json!({ "act": { "sub": "bot", "iss": "https://nobody.example" } }),
    ] {
        let look = Look::with(&world.token(change), world.start);
        assert!(look.ask(&providers).is_err());
    }
    let forged = world.new.token(Algorithm::Es256, &payload());
    assert!(Look::with(&forged, world.start).ask(&providers).is_err());
    assert_eq!(world.memory.status().entries, 0);
}

#[test]
fn count_and_bytes_are_bounded() {
    let world = World::new();
    for (tokens, bytes, most) in [(8, 1 << 30, 8), (1 << 30, 16 * 1024, 16)] {
        let memory = VerifiedTokens::bounded(tokens, bytes);
        let providers = world.providers_on(memory.clone());
        for number in 0..40 {
            let token = world.token(json!({ "jti": format!("t-{number}") }));
            assert!(Look::with(&token, world.start).ask(&providers).is_ok());
        }
        let status = memory.status();
        assert!((1..=most).contains(&status.entries), "{status:?}");
        assert!(status.bytes <= bytes);
        assert!(status.evictions >= 40 - most);
    }
}

/// A change to the claims of a token, a route, and a moment.
fn situation() -> impl Strategy<Value = (Json, Vec<&'static str>, &'static str, i64)> {
    let claims = prop_oneof![
        Just(json!({})),
        Just(json!({ "aud": [AUDIENCE, "https://other.example"] })),
        Just(json!({ "act": { "sub": "bot", "iss": "https://ci.example" } })),
        Just(json!({ "act": { "sub": "bot" } })),
        Just(json!({ "nbf": 1_795_298_520 })),
        Just(json!({ "auth_time": 1_795_298_510 })),
        Just(json!({ "exp": 1_795_298_530 })),
    ];
    let providers = prop_oneof![
        Just(vec!["corp"]),
        Just(vec!["ci"]),
        Just(vec!["corp", "ci"]),
        Just(vec![]),
    ];
    let audience = prop_oneof![Just(AUDIENCE), Just("https://other.example")];
    (claims, providers, audience, -200_i64..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// With a memory and without one, every call in any order ends alike.
    #[test]
    fn a_memory_changes_nothing(situations in prop::collection::vec(situation(), 1..12)) {
        let world = World::new();
        let remembering = world.providers();
        for (claims, providers, audience, seconds) in situations {
            let route = Route { audience: audience.into(), ..route(&providers) };
            let at = Timestamp::from_seconds(NOW.seconds() + seconds);
            let token = world.token(claims);
            let look = Look::with(&token, world.start).on(route).when(at);
            let forgetting = world.providers_on(VerifiedTokens::default());
            prop_assert_eq!(look.ask(&remembering), look.ask(&forgetting));
        }
    }
}
