use std::time::Instant;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::keys::Compact;
use crate::keys::testing::{document, key_set};

fn block(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

fn p256() -> Vec<u8> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    pair.to_pkcs8v1().unwrap().as_ref().to_vec()
}

fn ed25519() -> Vec<u8> {
    let pair = Ed25519KeyPair::generate().unwrap();
    pair.to_pkcs8v1().unwrap().as_ref().to_vec()
}

fn read(text: &str) -> Result<SigningKey, String> {
    pem::read(text.as_bytes()).map_err(|error| error.to_string())
}

fn key(der: &[u8]) -> SigningKey {
    read(&block("PRIVATE KEY", der)).unwrap()
}

#[test]
fn what_a_key_signs_its_public_half_verifies() {
    for (der, algorithm) in [(p256(), Algorithm::Es256), (ed25519(), Algorithm::EdDsa)] {
        let key = key(&der);
        assert_eq!(key.algorithm(), algorithm);
        let claims = json!({ "sub": "alice" });
        let token = key.sign("txntoken+jwt", &claims).unwrap();
        let now = Instant::now();
        let keys = key_set(&document(&[key.public().clone()]), now);
        let token = Compact::of(&token).unwrap();
        let parsed = token.parse().unwrap();
        let verified = parsed.verify(&[algorithm], &keys, now).unwrap();
        assert_eq!(verified.typ(), Some("txntoken+jwt"));
        assert_eq!(verified.kid.as_deref(), Some(key.kid()));
        assert_eq!(Value::Object(verified.claims.into()), claims);
        assert_eq!(thumbprint(key.public()).as_deref(), Some(key.kid()));
    }
}

#[test]
fn the_published_half_has_no_private_member() {
    for der in [p256(), ed25519()] {
        let key = key(&der);
        let members = key.public().as_object().unwrap();
        let known = ["kty", "crv", "x", "y", "kid", "use", "alg"];
        assert!(members.keys().all(|name| known.contains(&name.as_str())));
    }
}

#[test]
fn a_key_is_never_printed() {
    let der = p256();
    let shown = format!("{:?}", key(&der));
    assert!(shown.contains("Es256"), "{shown}");
    assert!(!shown.contains("pair"), "{shown}");
}

#[test]
fn a_token_that_nobody_would_read_is_not_made() {
    let claims = json!({ "x": "a".repeat(MAX_TOKEN_BYTES) });
    let error = key(&p256()).sign("txntoken+jwt", &claims);
    assert_eq!(error, Err(SignError::TooLarge));
    let claims = json!({ "x": "a".repeat(5000) });
    let token = key(&p256()).sign("txntoken+jwt", &claims);
    assert!(Compact::of(&token.unwrap()).unwrap().parse().is_ok());
}

#[test]
fn whatever_is_no_such_key_is_named() {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa = rsa.as_der().unwrap();
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let p384 = p384.to_pkcs8v1().unwrap();
    let good = block("PRIVATE KEY", &p256());
    for (text, said) in [
        (block("PRIVATE KEY", rsa.as_ref()), "an RSA key"),
        (block("RSA PRIVATE KEY", b"x"), "an RSA key"),
        (
            block("PRIVATE KEY", p384.as_ref()),
            "not on the curve P-256",
        ),
        (
            block("PRIVATE KEY", b"no key"),
            "neither of P-256 nor Ed25519",
        ),
        (block("ENCRYPTED PRIVATE KEY", b"x"), "a passphrase"),
        (block("EC PRIVATE KEY", b"x"), "`EC PRIVATE KEY`"),
        (
            block("EC PARAMETERS", b"x") + &block("EC PRIVATE KEY", b"x"),
            "`EC PRIVATE KEY`",
        ),
        (block("CERTIFICATE", b"x"), "a certificate"),
        (block("PUBLIC KEY", b"x"), "a public key"),
        (block("OPENSSH PRIVATE KEY", b"x"), "OpenSSH"),
        (format!("{good}{good}"), "more than one"),
        (block("CERTIFICATE", b"x") + &good, "more than one"),
        (good.replace("-----END", "-----"), "broken"),
        (good.replace("MI", "?!"), "broken"),
        ("  \n".to_owned(), "empty"),
        ("{\"kty\":\"EC\"}".to_owned(), "not PEM"),
    ] {
        let error = read(&text).err().unwrap();
        assert!(error.contains(said), "{said}: {error}");
    }
}

#[test]
fn a_file_has_to_be_there_and_small() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let load = || SigningKey::load(&file).err().map(|it| it.to_string());
    assert!(load().unwrap().contains("cannot be read"));
    let good = block("PRIVATE KEY", &ed25519());
    std::fs::write(&file, &good).unwrap();
    assert_eq!(load(), None);
    std::fs::write(&file, good + &" ".repeat(16 * 1024)).unwrap();
    assert!(load().unwrap().contains("larger than"));
}
