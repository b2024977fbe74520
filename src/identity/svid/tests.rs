//! JWT-SVIDs with real signatures, and what is none.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::identity::testing::{AUDIENCE, NOW, changed, payload, route};
use crate::identity::{
    CheckedProviders, Clock, DpopSettings, DpopSpec, ProviderSpec, Providers, Refusal, Resources,
};
use crate::keys::Algorithm;
use crate::keys::testing::{TestKey, bundle_set, document, jwks, key_set, verify};
use crate::model::identity::{Identity, Proof};
use crate::model::name::ProviderName;
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Body, Headers, Peer, Query};

const ID: &str = "spiffe://example.org/ci/runner";

static KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey::p256("k"));
static CORP: LazyLock<TestKey> = LazyLock::new(|| TestKey::p256("k"));
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

fn checked(specs: &[(&str, Json)]) -> Result<CheckedProviders, Vec<String>> {
    let read = |json: &Json| serde_json::from_value::<ProviderSpec>(json.clone()).unwrap();
    let specs = specs
        .iter()
        .map(|(name, json)| ((*name).to_owned(), read(json)));
    let compiled = CheckedProviders::compile(specs, Path::new("/"));
    compiled.map_err(|wrong| wrong.iter().map(ToString::to_string).collect())
}

fn svid(more: Json) -> Json {
    let least = json!({ "trust_domain": "example.org", "bundle": { "file": "bundle.json" } });
    json!({ "jwt_svid": changed(&least, more) })
}

fn for_svids(jwk: &Json) -> Json {
    changed(jwk, json!({ "use": "jwt-svid" }))
}

/// `corp` takes access tokens that are typed `JWT`, `spire` the JWT-SVIDs of example.org; each has a key of its own, and
/// both keys have one id.
static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| {
    let corp = json!({ "jwt": {
        "issuer": "https://issuer.example", "unregistered_client": "deny", "typ": ["at+jwt", "JWT"],
        "map": { "kind": "\"service\"" } } });
    let checked = checked(&[("corp", corp), ("spire", svid(json!({})))]).unwrap();
    let of = |name: &ProviderName| match name.as_str() {
        "corp" => key_set(&jwks(&[&CORP]), *START),
        _ => bundle_set(&document(&[for_svids(&KEY.jwk())]), *START),
    };
    let key_sets = checked
        .names()
        .map(|name| (name.clone(), of(name)))
        .collect();
    checked.with(
        DpopSettings::compile(DpopSpec::default(), Path::new("/")).unwrap(),
        &Resources {
            key_sets,
            ..Resources::default()
        },
    )
});

fn claims() -> Json {
    json!({ "sub": ID, "aud": [AUDIENCE], "exp": NOW.seconds() + 300, "iat": NOW.seconds() })
}

fn ask(token: &str, providers: &[&str]) -> Result<Identity, Reason> {
    let header = ("authorization".to_owned(), format!("Bearer {token}"));
    let request = AccessRequest {
        now: NOW,
        id: None,
        method: "GET".into(),
        host: "api.example.com".into(),
        path: "/".into(),
        raw_path: "/".into(),
        query: Query::default(),
        headers: Headers::new([header]),
        scheme: None,
        protocol: None,
        body: Body::Absent,
        source: Peer::default(),
        sni: None,
        context_extensions: BTreeMap::new(),
        metadata: BTreeMap::new(),
        route_metadata: BTreeMap::new(),
        gateway: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let clock = Clock {
        now: *START,
        until: *START,
    };
    let route = route(providers);
    match runtime.block_on(PROVIDERS.authenticate(&request, &route, clock)) {
        Ok(identity) => Ok(identity.expect("a credential is never ignored")),
        Err(Refusal::Deny(denial)) => Err(denial.reason),
        Err(Refusal::Fault(fault)) => panic!("{fault:?}"),
    }
}

fn both(token: &str) -> Result<String, Reason> {
    ask(token, &["corp", "spire"]).map(|identity| identity.subject.to_string())
}

/// A token of the bundle's key with this header and these claims changed.
fn signed(header: Json, change: Json) -> String {
    let header = changed(&json!({ "alg": "ES256", "kid": "k" }), header);
    let claims = changed(&claims(), change);
    KEY.sign(Algorithm::Es256, &header.to_string(), &claims.to_string())
}

/// What every accepted token leads to.
static ACCEPTED: LazyLock<Result<String, Reason>> = LazyLock::new(|| Ok(format!("spire/{ID}")));

#[test]
fn a_workload_says_who_it_is() {
    let identity = ask(
        &signed(json!({ "typ": "JWT" }), json!({ "jti": "t-1" })),
        &["spire"],
    )
    .unwrap();
    assert_eq!(identity.subject.to_string(), format!("spire/{ID}"));
    assert_eq!(identity.kind.as_str(), "service");
    assert!(
        identity.groups.is_empty() && identity.token.scope.is_empty() && identity.chain.is_empty()
    );
    assert_eq!(identity.token.proof, Proof::None);
    assert_eq!(identity.token.id.as_deref(), Some("t-1"));
    for header in [json!({}), json!({ "typ": "JOSE" }), json!({ "kid": null })] {
        assert_eq!(both(&signed(header, json!({}))), *ACCEPTED);
    }
    // An issuer means nothing, unless it is one of the route's own.
    assert_eq!(
        both(&signed(
            json!({}),
            json!({ "iss": "https://spire.example.org" })
        )),
        *ACCEPTED
    );
    assert_eq!(
        both(&signed(
            json!({}),
            json!({ "scope": "all", "aud": AUDIENCE })
        )),
        *ACCEPTED
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn no_other_token_is_a_jwt_svid() {
    for (defect, header, change, reason) in [
        (
            "access token",
            json!({ "typ": "at+jwt" }),
            json!({}),
            Reason::TokenType,
        ),
        (
            "workload token",
            json!({ "typ": "wit+jwt" }),
            json!({}),
            Reason::TokenType,
        ),
        (
            "id token",
            json!({}),
            json!({ "nonce": "n" }),
            Reason::TokenType,
        ),
        (
            "critical",
            json!({ "crit": ["x"] }),
            json!({}),
            Reason::TokenCritical,
        ),
        (
            "none",
            json!({ "alg": "none" }),
            json!({}),
            Reason::TokenAlgorithm,
        ),
        (
            "eddsa",
            json!({ "alg": "EdDSA" }),
            json!({}),
            Reason::TokenAlgorithm,
        ),
        (
            "unknown key",
            json!({ "kid": "other" }),
            json!({}),
            Reason::TokenKeyUnknown,
        ),
        (
            "no audience",
            json!({}),
            json!({ "aud": null }),
            Reason::TokenAudience,
        ),
        (
            "another audience",
            json!({}),
            json!({ "aud": ["https://crm.example.com"] }),
            Reason::TokenAudience,
        ),
        (
            "empty audience",
            json!({}),
            json!({ "aud": [] }),
            Reason::TokenAudience,
        ),
        (
            "no expiry",
            json!({}),
            json!({ "exp": null }),
            Reason::TokenClaims,
        ),
        (
            "expiry as text",
            json!({}),
            json!({ "exp": "1" }),
            Reason::TokenClaims,
        ),
        (
            "expired",
            json!({}),
            json!({ "exp": NOW.seconds() - 31 }),
            Reason::TokenExpired,
        ),
        (
            "for ever",
            json!({}),
            json!({ "exp": NOW.seconds() + 25 * 3600 }),
            Reason::TokenClaims,
        ),
        (
            "not yet",
            json!({}),
            json!({ "nbf": NOW.seconds() + 60 }),
            Reason::TokenNotYetValid,
        ),
        (
            "bound",
            json!({}),
            json!({ "cnf": { "jkt": "x" } }),
            Reason::TokenBinding,
        ),
        (
            "delegated",
            json!({}),
            json!({ "act": { "sub": "bot" } }),
            Reason::TokenClaims,
        ),
        (
            "another domain",
            json!({}),
            json!({ "sub": "spiffe://example.com/ci/runner" }),
            Reason::TokenIssuer,
        ),
        (
            "a longer domain",
            json!({}),
            json!({ "sub": "spiffe://example.org.evil/ci" }),
            Reason::TokenIssuer,
        ),
        (
            "no path",
            json!({}),
            json!({ "sub": "spiffe://example.org" }),
            Reason::TokenIssuer,
        ),
        (
            "wildcard",
            json!({}),
            json!({ "sub": "spiffe://example.org/*" }),
            Reason::TokenIssuer,
        ),
        (
            "upper case",
            json!({}),
            json!({ "sub": "SPIFFE://example.org/ci" }),
            Reason::TokenIssuer,
        ),
        (
            "no subject",
            json!({}),
            json!({ "sub": null }),
            Reason::TokenIssuer,
        ),
        (
            "a person",
            json!({}),
            json!({ "sub": "alice" }),
            Reason::TokenIssuer,
        ),
    ] {
        let refused = both(&signed(header, change));
        assert!(refused.is_err(), "{defect}: {refused:?}");
        assert_eq!(refused, Err(reason), "{defect}");
    }
}

#[test]
fn an_access_token_and_a_jwt_svid_never_pass_for_each_other() {
    let access = changed(&payload(), json!({ "sub": ID }));
    let of_corp = |typ: &str| {
        let header = json!({ "alg": "ES256", "kid": "k", "typ": typ }).to_string();
        CORP.sign(Algorithm::Es256, &header, &access.to_string())
    };
    let parties = ["at+jwt", "JWT"].map(|typ| both(&of_corp(typ)));
    assert_eq!(
        parties,
        [Ok(format!("corp/{ID}")), Ok(format!("corp/{ID}"))]
    );
    // The issuer's token where only workloads' are taken, with its own key or with the bundle's name for it.
    for typ in ["at+jwt", "JWT"] {
        let refused = ask(&of_corp(typ), &["spire"]).unwrap_err();
        assert!(
            matches!(refused, Reason::TokenSignature | Reason::TokenType),
            "{refused}"
        );
    }
    // A JWT-SVID that says to be the issuer's is judged by the issuer's keys, and by nothing after that.
    let posing = signed(
        json!({}),
        json!({ "iss": "https://issuer.example", "client_id": "web" }),
    );
    assert_eq!(both(&posing), Err(Reason::TokenSignature));
    assert_eq!(
        ask(&posing, &["spire"]).map(|it| it.subject.to_string()),
        *ACCEPTED
    );
    // Where nobody takes JWT-SVIDs, there is no road.
    assert_eq!(
        ask(&signed(json!({}), json!({})), &["corp"]).unwrap_err(),
        Reason::TokenIssuer
    );
}

#[test]
fn only_keys_for_jwt_svids_are_used() {
    let token = signed(json!({}), json!({}));
    let with = |jwks: &[Json]| {
        let keys = bundle_set(&document(jwks), *START);
        verify(&token, &[Algorithm::Es256], &keys, *START)
    };
    let other = for_svids(&TestKey::p256("other").jwk());
    assert!(with(&[for_svids(&KEY.jwk()), other.clone()]).is_ok());
    for unfit in [
        json!({ "use": null }),
        json!({ "use": "sig" }),
        json!({ "use": "x509-svid" }),
        json!({ "use": "JWT-SVID" }),
        json!({ "use": ["jwt-svid"] }),
        json!({ "use": "jwt-svid", "kid": null }),
    ] {
        let refused = with(&[changed(&KEY.jwk(), unfit.clone()), other.clone()]);
        assert!(refused.is_err(), "{unfit}");
    }
    // And no issuer's set takes a bundle's keys.
    let keys = key_set(
        &document(&[for_svids(&KEY.jwk()), TestKey::p256("other").jwk()]),
        *START,
    );
    assert!(verify(&token, &[Algorithm::Es256], &keys, *START).is_err());
}

#[test]
fn mistakes_are_found_at_load() {
    let one = |more: Json| checked(&[("spire", svid(more))]).unwrap_err();
    for (more, expected) in [
        (
            json!({ "trust_domain": "Example.org" }),
            "spire.jwt_svid.trust_domain: `Example.org` is not a trust domain",
        ),
        (
            json!({ "bundle": {} }),
            "spire.jwt_svid.bundle: name exactly one of `url` and `file`",
        ),
        (
            json!({ "bundle": { "url": "http://spire.example.org/" } }),
            "spire.jwt_svid.bundle: `url`: ",
        ),
        (
            json!({ "algorithms": ["ES256", "EdDSA"] }),
            "spire.jwt_svid.algorithms[1]: no JWT-SVID is signed with `EdDSA`: remove it",
        ),
        (
            json!({ "algorithms": [] }),
            "spire.jwt_svid.algorithms: no algorithm is accepted",
        ),
        (
            json!({ "leeway": "61s" }),
            "spire.jwt_svid.leeway: `61s` is too much",
        ),
    ] {
        let findings = one(more);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with(expected), "{findings:?}");
    }
    let twice = [("a", svid(json!({}))), ("b", svid(json!({})))];
    assert_eq!(
        checked(&twice).unwrap_err(),
        [
            "b.jwt_svid.trust_domain: provider `a` has this trust domain too: one trust domain, one provider"
        ]
    );
}

#[test]
fn providers_of_workloads_do_not_contradict_each_other() {
    let mesh = |domain: &str, hops: usize| json!({ "mtls": { "trust_domains": [domain], "trusted_hops": hops } });
    assert!(
        checked(&[
            ("a", mesh("a.org", 1)),
            ("b", mesh("b.org", 1)),
            ("s", svid(json!({})))
        ])
        .is_ok()
    );
    assert_eq!(
        checked(&[("a", mesh("a.org", 0)), ("b", mesh("a.org", 0))]).unwrap_err(),
        [
            "b.mtls.trust_domains: provider `a` has trust domain `a.org` too: one trust domain, one provider"
        ]
    );
    assert_eq!(
        checked(&[("a", mesh("a.org", 0)), ("b", mesh("b.org", 1))]).unwrap_err(),
        [
            "b.mtls: `trusted_hops` and `hops` are not those of provider `a`: every request goes the same way"
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_signed_payload_panics(name in "(exp|aud|sub|iss|act|cnf|nbf|iat|jti)", text in ".{0,20}", number in any::<f64>()) {
        for value in [json!(text), json!(number), json!([text]), json!({ "sub": text })] {
            let mut claims = claims();
            claims[name.as_str()] = value;
            drop(both(&KEY.sign(Algorithm::Es256, r#"{"alg":"ES256","kid":"k"}"#, &claims.to_string())));
        }
    }
}
