//! Requests with real signatures.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::identity::testing::{AUDIENCE, changed, payload, request, route, spec};
use crate::identity::{
    CheckedProviders, Clock, DpopSettings, DpopSpec, ProviderSpec, Providers, Refusal, Resources,
};
use crate::keys::testing::{TestKey, encode, jwks, key_set};
use crate::keys::{Algorithm, KeySet};
use crate::model::identity::Identity;
use crate::model::name::ProviderName;
use crate::model::reason::{FaultCode, Reason};
use crate::model::request::{AccessRequest, Headers};
use crate::model::route::Route;

static CORP: LazyLock<TestKey> = LazyLock::new(|| TestKey::p256("k"));
static CI: LazyLock<TestKey> = LazyLock::new(|| TestKey::p256("k"));
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// `corp` (RFC 9068), `ci` and `legacy` (which types its tokens `JWT`), each with a key of its own.
static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| {
    let specs = [
        ("corp", json!({ "keys": { "file": "corp.json" } })),
        ("ci", json!({ "issuer": "https://ci.example" })),
        (
            "legacy",
            json!({ "issuer": "https://legacy.example", "typ": "JWT" }),
        ),
    ];
    let mut specs = specs.to_vec();
    let web = json!({ "issuer": "https://web.example", "cookie": "session" });
    specs.push(("web", web));
    let specs = specs.into_iter().map(|(name, more)| {
        (
            name.to_owned(),
            ProviderSpec {
                jwt: Some(Box::new(spec(more))),
                ..ProviderSpec::default()
            },
        )
    });
    let checked = CheckedProviders::compile(specs, Path::new("/")).unwrap();
    let of = |name: &ProviderName| match name.as_str() {
        "ci" => loaded(&[&CI]),
        _ => loaded(&[&CORP]),
    };
    let key_sets = checked.names().map(|name| (name.clone(), of(name)));
    let resources = Resources {
        key_sets: key_sets.collect(),
        ..Resources::default()
    };
    let dpop = DpopSettings::compile(DpopSpec::default(), Path::new("/")).unwrap();
    checked.with(dpop, &resources)
});

fn loaded(keys: &[&TestKey]) -> KeySet {
    key_set(&jwks(keys), *START)
}

fn authenticate(
    request: &AccessRequest,
    route: &Route,
    now: Instant,
) -> Result<Option<Identity>, Refusal> {
    let clock = Clock { now, until: now };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(PROVIDERS.authenticate(request, route, clock))
}

fn ask(header: Option<&str>, providers: &[&str]) -> Result<Option<Identity>, Refusal> {
    authenticate(&request(header), &route(providers), *START)
}

fn bearer(token: &str) -> Result<Identity, Reason> {
    match ask(Some(&format!("Bearer {token}")), &["corp", "ci", "legacy"]) {
        Ok(identity) => Ok(identity.expect("a credential is never ignored")),
        Err(Refusal::Deny(denial)) => Err(denial.reason),
        Err(Refusal::Fault(fault)) => panic!("{fault:?}"),
    }
}

fn token(change: Json) -> String {
    CORP.token(Algorithm::Es256, &changed(&payload(), change))
}

/// A token of `corp`, or `legacy`, with this `typ`, or without.
fn typed(issuer: &str, typ: Option<&str>, change: Json) -> String {
    let header = changed(
        &json!({ "alg": "ES256", "kid": "k" }),
        json!({ "typ": typ }),
    );
    let claims = changed(&changed(&payload(), json!({ "iss": issuer })), change);
    CORP.sign(Algorithm::Es256, &header.to_string(), &claims.to_string())
}

#[test]
fn a_signed_token_is_an_identity() {
    let identity = bearer(&token(json!({}))).unwrap();
    assert_eq!(identity.subject.to_string(), "corp/alice");
    assert_eq!(identity.token.key.as_deref(), Some("k"));
}

fn with_headers(headers: &[(&str, &str)], providers: &[&str]) -> Result<String, Reason> {
    let entries = headers.iter().map(|(name, value)| (*name, *value));
    let mut request = request(None);
    request.headers = Headers::new(entries);
    match authenticate(&request, &route(providers), *START) {
        Ok(identity) => Ok(identity.map_or_else(String::new, |it| it.subject.to_string())),
        Err(Refusal::Deny(denial)) => Err(denial.reason),
        Err(Refusal::Fault(fault)) => panic!("{fault:?}"),
    }
}

#[test]
fn a_cookie_holds_a_token_where_a_provider_of_the_route_reads_it() {
    let web = CORP.token(
        Algorithm::Es256,
        &changed(&payload(), json!({ "iss": "https://web.example" })),
    );
    let cookie = format!("theme=dark; session={web}");
    let ask = |header: (&str, &str), providers: &[&str]| with_headers(&[header], providers);
    assert_eq!(
        ask(("cookie", &cookie), &["corp", "web"]),
        Ok("web/alice".into())
    );
    assert_eq!(ask(("cookie", &cookie), &["corp"]), Ok(String::new()));
    let broken = ask(("cookie", "session=x"), &["web"]);
    assert_eq!(broken, Err(Reason::TokenMalformed));
    // Each token in its own place only.
    let bearer = format!("Bearer {web}");
    assert_eq!(
        ask(("authorization", &bearer), &["web"]),
        Err(Reason::TokenIssuer)
    );
    let swapped = format!("session={}", token(json!({})));
    assert_eq!(
        ask(("cookie", &swapped), &["corp", "web"]),
        Err(Reason::TokenIssuer)
    );
}

#[test]
fn two_credentials_are_ambiguous_whatever_they_are_worth() {
    let bearer = format!("Bearer {}", token(json!({})));
    for (authorization, cookie) in [
        (bearer.as_str(), "session=x"),
        (bearer.as_str(), "session="),
        ("Bearer", "session=x"),
        ("Basic x", "session=x"),
    ] {
        let headers = [("authorization", authorization), ("cookie", cookie)];
        let both = with_headers(&headers, &["corp", "web"]);
        assert_eq!(
            both,
            Err(Reason::CredentialAmbiguous),
            "{authorization} {cookie}"
        );
    }
    let headers = [("authorization", bearer.as_str()), ("cookie", "session=x")];
    assert_eq!(with_headers(&headers, &["corp"]), Ok("corp/alice".into()));
}

#[test]
fn no_credential_is_nobody_and_a_broken_one_is_refused() {
    assert_eq!(ask(None, &["corp"]), Ok(None));
    for (header, reason) in [
        ("", Reason::CredentialUnsupported),
        ("Basic YWxpY2U6cw==", Reason::CredentialUnsupported),
        ("Bearer", Reason::TokenMalformed),
        ("Bearer x", Reason::TokenMalformed),
        ("Bearer a.b.c", Reason::TokenMalformed),
    ] {
        let refusal = ask(Some(header), &["corp"]).unwrap_err();
        assert!(
            matches!(&refusal, Refusal::Deny(denial) if denial.reason == reason),
            "{header:?} {refusal:?}"
        );
    }
}

#[test]
fn a_route_without_providers_accepts_no_credential_at_all() {
    assert_eq!(ask(None, &[]), Ok(None));
    for header in [
        format!("Bearer {}", token(json!({}))),
        "Basic YTpi".into(),
        String::new(),
    ] {
        let refusal = ask(Some(&header), &[]).unwrap_err();
        assert!(
            matches!(refusal, Refusal::Deny(denial) if denial.reason == Reason::CredentialUnsupported)
        );
    }
}

#[test]
fn the_issuer_is_one_of_the_routes_exactly() {
    for issuer in [
        json!("https://issuer.example/"),
        json!("https://ISSUER.example"),
        json!("https://x.example"),
        json!(null),
        json!(7),
    ] {
        let mut claims = payload();
        claims["iss"] = issuer.clone();
        assert_eq!(
            bearer(&CORP.token(Algorithm::Es256, &claims)),
            Err(Reason::TokenIssuer),
            "{issuer}"
        );
    }
    let of_corp = format!("Bearer {}", token(json!({})));
    let refusal = ask(Some(&of_corp), &["ci", "unknown"]).unwrap_err();
    assert!(matches!(refusal, Refusal::Deny(denial) if denial.reason == Reason::TokenIssuer));
}

#[test]
fn one_issuers_key_does_not_speak_for_another() {
    let as_ci = changed(&payload(), json!({ "iss": "https://ci.example" }));
    assert_eq!(
        bearer(&CORP.token(Algorithm::Es256, &as_ci)),
        Err(Reason::TokenSignature)
    );
    let identity = bearer(&CI.token(Algorithm::Es256, &as_ci)).unwrap();
    assert_eq!(identity.subject.to_string(), "ci/alice");
}

#[test]
fn the_signature_comes_before_what_the_token_says() {
    let forged =
        TestKey::p256("k").token(Algorithm::Es256, &changed(&payload(), json!({ "exp": 1 })));
    assert_eq!(bearer(&forged), Err(Reason::TokenSignature));
    let unknown = TestKey::p256("other").token(Algorithm::Es256, &payload());
    assert_eq!(bearer(&unknown), Err(Reason::TokenKeyUnknown));
}

#[test]
fn algorithms_are_those_of_the_provider() {
    let rs512 = TestKey::rsa("k").token(Algorithm::Rs512, &payload());
    assert_eq!(bearer(&rs512), Err(Reason::TokenAlgorithm));
    let header = encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let none = format!("{header}.{}.AAAA", encode(payload().to_string()));
    assert_eq!(bearer(&none), Err(Reason::TokenAlgorithm));
    let critical = CORP.sign(
        Algorithm::Es256,
        r#"{"alg":"ES256","kid":"k","typ":"at+jwt","crit":["x"]}"#,
        &payload().to_string(),
    );
    assert_eq!(bearer(&critical), Err(Reason::TokenCritical));
    assert_eq!(bearer(&"a".repeat(9000)), Err(Reason::TokenTooLarge));
}

#[test]
fn keys_that_are_too_old_are_a_fault_and_not_a_denial() {
    let later = *START + Duration::from_hours(2);
    let header = format!("Bearer {}", token(json!({})));
    let refusal = authenticate(&request(Some(&header)), &route(&["corp"]), later).unwrap_err();
    assert!(matches!(refusal, Refusal::Fault(fault) if fault.code == FaultCode::KeysUnavailable));
}

/// Every other document that the same key may sign, and how it would be typed: none passes for an access token, not even
/// with everything that an access token needs.
#[test]
fn no_other_kind_of_token_is_an_access_token() {
    let (corp, legacy) = ("https://issuer.example", "https://legacy.example");
    assert!(bearer(&typed(corp, Some("at+jwt"), json!({}))).is_ok());
    assert!(bearer(&typed(legacy, Some("JWT"), json!({}))).is_ok());
    assert!(bearer(&typed(legacy, None, json!({}))).is_ok());
    for (what, typ, members) in [
        ("id token", "JWT", json!({ "nonce": "n" })),
        ("id token of a code flow", "JWT", json!({ "at_hash": "h" })),
        ("id token of a hybrid flow", "JWT", json!({ "c_hash": "h" })),
        (
            "id-jag",
            "oauth-id-jag+jwt",
            json!({ "resource": AUDIENCE }),
        ),
        (
            "logout token",
            "logout+jwt",
            json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": {} } }),
        ),
        ("untyped logout token", "JWT", json!({ "events": {} })),
        ("security event", "secevent+jwt", json!({ "events": {} })),
        (
            "transaction token",
            "txntoken+jwt",
            json!({ "txn": "t", "req_wl": "w" }),
        ),
        (
            "untyped transaction token",
            "JWT",
            json!({ "txn": "t", "req_wl": "w" }),
        ),
        (
            "status list",
            "statuslist+jwt",
            json!({ "status_list": { "bits": 1, "lst": "" } }),
        ),
        (
            "proof of possession",
            "dpop+jwt",
            json!({ "htm": "GET", "htu": AUDIENCE }),
        ),
        ("approval", "approval+jwt", json!({})),
        ("workload token", "wit+jwt", json!({})),
        (
            "introspection answer",
            "token-introspection+jwt",
            json!({ "token_introspection": {} }),
        ),
    ] {
        for issuer in [corp, legacy] {
            assert_eq!(
                bearer(&typed(issuer, Some(typ), members.clone())),
                Err(Reason::TokenType),
                "{what} of {issuer}"
            );
        }
    }
    assert_eq!(
        bearer(&typed(corp, Some("JWT"), json!({}))),
        Err(Reason::TokenType)
    );
    assert_eq!(
        bearer(&typed(corp, None, json!({}))),
        Err(Reason::TokenType)
    );
    assert_eq!(
        bearer(&typed(legacy, Some("at+jwt"), json!({}))),
        Err(Reason::TokenType)
    );
}

#[test]
fn an_actor_of_another_provider_needs_it_to_be_the_routes() {
    let acted = token(json!({ "act": { "sub": "bot", "iss": "https://ci.example" } }));
    let header = format!("Bearer {acted}");
    assert_eq!(
        ask(Some(&header), &["corp", "ci"]).unwrap().unwrap().chain[0].to_string(),
        "ci/bot"
    );
    let refusal = ask(Some(&header), &["corp"]).unwrap_err();
    assert!(
        matches!(refusal, Refusal::Deny(denial) if denial.reason == Reason::DelegationMalformed)
    );
}

#[test]
fn key_sources_are_asked_for_by_name() {
    let names: Vec<_> = PROVIDERS
        .key_sets()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["ci", "corp", "legacy", "web"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_header_panics_and_none_is_nobody(header in ".{0,200}") {
        prop_assert!(ask(Some(&header), &["corp"]).is_err());
    }

    #[test]
    fn no_signed_payload_panics(name in "(exp|aud|sub|act|scope|groups|amr|cnf|nbf|client_id)", text in ".{0,20}", number in any::<f64>()) {
        for value in [json!(text), json!(number), json!([text]), json!({ "sub": text, "act": { "sub": number } })] {
            let mut claims = payload();
            claims[name.as_str()] = value;
            drop(bearer(&CORP.token(Algorithm::Es256, &claims)));
        }
    }
}

/// What stands where a provider looks is a credential, also if that provider has nothing to verify it with.
#[test]
fn a_provider_that_cannot_verify_leaves_nobody_anonymous() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pepper"), [b'p'; 32]).unwrap();
    let specs = [
        (
            "partners",
            json!({ "api_key": { "pepper": { "file": "pepper" } } }),
        ),
        (
            "web",
            json!({ "jwt": { "issuer": "https://web.example", "cookie": "session",
            "unregistered_client": "deny", "map": { "kind": "\"human\"" } } }),
        ),
    ];
    let specs = specs.map(|(name, spec)| (name.to_owned(), serde_json::from_value(spec).unwrap()));
    let checked = CheckedProviders::compile(specs, folder.path()).unwrap();
    let dpop = DpopSettings::compile(DpopSpec::default(), Path::new("/")).unwrap();
    let providers = checked.with(dpop, &Resources::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let now = Instant::now();
    for (name, value) in [
        ("x-api-key", ""),
        ("x-api-key", "a"),
        ("cookie", "session=a"),
    ] {
        let mut request = request(None);
        request.headers = Headers::new([(name.to_owned(), value.to_owned())]);
        let route = route(&["partners", "web"]);
        let asked = providers.authenticate(&request, &route, Clock { now, until: now });
        assert!(runtime.block_on(asked).is_err(), "{name}: {value}");
    }
}
