//! Hostile tokens.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::keys::testing::{TestKey, document, encode, jwks, key_set};
use crate::keys::{Algorithm, JwsError, KeySet, MAX_TOKEN_BYTES, VerifiedJws, parse, verify};

static EC: LazyLock<TestKey> = LazyLock::new(|| TestKey::p256("ec"));
static NOW: LazyLock<Instant> = LazyLock::new(Instant::now);

fn keys(keys: &[&TestKey]) -> KeySet {
    key_set(&jwks(keys), *NOW)
}

fn check(token: &str, keys: &KeySet) -> Result<VerifiedJws, JwsError> {
    verify(token, &Algorithm::ALL, keys, *NOW)
}

fn refused(token: &str) -> JwsError {
    check(token, &keys(&[&EC, &TestKey::rsa("rsa")])).unwrap_err()
}

/// A token that is right but for its header.
fn with_header(header: &str) -> String {
    EC.sign(Algorithm::Es256, header, "{}")
}

#[test]
fn every_algorithm_verifies_what_its_key_signed() {
    for algorithm in Algorithm::ALL {
        let key = match algorithm {
            Algorithm::Es256 => TestKey::p256("k"),
            Algorithm::Es384 => TestKey::p384("k"),
            Algorithm::EdDsa => TestKey::ed25519("k"),
            _ => TestKey::rsa("k"),
        };
        let token = key.token(algorithm, &json!({ "iss": "i", "exp": "soon" }));
        let verified = check(&token, &keys(&[&key])).unwrap();
        assert_eq!(verified.algorithm, algorithm);
        assert_eq!(
            (verified.kid.as_deref(), verified.typ.as_deref()),
            (Some("k"), Some("at+jwt"))
        );
        assert_eq!(
            Value::Object(verified.claims),
            json!({ "iss": "i", "exp": "soon" })
        );
    }
}

#[test]
fn a_changed_payload_header_or_signature_is_a_bad_signature() {
    let keys = keys(&[&EC]);
    let token = EC.token(Algorithm::Es256, &json!({ "sub": "alice" }));
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("not three parts");
    };
    let other_payload = encode(r#"{"sub":"mallory"}"#);
    let other_header = encode(r#"{"alg":"ES256","kid":"ec","typ":"JWT"}"#);
    let zeros = encode([0; 64]);
    let (cut, _) = signature.split_at(40);
    for (header, payload, signature) in [
        (header, other_payload.as_str(), signature),
        (other_header.as_str(), payload, signature),
        (header, payload, zeros.as_str()),
        (header, payload, cut),
    ] {
        let token = format!("{header}.{payload}.{signature}");
        assert_eq!(check(&token, &keys).unwrap_err(), JwsError::BadSignature);
    }
    assert!(check(&token, &keys).is_ok());
}

#[test]
fn another_issuers_key_with_the_same_id_is_a_bad_signature() {
    let token = TestKey::p256("ec").token(Algorithm::Es256, &json!({}));
    assert_eq!(refused(&token), JwsError::BadSignature);
}

#[test]
fn none_is_no_algorithm() {
    for name in ["none", "None", "NONE", "nOnE"] {
        let message = format!(
            "{}.{}",
            encode(json!({ "alg": name }).to_string()),
            encode("{}")
        );
        for signature in ["", "AAAA"] {
            assert_eq!(
                refused(&format!("{message}.{signature}")),
                JwsError::AlgorithmNotAllowed
            );
        }
    }
}

#[test]
fn hs256_with_the_public_key_as_secret_is_refused() {
    let rsa = TestKey::rsa("rsa");
    let secrets = [
        rsa.jwk()["n"].as_str().unwrap().to_owned(),
        rsa.jwk().to_string(),
    ];
    for (secret, kid) in secrets.iter().zip(["rsa", "ec"]) {
        let header = encode(json!({ "alg": "HS256", "kid": kid }).to_string());
        let message = format!("{header}.{}", encode(r#"{"sub":"root"}"#));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&secret, message.as_bytes());
        assert_eq!(
            refused(&format!("{message}.{}", encode(tag))),
            JwsError::AlgorithmNotAllowed
        );
    }
}

#[test]
fn an_algorithm_of_another_family_than_the_key_is_refused() {
    let header = |algorithm: &str, kid: &str| json!({ "alg": algorithm, "kid": kid }).to_string();
    let es_on_rsa = EC.sign(Algorithm::Es256, &header("ES256", "rsa"), "{}");
    let rs_on_ec = TestKey::rsa("rsa").sign(Algorithm::Rs256, &header("RS256", "ec"), "{}");
    let ed_on_ec = TestKey::ed25519("ed").sign(Algorithm::EdDsa, &header("EdDSA", "ec"), "{}");
    let es384_on_p256 = EC.sign(Algorithm::Es256, &header("ES384", "ec"), "{}");
    for token in [es_on_rsa, rs_on_ec, ed_on_ec, es384_on_p256] {
        assert_eq!(refused(&token), JwsError::UnfitKey);
    }
}

#[test]
fn pss_and_pkcs1_do_not_stand_in_for_each_other() {
    let rsa = TestKey::rsa("rsa");
    for (says, is) in [
        (Algorithm::Ps256, Algorithm::Rs256),
        (Algorithm::Rs256, Algorithm::Ps256),
        (Algorithm::Rs256, Algorithm::Rs512),
    ] {
        let header = json!({ "alg": says.as_str(), "kid": "rsa" }).to_string();
        assert_eq!(
            refused(&rsa.sign(is, &header, "{}")),
            JwsError::BadSignature
        );
    }
    let mut only_ps = rsa.jwk();
    only_ps["alg"] = json!("PS256");
    let keys = key_set(&document(&[only_ps]), *NOW);
    assert!(check(&rsa.token(Algorithm::Ps256, &json!({})), &keys).is_ok());
    assert_eq!(
        check(&rsa.token(Algorithm::Rs256, &json!({})), &keys).unwrap_err(),
        JwsError::UnfitKey
    );
}

#[test]
fn an_algorithm_outside_the_callers_list_is_refused() {
    let token = EC.token(Algorithm::Es256, &json!({}));
    let keys = keys(&[&EC]);
    for allowed in [&[][..], &[Algorithm::Rs256, Algorithm::EdDsa]] {
        assert_eq!(
            verify(&token, allowed, &keys, *NOW).unwrap_err(),
            JwsError::AlgorithmNotAllowed
        );
    }
    assert!(verify(&token, &[Algorithm::Es256], &keys, *NOW).is_ok());
}

#[test]
fn critical_and_unencoded_headers_are_refused() {
    for crit in [r#"["exp"]"#, "[]", "null", r#"["b64"]"#] {
        let header = format!(r#"{{"alg":"ES256","kid":"ec","crit":{crit}}}"#);
        assert_eq!(refused(&with_header(&header)), JwsError::CriticalHeader);
    }
    for b64 in ["true", "false"] {
        let header = format!(r#"{{"alg":"ES256","kid":"ec","b64":{b64}}}"#);
        assert_eq!(refused(&with_header(&header)), JwsError::UnencodedPayload);
    }
}

#[test]
fn keys_that_the_header_brings_along_are_not_used() {
    let mallory = TestKey::p256("mallory");
    let header = |kid: &str| {
        json!({ "alg": "ES256", "kid": kid, "jwk": mallory.jwk(), "jku": "https://mallory.example/", "x5u": "https://mallory.example/", "x5c": ["AAAA"] }).to_string()
    };
    let token = |kid| mallory.sign(Algorithm::Es256, &header(kid), "{}");
    assert_eq!(refused(&token("mallory")), JwsError::UnknownKey);
    assert_eq!(refused(&token("ec")), JwsError::BadSignature);
    assert!(
        check(
            &EC.sign(Algorithm::Es256, &header("ec"), "{}"),
            &keys(&[&EC])
        )
        .is_ok()
    );
}

#[test]
fn a_token_has_exactly_three_parts() {
    let token = EC.token(Algorithm::Es256, &json!({}));
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("not three parts");
    };
    for token in [
        String::new(),
        "..".to_owned(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}.{payload}.{payload}.{payload}.{signature}"),
    ] {
        assert_eq!(refused(&token), JwsError::Malformed, "{token}");
    }
}

#[test]
fn base64url_is_strict() {
    let token = EC.token(Algorithm::Es256, &json!({}));
    // The last character of 64 bytes carries four unused bits: another spelling of the same signature.
    let (rest, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let twin = alphabet.as_bytes()[alphabet.find(last).unwrap() + 1] as char;
    let respelt = format!("{rest}{twin}");
    for token in [
        respelt,
        format!("{token}="),
        format!("{token}=="),
        format!("{token}\n"),
        format!(" {token}"),
        token.replace('.', ".+"),
    ] {
        assert_eq!(refused(&token), JwsError::Malformed, "{token}");
    }
}

#[test]
fn an_oversized_token_is_refused_before_it_is_read() {
    let sized = |size: usize| {
        let empty = EC.token(Algorithm::Es256, &json!({ "a": "" })).len();
        let filler = "x".repeat((size - empty) / 4 * 3);
        EC.token(Algorithm::Es256, &json!({ "a": filler }))
    };
    let fits = sized(MAX_TOKEN_BYTES);
    assert!(fits.len() > MAX_TOKEN_BYTES - 4 && fits.len() <= MAX_TOKEN_BYTES);
    assert!(check(&fits, &keys(&[&EC])).is_ok());
    assert_eq!(refused(&sized(MAX_TOKEN_BYTES + 8)), JwsError::TooLarge);
    assert_eq!(refused(&".".repeat(1 << 20)), JwsError::TooLarge);
}

#[test]
fn deep_json_is_refused_in_header_and_payload() {
    let deep = |levels: usize| {
        format!(
            r#"{{"alg":"ES256","kid":"ec","a":{}{}}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    assert!(check(&with_header(&deep(15)), &keys(&[&EC])).is_ok());
    for levels in [16, 127, 2000] {
        assert_eq!(refused(&with_header(&deep(levels))), JwsError::TooDeep);
        let header = r#"{"alg":"ES256","kid":"ec"}"#;
        assert_eq!(
            refused(&EC.sign(Algorithm::Es256, header, &deep(levels))),
            JwsError::TooDeep
        );
    }
}

#[test]
fn a_member_twice_is_refused() {
    for header in [
        r#"{"alg":"ES256","kid":"ec","kid":"ec"}"#,
        r#"{"alg":"none","alg":"ES256","kid":"ec"}"#,
        r#"{"alg":"ES256","kid":"rsa","k\u0069d":"ec"}"#,
    ] {
        assert_eq!(refused(&with_header(header)), JwsError::DuplicateMember);
    }
    let header = r#"{"alg":"ES256","kid":"ec"}"#;
    for payload in [
        r#"{"sub":"a","sub":"b"}"#,
        r#"{"act":{"sub":"a","sub":"b"}}"#,
    ] {
        assert_eq!(
            refused(&EC.sign(Algorithm::Es256, header, payload)),
            JwsError::DuplicateMember
        );
    }
}

#[test]
fn header_and_payload_are_objects_with_members_of_the_right_type() {
    for header in [
        "",
        "[]",
        "null",
        "{",
        r#"{"kid":"ec"}"#,
        r#"{"alg":1,"kid":"ec"}"#,
        r#"{"alg":"ES256","kid":1}"#,
        r#"{"alg":"ES256","kid":null}"#,
        r#"{"alg":"ES256","kid":"ec","typ":[]}"#,
        r#"{"alg":"ES256","kid":"ec"} "x""#,
    ] {
        assert_eq!(
            refused(&with_header(header)),
            JwsError::Malformed,
            "{header}"
        );
    }
    let long = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(257));
    assert_eq!(refused(&with_header(&long)), JwsError::Malformed);
    for payload in ["", "[]", "\"x\"", "not json"] {
        let header = r#"{"alg":"ES256","kid":"ec"}"#;
        assert_eq!(
            refused(&EC.sign(Algorithm::Es256, header, payload)),
            JwsError::Malformed
        );
    }
}

#[test]
fn a_token_without_an_id_needs_exactly_one_fitting_key() {
    let token = with_header(r#"{"alg":"ES256"}"#);
    assert!(check(&token, &keys(&[&EC, &TestKey::rsa("rsa")])).is_ok());
    assert_eq!(
        check(&token, &keys(&[&EC, &TestKey::p256("b")])).unwrap_err(),
        JwsError::AmbiguousKey
    );
    assert_eq!(
        check(&token, &keys(&[&TestKey::rsa("rsa")])).unwrap_err(),
        JwsError::UnknownKey
    );
}

#[test]
fn keys_expire_when_they_are_stale() {
    let token = EC.token(Algorithm::Es256, &json!({}));
    let keys = keys(&[&EC]);
    let at = |seconds| {
        verify(
            &token,
            &Algorithm::ALL,
            &keys,
            *NOW + Duration::from_secs(seconds),
        )
    };
    assert!(at(3600).is_ok());
    assert_eq!(at(3601).unwrap_err(), JwsError::KeysStale);
}

#[test]
fn the_issuer_can_be_read_before_the_signature_is_checked() {
    let issuer = |claims: Value| {
        parse(&EC.token(Algorithm::Es256, &claims))
            .unwrap()
            .unverified_issuer()
            .map(str::to_owned)
    };
    assert_eq!(
        issuer(json!({ "iss": "https://a.example/" })).as_deref(),
        Some("https://a.example/")
    );
    assert_eq!(issuer(json!({})), None);
    assert_eq!(issuer(json!({ "iss": ["https://a.example/"] })), None);
}

#[test]
fn nothing_prints_the_token() {
    let token = EC.token(Algorithm::Es256, &json!({ "sub": "hush" }));
    let parsed = parse(&token).unwrap();
    assert_eq!(format!("{parsed:?}"), "ParsedJws { algorithm: Es256, .. }");
    let verified = check(&token, &keys(&[&EC])).unwrap();
    assert_eq!(
        format!("{verified:?}"),
        "VerifiedJws { algorithm: Es256, .. }"
    );
}

proptest! {
    #[test]
    fn no_token_panics_or_passes(token in "[A-Za-z0-9_.-]{0,200}|.{0,100}") {
        prop_assert!(check(&token, &keys(&[&EC])).is_err());
    }

    #[test]
    fn no_header_and_payload_panic(
        header in proptest::collection::vec(any::<u8>(), 0..100),
        payload in "[{}\\[\\]\",:a0-9]{0,100}",
    ) {
        let token = format!("{}.{}.AAAA", encode(header), encode(payload));
        prop_assert!(check(&token, &keys(&[&EC])).is_err());
    }
}
