//! Which keys of a set are usable.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::keys::Algorithm;
use crate::keys::jwk::{JwkError, VerificationKey};
use crate::keys::source::Purpose;
use crate::keys::table::{KeyTable, MAX_KEYS, Miss, TableError};
use crate::keys::testing::{TestKey, document, encode, jwks};

fn read_key(jwk: &Value) -> Result<VerificationKey, JwkError> {
    VerificationKey::read(jwk, Purpose::Signatures)
}

fn read_table(document: &[u8]) -> Result<KeyTable, TableError> {
    KeyTable::read(document, Purpose::Signatures)
}

/// The JWK with these members set, or removed where the value is null.
fn with(jwk: &Value, changes: &Value) -> Value {
    let mut jwk = jwk.clone();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(jwk.as_object_mut().unwrap().remove(name)),
            value => jwk[name] = value.clone(),
        }
    }
    jwk
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "every caller makes the changes on the spot"
)]
fn refused(jwk: &Value, changes: Value) -> JwkError {
    read_key(&with(jwk, &changes)).unwrap_err()
}

/// An RSA JWK with a modulus of so many bits.
fn rsa(bits: usize) -> Value {
    let mut n = vec![0xff; bits.div_ceil(8)];
    n[0] = u8::try_from((1_u32 << ((bits - 1) % 8 + 1)) - 1).unwrap();
    json!({ "kty": "RSA", "n": encode(n), "e": "AQAB" })
}

#[test]
fn every_kind_of_key_fits_its_algorithms_only() {
    let rsa = [
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
    ];
    for (key, fitting) in [
        (TestKey::rsa("a"), rsa.as_slice()),
        (TestKey::p256("a"), &[Algorithm::Es256]),
        (TestKey::p384("a"), &[Algorithm::Es384]),
        (TestKey::ed25519("a"), &[Algorithm::EdDsa]),
    ] {
        let key = read_key(&key.jwk()).unwrap();
        for algorithm in Algorithm::ALL {
            assert_eq!(
                key.fits(algorithm),
                fitting.contains(&algorithm),
                "{key:?} {algorithm}"
            );
        }
    }
}

#[test]
fn a_named_algorithm_is_the_only_one_that_fits() {
    let jwk = with(&TestKey::rsa("a").jwk(), &json!({ "alg": "PS256" }));
    let key = read_key(&jwk).unwrap();
    assert!(key.fits(Algorithm::Ps256));
    assert!(!key.fits(Algorithm::Rs256));
}

#[test]
fn an_algorithm_that_is_not_the_keys_makes_it_unusable() {
    let jwk = TestKey::p256("a").jwk();
    for algorithm in [
        json!("ES384"),
        json!("RS256"),
        json!("HS256"),
        json!("none"),
        json!("ECDH-ES"),
        json!(1),
    ] {
        assert_eq!(
            refused(&jwk, json!({ "alg": algorithm })),
            JwkError::Algorithm
        );
    }
}

#[test]
fn the_purpose_must_include_verifying() {
    let jwk = TestKey::p256("a").jwk();
    for purpose in [
        json!({ "use": "enc" }),
        json!({ "use": ["sig"] }),
        json!({ "key_ops": [] }),
        json!({ "key_ops": ["sign"] }),
        json!({ "key_ops": "verify" }),
    ] {
        assert_eq!(refused(&jwk, purpose), JwkError::Purpose);
    }
    assert!(
        read_key(&with(
            &jwk,
            &json!({ "use": "sig", "key_ops": ["sign", "verify"] })
        ))
        .is_ok()
    );
}

#[test]
fn a_published_private_key_is_not_used() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
        for key in [TestKey::rsa("a"), TestKey::p256("a"), TestKey::ed25519("a")] {
            assert_eq!(
                refused(&key.jwk(), json!({ name: "AQAB" })),
                JwkError::Private
            );
        }
    }
}

#[test]
fn symmetric_and_unknown_kinds_are_not_used() {
    let symmetric = json!({ "kty": "oct", "k": encode([7; 32]), "kid": "a" });
    assert_eq!(refused(&symmetric, json!({})), JwkError::Symmetric);
    assert_eq!(
        refused(&symmetric, json!({ "alg": "HS256" })),
        JwkError::Symmetric
    );
    let ec = TestKey::p256("a").jwk();
    for change in [
        json!({ "kty": null }),
        json!({ "kty": "AKP" }),
        json!({ "crv": "P-521" }),
        json!({ "crv": "secp256k1" }),
        json!({ "kty": "OKP" }),
    ] {
        assert_eq!(refused(&ec, change), JwkError::Kind);
    }
    assert_eq!(
        refused(&TestKey::ed25519("a").jwk(), json!({ "crv": "X25519" })),
        JwkError::Kind
    );
    assert_eq!(read_key(&json!("a")).unwrap_err(), JwkError::NotAnObject);
}

#[test]
fn an_rsa_modulus_has_2048_to_4096_bits() {
    for bits in [2048, 3072, 4095, 4096] {
        assert!(read_key(&rsa(bits)).is_ok(), "{bits}");
    }
    for bits in [8, 512, 1024, 2047, 4097, 8192, 16384] {
        assert_eq!(refused(&rsa(bits), json!({})), JwkError::RsaSize, "{bits}");
    }
    assert_eq!(refused(&rsa(2048), json!({ "n": "" })), JwkError::RsaSize);
}

#[test]
fn leading_zeros_do_not_count_as_bits() {
    let padded = |bits: usize| encode([vec![0; 2], vec![0xff; bits / 8]].concat());
    assert_eq!(
        refused(&rsa(2048), json!({ "n": padded(2032) })),
        JwkError::RsaSize
    );
    assert!(
        read_key(&with(
            &rsa(2048),
            &json!({ "n": padded(2048), "e": encode([0, 1, 0, 1]) })
        ))
        .is_ok()
    );
}

#[test]
fn an_rsa_exponent_is_sane() {
    for exponent in [
        &[][..],
        &[0],
        &[1],
        &[3],
        &[0xff, 0xff],
        &[1, 0, 0],
        &[1, 0, 1, 0, 1],
    ] {
        assert_eq!(
            refused(&rsa(2048), json!({ "e": encode(exponent) })),
            JwkError::RsaExponent,
            "{exponent:?}"
        );
    }
    assert!(
        read_key(&with(
            &rsa(2048),
            &json!({ "e": encode([0xff, 0xff, 0xff, 0xff]) })
        ))
        .is_ok()
    );
}

#[test]
fn numbers_are_strict() {
    let ec = TestKey::p256("a").jwk();
    let short = encode([1; 31]);
    for change in [
        json!({ "x": null }),
        json!({ "x": 5 }),
        json!({ "x": short }),
        json!({ "x": "" }),
        json!({ "x": "a+/=" }),
        json!({ "x": encode([1; 32]), "y": encode([1; 32]) }),
    ] {
        assert_eq!(refused(&ec, change), JwkError::Numbers);
    }
    let padded = format!("{}=", ec["x"].as_str().unwrap());
    assert_eq!(refused(&ec, json!({ "x": padded })), JwkError::Numbers);
    assert_eq!(
        refused(&TestKey::ed25519("a").jwk(), json!({ "x": short })),
        JwkError::Numbers
    );
    let even = [vec![0xff; 255], vec![0xfe]].concat();
    assert_eq!(
        refused(&rsa(2048), json!({ "n": encode(even) })),
        JwkError::Numbers
    );
}

#[test]
fn a_key_id_is_a_short_string() {
    let jwk = TestKey::p256("a").jwk();
    for kid in [json!(1), json!(["a"]), json!("k".repeat(257))] {
        assert_eq!(refused(&jwk, json!({ "kid": kid })), JwkError::Kid);
    }
    assert!(read_key(&with(&jwk, &json!({ "kid": "k".repeat(256) }))).is_ok());
}

#[test]
fn unusable_keys_do_not_spoil_the_set() {
    let good = TestKey::p256("good");
    let table = read_table(&document(&[
        json!(1),
        json!({ "kty": "oct" }),
        good.jwk(),
        rsa(1024),
    ]))
    .unwrap();
    assert_eq!((table.len(), table.ignored().len()), (1, 3));
    assert!(table.find(Some("good"), Algorithm::Es256).is_ok());
}

#[test]
fn a_document_without_a_usable_key_is_an_error() {
    let key = TestKey::p256("a").jwk();
    for (bytes, error) in [
        (b"".to_vec(), "the document is not a key set"),
        (b"<html>".to_vec(), "the document is not a key set"),
        (b"{}".to_vec(), "the document has no array `keys`"),
        (
            b"{\"keys\":{}}".to_vec(),
            "the document has no array `keys`",
        ),
        (b"{\"keys\":[]}".to_vec(), "the set is empty"),
        (
            document(&[json!({ "kty": "oct" })]),
            "the set has no usable key",
        ),
        (
            document(&vec![key.clone(); MAX_KEYS + 1]),
            "the set has more than 100 keys",
        ),
    ] {
        assert_eq!(read_table(&bytes).unwrap_err().to_string(), error);
    }
    assert!(read_table(&document(&vec![key; MAX_KEYS])).is_ok());
    let twice = br#"{"keys":[],"keys":[]}"#;
    assert!(matches!(read_table(twice), Err(TableError::Json(_))));
}

#[test]
fn a_token_without_an_id_needs_exactly_one_fitting_key() {
    let (rsa, first, second) = (TestKey::rsa("r"), TestKey::p256("a"), TestKey::p256("b"));
    let find = |keys: &[&TestKey]| {
        read_table(&jwks(keys))
            .unwrap()
            .find(None, Algorithm::Es256)
    };
    assert_eq!(
        find(&[&rsa, &first]).unwrap().kid().map(|kid| &**kid),
        Some("a")
    );
    assert_eq!(find(&[&rsa]).unwrap_err(), Miss::Unknown);
    assert_eq!(find(&[&first, &second]).unwrap_err(), Miss::Ambiguous);
}

#[test]
fn keys_with_one_id_are_told_apart_by_algorithm_or_not_at_all() {
    let (rsa, first, second) = (TestKey::rsa("a"), TestKey::p256("a"), TestKey::p256("a"));
    let find = |keys: &[&TestKey], algorithm| {
        read_table(&jwks(keys))
            .unwrap()
            .find(Some("a"), algorithm)
            .map(drop)
    };
    assert_eq!(find(&[&rsa, &first], Algorithm::Es256), Ok(()));
    assert_eq!(find(&[&rsa, &first], Algorithm::Rs256), Ok(()));
    assert_eq!(find(&[&rsa, &first], Algorithm::EdDsa), Err(Miss::Unfit));
    assert_eq!(
        find(&[&first, &second], Algorithm::Es256),
        Err(Miss::Ambiguous)
    );
}

proptest! {
    #[test]
    fn no_document_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read_table(&bytes).is_err());
    }

    #[test]
    fn no_numbers_panic(
        kind in "RSA|EC|OKP",
        curve in "P-256|P-384|Ed25519",
        first in proptest::collection::vec(any::<u8>(), 0..600),
        second in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let jwk = json!({ "kty": kind, "crv": curve, "n": encode(&first), "e": encode(&second), "x": encode(&first), "y": encode(&second) });
        drop(read_key(&jwk));
    }
}
