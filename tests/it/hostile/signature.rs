//! Who signed, with what: confusion of algorithms, keys that are not the issuer's, signatures of something else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::draft::Place::{Health, Payments};
use super::draft::{CI, Draft};
use super::{LURE, Row, bad, good, hold, setup};

pub(super) fn rows(now: i64) -> Vec<Row> {
    let new = || Draft::new(Payments, now);
    let algorithm = |name, draft| bad(name, "deny 401 token_algorithm", draft);
    let key = |name, draft| bad(name, "deny 401 token_key_unknown", draft);
    let signature = |name, draft| bad(name, "deny 401 token_signature", draft);
    let malformed = |name, draft| bad(name, "deny 401 token_malformed", draft);
    let critical = |name, draft| bad(name, "deny 401 token_critical", draft);
    let alg = |value: Value| new().header("alg", value);
    let kid = |value: Value| new().header("kid", value);
    let forged = || new().secretly("ES256", "attacker");
    let lure = || json!(LURE.url());
    vec![
        good("es256", new()),
        good("es256 with the other key", new().signed("ES256", "ec2")),
        good("rs256", new().signed("RS256", "rsa")),
        good(
            "no kid and one key that fits",
            new().signed("RS256", "rsa").no_header("kid"),
        ),
        good(
            "rs256 of ci",
            Draft::ci(Health, now).claim("environment", json!("staging")),
        ),
        // The algorithm is the attacker's choice.
        algorithm("alg none", alg(json!("none")).secretly("none", "ec")),
        algorithm("alg None", alg(json!("None")).secretly("none", "ec")),
        algorithm("alg none above a good signature", alg(json!("none"))),
        algorithm(
            "hs256 with the public key as pem",
            alg(json!("HS256"))
                .form("hmac-pem")
                .header("kid", json!("rsa"))
                .secretly("", "rsa"),
        ),
        algorithm(
            "hs256 with the public key as der",
            alg(json!("HS256"))
                .form("hmac-der")
                .header("kid", json!("rsa"))
                .secretly("", "rsa"),
        ),
        algorithm(
            "hs256 with the public key as jwk",
            alg(json!("HS256")).form("hmac-jwk"),
        ),
        signature(
            "an hmac above an rs256 header",
            alg(json!("RS256"))
                .header("kid", json!("rsa"))
                .form("hmac-pem")
                .secretly("", "rsa"),
        ),
        algorithm(
            "rs256 with the kid of an ec key",
            alg(json!("RS256")).secretly("RS256", "rsa"),
        ),
        algorithm("es256 with the kid of an rsa key", kid(json!("rsa"))),
        algorithm(
            "es256 with a key of another curve",
            kid(json!("p384")).secretly("ES384", "p384"),
        ),
        algorithm("ps256 where rs256 is allowed", new().signed("PS256", "rsa")),
        signature(
            "a pss signature above an rs256 header",
            new().signed("RS256", "rsa").secretly("PS256", "rsa"),
        ),
        algorithm(
            "ps256 with a key that is for rs256",
            Draft::ci(Health, now).signed("PS256", "ci"),
        ),
        algorithm("rs512 where rs256 is allowed", new().signed("RS512", "rsa")),
        algorithm(
            "es384 where es256 is allowed",
            new().signed("ES384", "p384"),
        ),
        algorithm("eddsa where it is not allowed", new().signed("EdDSA", "ed")),
        algorithm("an algorithm that nobody knows", alg(json!("ES256 "))),
        algorithm("an algorithm in lower case", alg(json!("es256"))),
        malformed("no algorithm", new().no_header("alg")),
        malformed("an algorithm that is a list", alg(json!(["ES256"]))),
        // The key is the attacker's choice.
        key("unknown kid", kid(json!("nobody"))),
        key("empty kid", kid(json!(""))),
        key("kid that is a path", kid(json!("../../../../dev/null"))),
        key("kid that is a query", kid(json!("' OR 1=1 --"))),
        key("no kid and several keys that fit", new().no_header("kid")),
        key("kid of another issuer's key", new().signed("RS256", "ci")),
        key(
            "another issuer's token with our key",
            new()
                .claim("iss", json!(CI))
                .claim("aud", json!("https://api.example.com"))
                .at(Health)
                .signed("RS256", "rsa"),
        ),
        malformed("kid that is a number", kid(json!(7))),
        malformed("kid that is null", kid(json!(null))),
        malformed("kid that is too long", kid(json!("k".repeat(257)))),
        key("an rsa key of 1024 bits", new().signed("RS256", "small")),
        key(
            "a key that is published with its private half",
            new().signed("ES256", "leaked"),
        ),
        key(
            "a key that is for encryption",
            new().signed("ES256", "sealed"),
        ),
        signature("another key under our kid", forged()),
        signature(
            "the key in the header as jwk",
            forged().header("jwk", json!("@jwk:attacker")),
        ),
        signature(
            "the key in the header as x5c",
            forged().header("x5c", json!(["@x5c:attacker"])),
        ),
        signature("the key behind jku", forged().header("jku", lure())),
        signature("the key behind x5u", forged().header("x5u", lure())),
        key(
            "jku and a kid of its own",
            forged()
                .header("jku", lure())
                .header("kid", json!("attacker")),
        ),
        key(
            "jwk and no kid",
            forged()
                .header("jwk", json!("@jwk:attacker"))
                .no_header("kid"),
        ),
        // The signature is not one of this token.
        signature(
            "signature of another token",
            new().claim("sub", json!("mallory")),
        )
        .with_signature_of("es256"),
        signature("a changed payload", new()).twisted(promote),
        malformed("no signature", new())
            .twisted(|token| token.rsplit_once('.').unwrap().0.to_owned() + "."),
        signature("signature of zeros", new()).twisted(|token| sign(token, &"A".repeat(86))),
        signature("signature that is cut", new())
            .twisted(|token| token[..token.len() - 2].to_owned()),
        signature("signature that is doubled", new())
            .twisted(|token| format!("{token}{}", "A".repeat(86))),
        malformed("signature with padding", new()).twisted(|token| format!("{token}==")),
        malformed("signature with other spare bits", new()).twisted(spare_bits),
        // Extensions.
        critical(
            "crit that nobody knows",
            new().header("crit", json!(["exp"])).header("exp", json!(1)),
        ),
        critical("crit that is empty", new().header("crit", json!([]))),
        critical("crit that is null", new().header("crit", json!(null))),
        critical(
            "payload that is not encoded",
            new()
                .header("b64", json!(false))
                .header("crit", json!(["b64"])),
        ),
        critical("b64 without crit", new().header("b64", json!(false))),
        critical("b64 that changes nothing", new().header("b64", json!(true))),
    ]
}

/// Puts somebody else into the payload.
fn promote(token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let changed = URL_SAFE_NO_PAD.encode(payload.replace("alice", "mallory"));
    format!("{}.{changed}.{}", parts[0], parts[2])
}

fn sign(token: &str, signature: &str) -> String {
    format!("{}.{signature}", token.rsplit_once('.').unwrap().0)
}

/// The last of 86 characters has four bits that mean nothing; a lenient reader takes either spelling.
fn spare_bits(token: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let at = ALPHABET.find(last).unwrap();
    format!("{rest}{}", &ALPHABET[at + 1..at + 2])
}

#[tokio::test]
async fn only_the_issuers_own_key_and_algorithm_sign() {
    hold(rows, setup()).await;
}
