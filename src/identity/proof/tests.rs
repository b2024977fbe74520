//! Proofs, right and hostile, against the requests that carry them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::dpop::{Rules, Shown};
use super::nonce::Nonces;
use super::*;
use crate::certificate::Certificate;
use crate::identity::testing::{AUDIENCE, NOW, changed, route};
use crate::json::testing::borrowed;
use crate::keys::testing::{TestKey, encode};
use crate::keys::{Algorithm, base64url, sha256};
use crate::model::request::{Body, Headers, Peer, Query};
use crate::model::time::Timestamp;
use crate::store::StoreSettings;

static KEY: LazyLock<TestKey> = LazyLock::new(|| TestKey::p256("own"));
static OTHER: LazyLock<TestKey> = LazyLock::new(|| TestKey::p256("other"));

/// Any text: what a token says is not asked here.
const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln";

fn nonces() -> Nonces {
    Nonces::new(b"secret", Duration::from_mins(5))
}

fn rules(nonces: Option<Nonces>) -> Rules {
    Rules {
        algorithms: vec![Algorithm::Es256, Algorithm::EdDsa],
        max_age: Duration::from_mins(1),
        leeway: Duration::from_secs(5),
        nonces,
    }
}

fn request(method: &str, raw_path: &str, headers: &[(&str, &str)]) -> AccessRequest {
    let headers = headers.iter();
    AccessRequest {
        now: NOW,
        id: None,
        method: method.into(),
        host: "internal.example".into(),
        path: raw_path.into(),
        raw_path: raw_path.into(),
        query: Query::default(),
        headers: Headers::new(headers.map(|(name, value)| (*name, *value))),
        scheme: Some("http".into()),
        protocol: None,
        body: Body::Absent,
        source: Peer::default(),
        sni: None,
        context_extensions: BTreeMap::new(),
        metadata: BTreeMap::new(),
        route_metadata: BTreeMap::new(),
        gateway: None,
    }
}

fn public(key: &TestKey) -> Json {
    let mut jwk = key.jwk();
    jwk.as_object_mut().unwrap().remove("kid");
    jwk
}

/// The thumbprint of an EC key, made as RFC 7638 writes it.
fn thumbprint(key: &TestKey) -> String {
    let jwk = key.jwk();
    let member = |name: &str| jwk[name].as_str().unwrap().to_owned();
    let (x, y) = (member("x"), member("y"));
    let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    base64url::encode(&sha256(text.as_bytes()))
}

fn header() -> Json {
    json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": public(&KEY) })
}

fn payload() -> Json {
    json!({
        "jti": "e1j3V_bKic8-LAEB", "htm": "GET", "htu": format!("{AUDIENCE}/v1/a"),
        "iat": NOW.seconds(), "ath": base64url::encode(&sha256(TOKEN.as_bytes())),
        "nonce": nonces().current(NOW)
    })
}

fn proof(header_change: Json, payload_change: Json) -> String {
    let header = changed(&header(), header_change).to_string();
    let payload = changed(&payload(), payload_change).to_string();
    KEY.sign(Algorithm::Es256, &header, &payload)
}

fn judge(proof: &str) -> Result<(), Reason> {
    judge_with(&rules(Some(nonces())), proof)
}

fn judge_with(rules: &Rules, proof: &str) -> Result<(), Reason> {
    let request = request("GET", "/v1/a", &[("host", "internal.example")]);
    let key = thumbprint(&KEY);
    let shown = Shown {
        request: &request,
        url: AUDIENCE,
        token: TOKEN,
        key: &key,
    };
    let judged = rules.check(proof, shown);
    if let Err(denial) = &judged {
        let said = format!("{denial:?}");
        assert!(denial.cause.is_some() && !said.contains("s3cret"), "{said}");
    }
    judged.map(|_unspent| ()).map_err(|denial| denial.reason)
}

/// RFC 9449, sections 6.1 and 7.1: the proof, its token, its key and its request.
#[test]
fn the_rfcs_own_proof_is_good_for_the_rfcs_own_request() {
    const PROOF: &str = concat!(
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0",
        "RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtM",
        "jU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9",
        "wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWt",
        "zbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
    );
    let mut request = request("GET", "/protectedresource", &[]);
    request.now = Timestamp::from_seconds(1_562_262_620);
    let shown = Shown {
        request: &request,
        url: "https://resource.example.org",
        token: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
        key: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
    };
    assert!(rules(None).check(PROOF, shown).is_ok());
    let other = Shown {
        token: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxV",
        ..shown
    };
    let denial = rules(None).check(PROOF, other).unwrap_err();
    assert_eq!(denial.reason, Reason::DpopToken);
}

/// RFC 9449, section 4.1: a proof for a token request has no `ath`, so it is none for a resource.
#[test]
fn the_rfcs_proof_for_a_token_request_is_no_proof_for_a_resource() {
    const PROOF: &str = concat!(
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0",
        "RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtM",
        "jU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3R",
        "va2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nf",
        "bV37xRZT3Lg"
    );
    let mut request = request("POST", "/token", &[]);
    request.now = Timestamp::from_seconds(1_562_262_616);
    let shown = Shown {
        request: &request,
        url: "https://server.example.com",
        token: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
        key: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
    };
    let denial = rules(None).check(PROOF, shown).unwrap_err();
    assert_eq!(
        (denial.reason, denial.cause.as_deref()),
        (
            Reason::DpopMalformed,
            Some("its `ath` is missing or no text")
        )
    );
}

#[test]
fn a_sound_proof_is_good_and_so_is_what_it_may_have_more() {
    assert_eq!(judge(&proof(json!({}), json!({}))), Ok(()));
    for (header, payload) in [
        (json!({ "typ": "DPoP+JWT" }), json!({})),
        (json!({ "typ": "application/dpop+jwt" }), json!({})),
        (json!({ "kid": "x" }), json!({})),
        (json!({}), json!({ "exp": 1, "x": { "y": [1] } })),
        (
            json!({}),
            json!({ "htu": "HTTPS://API.example.com:443/v1/a?q=1#f" }),
        ),
        (json!({}), json!({ "iat": NOW.seconds() - 65 })),
        (json!({}), json!({ "iat": NOW.seconds() + 5 })),
        (json!({}), json!({ "jti": "x".repeat(256) })),
        (
            json!({}),
            json!({ "nonce": nonces().current(NOW.minus(Duration::from_mins(5))) }),
        ),
    ] {
        assert_eq!(
            judge(&proof(header.clone(), payload.clone())),
            Ok(()),
            "{header} {payload}"
        );
    }
    // Without nonces, what a client puts there is not read.
    let odd = proof(json!({}), json!({ "nonce": 7 }));
    assert_eq!(judge_with(&rules(None), &odd), Ok(()));
}

#[test]
fn what_is_not_one_document_is_malformed() {
    let good = proof(json!({}), json!({}));
    let (header, payload) = (header().to_string(), payload().to_string());
    let raw = |header: &str, payload: &str| KEY.sign(Algorithm::Es256, header, payload);
    let twice = payload.replacen('{', r#"{"htu":"s3cret","#, 1);
    let deep = payload.replacen(
        '{',
        &format!(r#"{{"x":{}{},"#, "[".repeat(20), "]".repeat(20)),
        1,
    );
    for (what, proof) in [
        ("empty", String::new()),
        ("no document", "s3cret".to_owned()),
        ("two joined", format!("{good},{good}")),
        ("two joined with a space", format!("{good}, {good}")),
        ("two parts", good.rsplit_once('.').unwrap().0.to_owned()),
        ("four parts", format!("{good}.e30")),
        ("padded", format!("{good}=")),
        (
            "no signature",
            format!("{}.", good.rsplit_once('.').unwrap().0),
        ),
        ("a space around it", format!(" {good}")),
        (
            "too large",
            proof(json!({}), json!({ "x": "x".repeat(8200) })),
        ),
        ("a member twice", raw(&header, &twice)),
        (
            "a header member twice",
            raw(&header.replacen('{', r#"{"alg":"ES256","#, 1), &payload),
        ),
        ("deep", raw(&header, &deep)),
        ("a payload that is a list", raw(&header, "[]")),
        ("a header that is a text", raw("\"x\"", &payload)),
        ("no typ", proof(json!({ "typ": null }), json!({}))),
        (
            "typ of an access token",
            proof(json!({ "typ": "at+jwt" }), json!({})),
        ),
        ("typ JWT", proof(json!({ "typ": "JWT" }), json!({}))),
        ("typ almost", proof(json!({ "typ": "dpop" }), json!({}))),
        ("typ a number", proof(json!({ "typ": 1 }), json!({}))),
        ("crit", proof(json!({ "crit": ["exp"] }), json!({}))),
        ("b64", proof(json!({ "b64": false }), json!({}))),
        ("no alg", proof(json!({ "alg": null }), json!({}))),
        ("no jti", proof(json!({}), json!({ "jti": null }))),
        ("empty jti", proof(json!({}), json!({ "jti": "" }))),
        (
            "long jti",
            proof(json!({}), json!({ "jti": "x".repeat(257) })),
        ),
        ("jti a number", proof(json!({}), json!({ "jti": 7 }))),
        (
            "jti with a line end",
            proof(json!({}), json!({ "jti": "a\nb" })),
        ),
        ("no htm", proof(json!({}), json!({ "htm": null }))),
        ("htm a list", proof(json!({}), json!({ "htm": ["GET"] }))),
        ("no htu", proof(json!({}), json!({ "htu": null }))),
        (
            "htu a list",
            proof(json!({}), json!({ "htu": [format!("{AUDIENCE}/v1/a")] })),
        ),
        ("no iat", proof(json!({}), json!({ "iat": null }))),
        (
            "iat a text",
            proof(json!({}), json!({ "iat": NOW.seconds().to_string() })),
        ),
        (
            "iat in milliseconds",
            proof(json!({}), json!({ "iat": NOW.millis() })),
        ),
        ("iat negative", proof(json!({}), json!({ "iat": -1 }))),
        ("no ath", proof(json!({}), json!({ "ath": null }))),
        ("ath a number", proof(json!({}), json!({ "ath": 1 }))),
        ("nonce a number", proof(json!({}), json!({ "nonce": 1 }))),
    ] {
        assert_eq!(judge(&proof), Err(Reason::DpopMalformed), "{what}");
    }
}

/// Every one of these headers, with a sound payload, is refused for `reason`.
fn headers_are_refused(reason: Reason, changes: &[Json]) {
    for change in changes {
        let outcome = judge(&proof(change.clone(), json!({})));
        assert_eq!(outcome, Err(reason), "{change}");
    }
}

/// Every one of these payloads, with a sound header, is refused for `reason`.
fn payloads_are_refused(reason: Reason, changes: &[Json]) {
    for change in changes {
        let outcome = judge(&proof(json!({}), change.clone()));
        assert_eq!(outcome, Err(reason), "{change}");
    }
}

#[test]
fn only_listed_asymmetric_algorithms_count() {
    headers_are_refused(
        Reason::DpopAlgorithm,
        &[
            "none", "None", "NONE", "HS256", "HS512", "ES256K", "es256", "",
        ]
        .map(|alg| json!({ "alg": alg })),
    );
    let key = TestKey::p384("p");
    let header = changed(&header(), json!({ "alg": "ES384", "jwk": public(&key) }));
    let listed_elsewhere = key.sign(
        Algorithm::Es384,
        &header.to_string(),
        &payload().to_string(),
    );
    assert_eq!(judge(&listed_elsewhere), Err(Reason::DpopAlgorithm));
}

#[test]
fn only_a_sound_public_key_in_the_proof_itself_counts() {
    let with = |change: Json| json!({ "jwk": changed(&public(&KEY), change) });
    headers_are_refused(
        Reason::DpopKey,
        &[
            json!({ "jwk": null }),
            json!({ "jwk": "s3cret" }),
            json!({ "jwk": {} }),
            json!({ "jwk": [public(&KEY)] }),
            json!({ "jwk": null, "kid": "own" }),
            json!({ "jwk": null, "jku": "https://evil.test" }),
            json!({ "jwk": null, "x5c": ["s3cret"] }),
            json!({ "jwk": { "kty": "oct", "k": "s3cret" } }),
            json!({ "jwk": public(&TestKey::ed25519("ed")) }),
            json!({ "jwk": public(&TestKey::rsa("rsa")) }),
            with(json!({ "d": "s3cret" })),
            with(json!({ "k": "s3cret" })),
            with(json!({ "use": "enc" })),
            with(json!({ "x": encode([7; 32]) })),
            with(json!({ "y": null })),
            with(json!({ "alg": "none" })),
        ],
    );
}

#[test]
fn only_the_signature_of_that_key_counts() {
    let good = proof(json!({}), json!({}));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, body) = message.split_once('.').unwrap();
    let other = encode(changed(&payload(), json!({ "jti": "s3cret" })).to_string());
    for (what, proof) in [
        ("another payload", format!("{head}.{other}.{signature}")),
        ("ones", format!("{head}.{body}.{}", encode([1; 64]))),
        ("zeros", format!("{head}.{body}.{}", encode([0; 64]))),
        ("too short", format!("{head}.{body}.{}", encode([1; 63]))),
        (
            "another key's",
            OTHER.sign(
                Algorithm::Es256,
                &header().to_string(),
                &payload().to_string(),
            ),
        ),
    ] {
        assert_eq!(judge(&proof), Err(Reason::DpopSignature), "{what}");
    }
    let of = |key: &TestKey, alg: Algorithm| {
        let header = changed(
            &header(),
            json!({ "alg": alg.as_str(), "jwk": public(key) }),
        );
        judge(&key.sign(alg, &header.to_string(), &payload().to_string()))
    };
    assert_eq!(of(&OTHER, Algorithm::Es256), Err(Reason::DpopKeyMismatch));
    assert_eq!(
        of(&TestKey::ed25519("ed"), Algorithm::EdDsa),
        Err(Reason::DpopKeyMismatch)
    );
}

#[test]
fn a_proof_is_for_one_method_and_one_url() {
    payloads_are_refused(
        Reason::DpopMethod,
        &["POST", "get", "GET ", "", "*"].map(|htm| json!({ "htm": htm })),
    );
    payloads_are_refused(
        Reason::DpopUrl,
        &[
            "https://api.example.com/v1/b",
            "https://api.example.com/v1/a/",
            "https://api.example.com/?/v1/a",
            "http://api.example.com/v1/a",
            "https://api.example.com:8443/v1/a",
            "https://api.example.com.evil.test/v1/a",
            "https://api.example.com@evil.test/v1/a",
            // What the request says about its host is the client's word.
            "http://internal.example/v1/a",
            "/v1/a",
            "",
        ]
        .map(|htu| json!({ "htu": htu })),
    );
}

#[test]
fn a_proof_is_for_one_token_and_one_moment() {
    let seconds = NOW.seconds();
    payloads_are_refused(
        Reason::DpopStale,
        &[seconds - 66, 0, seconds + 6, seconds + 100_000].map(|iat| json!({ "iat": iat })),
    );
    let ath = |text: &str| encode(sha256(text.as_bytes()));
    payloads_are_refused(
        Reason::DpopToken,
        &[
            ath("s3cret"),
            ath(&format!("DPoP {TOKEN}")),
            format!("{}=", ath(TOKEN)),
            "7d".repeat(32),
            String::new(),
        ]
        .map(|ath| json!({ "ath": ath })),
    );
    let slot = Duration::from_mins(5);
    payloads_are_refused(
        Reason::DpopNonce,
        &[
            json!({ "nonce": null }),
            json!({ "nonce": "" }),
            json!({ "nonce": nonces().current(NOW.minus(2 * slot)) }),
            json!({ "nonce": nonces().current(NOW.plus(slot)) }),
            json!({ "nonce": encode([7; 32]) }),
        ],
    );
}

fn proofs(store: &StoreSettings) -> Proofs {
    let settings = DpopSettings::compile(DpopSpec::default(), Path::new("/")).unwrap();
    let resources = Resources {
        store: Some(Store::open(store).unwrap()),
        nonce_secret: Some([7; 32].into()),
        ..Resources::default()
    };
    Proofs::new(settings, &resources)
}

fn bound(cnf: &Json) -> Binding {
    Binding::read(Some(&borrowed(cnf))).unwrap()
}

/// What becomes of a token with this binding.
async fn proven(
    proofs: &Proofs,
    binding: &Binding,
    scheme: Scheme,
    request: &AccessRequest,
) -> Result<Proof, &'static str> {
    proven_with(proofs, binding, scheme, request, None).await
}

/// What becomes of it when the caller has this certificate.
async fn proven_with(
    proofs: &Proofs,
    binding: &Binding,
    scheme: Scheme,
    request: &AccessRequest,
    certificate: Option<&str>,
) -> Result<Proof, &'static str> {
    let presentation = Presentation {
        token: TOKEN,
        scheme,
        request,
        route: &route(&["corp"]),
        certificate,
        until: Instant::now() + Duration::from_secs(20),
    };
    let proven = proofs.proof(binding, presentation).await;
    proven.map_err(|refusal| match refusal {
        Refusal::Deny(denial) => denial.reason.as_str(),
        Refusal::Fault(fault) => fault.code.as_str(),
    })
}

fn fresh_proof(proofs: &Proofs, jti: &str) -> String {
    let nonce = proofs.facts(&request("GET", "/", &[]), false);
    let nonce = nonce.unwrap().nonce.unwrap();
    proof(json!({}), json!({ "jti": jti, "nonce": nonce.as_ref() }))
}

#[tokio::test]
async fn a_proof_is_good_once() {
    let proofs = proofs(&StoreSettings::in_memory());
    let binding = bound(&json!({ "jkt": thumbprint(&KEY) }));
    let first = fresh_proof(&proofs, "a");
    let with = |proof: &str| request("GET", "/v1/a", &[("dpop", proof)]);
    let tried = |proof: &str| {
        let (request, proofs, binding) = (with(proof), &proofs, &binding);
        async move { proven(proofs, binding, Scheme::Dpop, &request).await }
    };
    assert_eq!(tried(&first).await, Ok(Proof::Dpop));
    assert_eq!(tried(&first).await, Err("dpop_replayed"));
    assert_eq!(tried(&fresh_proof(&proofs, "b")).await, Ok(Proof::Dpop));
    // The same claims signed again are another signature with the same `jti`.
    assert_eq!(
        tried(&fresh_proof(&proofs, "a")).await,
        Err("dpop_replayed")
    );
    // A proof that is refused is not used up.
    let late = fresh_proof(&proofs, "c");
    let mut other = with(&late);
    other.method = "POST".into();
    assert_eq!(
        proven(&proofs, &binding, Scheme::Dpop, &other).await,
        Err("dpop_method")
    );
    assert_eq!(tried(&late).await, Ok(Proof::Dpop));
}

/// Envoy may choose between routes of one origin by anything, a header for example, that no proof is about.
#[test]
fn a_proof_is_one_and_the_same_on_every_route_of_its_origin() {
    let proof = proof(json!({}), json!({}));
    let (request, key) = (request("GET", "/v1/a", &[]), thumbprint(&KEY));
    let remembered = |url: &str| {
        let shown = Shown {
            request: &request,
            url,
            token: TOKEN,
            key: &key,
        };
        rules(Some(nonces())).check(&proof, shown).unwrap()
    };
    let (origin, port) = (format!("{AUDIENCE}/v1"), format!("{AUDIENCE}:443"));
    assert_eq!(remembered(AUDIENCE), remembered(&origin));
    assert_eq!(remembered(AUDIENCE), remembered(&port));
}

#[tokio::test]
async fn a_full_memory_and_no_memory_refuse() {
    let binding = bound(&json!({ "jkt": thumbprint(&KEY) }));
    let full = proofs(&StoreSettings::in_memory().max_replay(1));
    for (jti, expected) in [
        ("a", Ok(Proof::Dpop)),
        ("b", Err("replay_memory_full")),
        ("a", Err("dpop_replayed")),
    ] {
        let request = request("GET", "/v1/a", &[("dpop", &fresh_proof(&full, jti))]);
        let outcome = proven(&full, &binding, Scheme::Dpop, &request).await;
        assert_eq!(outcome, expected, "{jti}");
    }
    let settings = DpopSettings::compile(DpopSpec::default(), Path::new("/")).unwrap();
    let none = Proofs::new(settings, &Resources::default());
    let request = request("GET", "/v1/a", &[("dpop", &proof(json!({}), json!({})))]);
    assert_eq!(
        proven(&none, &binding, Scheme::Dpop, &request).await,
        Err("store_unavailable")
    );
}

#[tokio::test]
async fn what_a_token_is_bound_to_decides_how_it_may_be_presented() {
    let proofs = proofs(&StoreSettings::in_memory());
    let jkt = thumbprint(&KEY);
    let x5t = encode([7; 32]);
    let free = Binding::default();
    let to_key = bound(&json!({ "jkt": jkt }));
    let to_certificate = bound(&json!({ "x5t#S256": x5t }));
    let to_both = bound(&json!({ "jkt": jkt, "x5t#S256": x5t }));
    let proof = fresh_proof(&proofs, "a");
    let shown = request("GET", "/v1/a", &[("dpop", &proof)]);
    let bare = request("GET", "/v1/a", &[]);
    for (binding, scheme, request, expected) in [
        (&free, Scheme::Bearer, &bare, Ok(Proof::None)),
        // An unbound token needs no proof, so what the header says proves nothing.
        (&free, Scheme::Bearer, &shown, Ok(Proof::None)),
        (&free, Scheme::Dpop, &shown, Err("token_binding")),
        (&to_key, Scheme::Bearer, &shown, Err("token_bound")),
        (&to_key, Scheme::Bearer, &bare, Err("token_bound")),
        (&to_key, Scheme::Dpop, &bare, Err("dpop_missing")),
        (&to_certificate, Scheme::Dpop, &shown, Err("token_binding")),
        (
            &to_certificate,
            Scheme::Bearer,
            &shown,
            Err("certificate_mismatch"),
        ),
        (&to_both, Scheme::Bearer, &shown, Err("token_bound")),
        (&to_both, Scheme::Dpop, &shown, Err("certificate_mismatch")),
        (&to_key, Scheme::Dpop, &shown, Ok(Proof::Dpop)),
    ] {
        let outcome = proven(&proofs, binding, scheme, request).await;
        assert_eq!(outcome, expected, "{binding:?} {scheme:?}");
    }
}

/// RFC 8705, appendix A: the certificate and the thumbprint that a token bound to it has.
#[tokio::test]
async fn the_rfcs_own_certificate_is_the_one_that_its_token_is_bound_to() {
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----
";
    let proofs = proofs(&StoreSettings::in_memory());
    let own = bound(&json!({ "x5t#S256": "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" }));
    let other = bound(&json!({ "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" }));
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    let request = request("GET", "/v1/a", &[]);
    for (certificate, binding, expected) in [
        (Some(certificate.thumbprint()), &own, Ok(Proof::Mtls)),
        (
            Some(certificate.thumbprint()),
            &other,
            Err("certificate_mismatch"),
        ),
        (None, &own, Err("certificate_mismatch")),
        // A token that is merely sent beside a certificate is bound to nothing.
        (
            Some(certificate.thumbprint()),
            &Binding::default(),
            Ok(Proof::None),
        ),
    ] {
        let outcome = proven_with(&proofs, binding, Scheme::Bearer, &request, certificate).await;
        assert_eq!(outcome, expected);
    }
}

#[test]
fn settings_out_of_range_are_reported_together() {
    let compile = |section: Json| {
        let spec: DpopSpec = serde_json::from_value(section).unwrap();
        match DpopSettings::compile(spec, Path::new("/nowhere")) {
            Ok(_) => Vec::new(),
            Err(findings) => findings.iter().map(|it| it.message.clone()).collect(),
        }
    };
    assert_eq!(compile(json!({})), [""; 0]);
    let wrong = json!({
        "max_age": "0s", "leeway": "61s", "nonce_ttl": "500ms", "algorithms": [], "replay_entries": 0,
        "nonce_key": { "file": "missing" }
    });
    assert_eq!(compile(wrong).len(), 6);
}
