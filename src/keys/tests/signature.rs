//! Tokens with a hostile signature, algorithm or key.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::{EC, NOW, check, keys, refused, with_header};
use crate::keys::testing::{TestKey, document, encode, key_set, verify};
use crate::keys::{Algorithm, Compact, JwsError};

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
        let token = Compact::of(&token).unwrap();
        let (parsed, keys) = (token.parse().unwrap(), keys(&[&key]));
        let verified = parsed.verify(&Algorithm::ALL, &keys, *NOW).unwrap();
        assert_eq!(verified.algorithm(), algorithm);
        assert_eq!(
            (verified.kid.as_deref(), verified.typ()),
            (Some("k"), Some("at+jwt"))
        );
        assert_eq!(
            Value::Object(verified.claims.into()),
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
fn one_key_verifies_each_of_its_algorithms_again_and_again() {
    let rsa = TestKey::rsa("rsa");
    let keys = keys(&[&rsa]);
    let of_rsa = Algorithm::ALL.into_iter().take(6);
    let header = |says: Algorithm| json!({ "alg": says.as_str(), "kid": "rsa" }).to_string();
    for _ in 0..2 {
        for says in of_rsa.clone() {
            for is in of_rsa.clone() {
                let expected = if says == is {
                    Ok(())
                } else {
                    Err(JwsError::BadSignature)
                };
                let token = rsa.sign(is, &header(says), "{}");
                let found = check(&token, &keys);
                assert_eq!(found, expected, "{says} signed with {is}");
            }
        }
    }
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
