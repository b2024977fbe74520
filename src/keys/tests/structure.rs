//! Tokens with a hostile structure.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{EC, NOW, check, keys, refused, with_header};
use crate::keys::testing::encode;
use crate::keys::{Algorithm, Compact, JwsError, MAX_TOKEN_BYTES};

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
fn the_issuer_can_be_read_before_the_signature_is_checked() {
    let issuer = |claims: Value| {
        let token = EC.token(Algorithm::Es256, &claims);
        let token = Compact::of(&token).unwrap();
        let parsed = token.parse().unwrap();
        parsed.unverified_issuer().map(str::to_owned)
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
    let token = Compact::of(&token).unwrap();
    assert_eq!(format!("{token:?}"), "Compact(…)");
    let parsed = token.parse().unwrap();
    assert_eq!(format!("{parsed:?}"), "ParsedJws { algorithm: Es256, .. }");
    let verified = parsed.verify(&Algorithm::ALL, &keys(&[&EC]), *NOW).unwrap();
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
