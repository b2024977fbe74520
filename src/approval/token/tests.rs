//! Tokens, good and bad.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ApprovalTokenSpec, ApprovalTokens, Presented, Untaken};
use crate::approval::Sought;
use crate::approval::testing::{at, pending, sought, voter};
use crate::keys::testing::{document, key_set};
use crate::keys::{MAX_TOKEN_BYTES, SigningKey};
use crate::model::approval::{Approval, Status, Vote};
use crate::model::time::Timestamp;

const NOW: i64 = 1_800_000_000;
const OWN: &str = "https://authz.example.com/approvals";
const OTHER: &str = "https://cab.example.com";

/// A folder with two keys that only their owner can read.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, kind) in [
        ("own.pem", &PKCS_ECDSA_P256_SHA256),
        ("other.pem", &PKCS_ED25519),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, KeyPair::generate_for(kind).unwrap().serialize_pem()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

fn spec(text: &Value) -> ApprovalTokenSpec {
    serde_json::from_value(text.clone()).unwrap()
}

fn compiled(text: &Value, folder: &Path) -> ApprovalTokens {
    let (tokens, findings) = ApprovalTokens::compile(spec(text), folder);
    tokens.unwrap_or_else(|| panic!("{findings:?}"))
}

/// This server, which takes the tokens of another as well.
fn own(folder: &Path) -> ApprovalTokens {
    let accept = json!([{ "issuer": OTHER, "audience": OWN, "keys": { "file": "unused.json" } }]);
    let mut own = compiled(
        &json!({ "issuer": OWN, "keys": "own.pem", "accept": accept }),
        folder,
    );
    let key = SigningKey::load(&folder.join("other.pem")).unwrap();
    let keys = key_set(&document(&[key.public().clone()]), Instant::now());
    own.accepted[0].keys = Some(keys);
    own
}

/// The other issuer.
fn other(folder: &Path) -> ApprovalTokens {
    compiled(
        &json!({ "issuer": OTHER, "audience": OWN, "keys": "other.pem" }),
        folder,
    )
}

/// What `carol` has approved, with uses left, for ten minutes from now.
fn approved(number: u32) -> Approval {
    let mut approval = Approval::clone(&pending(number, NOW));
    approval.status = Status::Approved;
    approval.decided = Some(at(NOW));
    approval.valid_until = Some(at(NOW + 600));
    approval.requester.proof = Some(Arc::from("jkt:0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
    approval.votes.push(Vote {
        voter: voter("carol", &["crm-leads"]),
        approve: true,
        at: at(NOW),
        reason: Some(Arc::from("not for tokens")),
    });
    approval
}

/// The call that it is for.
fn call(number: u32) -> Sought {
    let mut sought = sought(number);
    sought.requester = approved(number).requester;
    sought
}

fn sign(tokens: &ApprovalTokens, approval: &Approval) -> String {
    tokens.sign(approval, at(NOW)).unwrap().unwrap()
}

fn present(
    tokens: &ApprovalTokens,
    token: &str,
    sought: &Sought,
    now: Timestamp,
) -> Result<Presented, &'static str> {
    tokens.present(token, sought, now).map_err(|why| match why {
        Untaken::Invalid(cause) | Untaken::Unavailable(cause) => cause,
    })
}

/// A token of the other issuer with other claims.
fn forged(folder: &Path, typ: &str, change: impl FnOnce(&mut Value)) -> String {
    let token = sign(&other(folder), &approved(1));
    let payload = crate::keys::base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
    let mut claims: Value = serde_json::from_slice(&payload).unwrap();
    change(&mut claims);
    let key = SigningKey::load(&folder.join("other.pem")).unwrap();
    key.sign(typ, &claims).unwrap()
}

#[test]
fn a_signed_approval_says_who_approved_what_for_whom_and_no_reason() {
    let folder = folder();
    let own = own(folder.path());
    let token = sign(&own, &approved(1));
    let presented = present(&own, &token, &call(1), at(NOW + 5)).unwrap();
    assert!(presented.own);
    assert_eq!(presented.id, approved(1).id);
    assert_eq!(presented.until, at(NOW + 600));
    let mut vote = approved(1).votes.remove(0);
    vote.reason = None;
    assert_eq!(presented.votes, [vote]);
    let foreign = sign(&other(folder.path()), &approved(1));
    let presented = present(&own, &foreign, &call(1), at(NOW + 5)).unwrap();
    assert!(!presented.own, "of an issuer that is accepted");
}

#[test]
fn only_what_can_be_used_is_signed() {
    let folder = folder();
    let own = own(folder.path());
    assert!(own.sign(&pending(1, NOW), at(NOW)).is_none());
    assert!(own.sign(&approved(1), at(NOW + 601)).is_none());
    let mut used = approved(1);
    used.status = Status::Consumed;
    assert!(own.sign(&used, at(NOW)).is_none());
}

#[test]
fn a_token_is_for_one_call_of_one_caller_with_one_key() {
    let folder = folder();
    let own = own(folder.path());
    let token = sign(&own, &approved(1));
    let refused = |change: &dyn Fn(&mut Sought)| {
        let mut other = call(1);
        change(&mut other);
        present(&own, &token, &other, at(NOW)).unwrap_err()
    };
    let changes: [&dyn Fn(&mut Sought); 8] = [
        &|it| it.matter.key = call(2).matter.key,
        &|it| it.matter.tenant = Some(Arc::from("t2")),
        &|it| it.route = crate::model::name::RouteId::new("other").unwrap(),
        &|it| it.action = crate::model::name::ActionId::new("other").unwrap(),
        &|it| it.requester.subject.id = crate::approval::testing::party("mallory"),
        &|it| it.requester.actor = None,
        &|it| it.requester.proof = None,
        &|it| {
            it.requester.proof = Some(Arc::from("x5t:0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
        },
    ];
    for change in changes {
        let why = refused(change);
        assert!(why.starts_with("it is bound to another"), "{why}");
    }
}

#[test]
fn times_are_strict() {
    let folder = folder();
    let own = own(folder.path());
    let token = sign(&own, &approved(1));
    let when = |seconds| present(&own, &token, &call(1), at(NOW + seconds)).map(|it| it.own);
    assert_eq!(when(-30), Ok(true), "clocks differ a little");
    assert_eq!(when(-31), Err("it is not good yet"));
    assert_eq!(when(599), Ok(true));
    assert_eq!(when(600), Err("it has expired"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one entry a way to forge one")]
fn hostile_tokens_are_refused() {
    let folder = folder();
    let own = own(folder.path());
    let typ = super::TYP;
    let of = |change: &dyn Fn(&mut Value)| forged(folder.path(), typ, |claims| change(claims));
    let good = of(&|_| ());
    assert!(present(&own, &good, &call(1), at(NOW)).is_ok());
    let mut wrong = good.clone();
    wrong.truncate(good.len() - 4);
    wrong.push_str("AAAA");
    let cases = [
        (
            forged(folder.path(), "at+jwt", |_| ()),
            "its type is another",
        ),
        (forged(folder.path(), "JWT", |_| ()), "its type is another"),
        (
            of(&|it| it["iss"] = json!("https://idp.example.com")),
            "its issuer is not accepted",
        ),
        // The other's key does not sign for us.
        (
            of(&|it| it["iss"] = json!(OWN)),
            "its key is not its issuer's",
        ),
        (
            of(&|it| it["aud"] = json!("https://elsewhere.example.com")),
            "it is for somebody else",
        ),
        (of(&|it| it["aud"] = json!([])), "it is for somebody else"),
        (
            of(&|it| it["exp"] = json!(NOW + 90_000)),
            "it is good for too long",
        ),
        (
            of(&|it| it["exp"] = json!("never")),
            "a claim is missing or has another type",
        ),
        (of(&|it| it["nbf"] = json!(NOW + 60)), "it is not good yet"),
        (
            of(&|it| it["jti"] = json!("7")),
            "its `jti` is no id of an approval",
        ),
        (
            of(&|it| it["sub"] = json!("mallory")),
            "it is for another subject",
        ),
        (
            of(&|it| it["authz"]["key"] = json!(null)),
            "it is bound to another call",
        ),
        (
            of(&|it| it["authz"] = json!({})),
            "it is bound to another call",
        ),
        (
            of(&|it| it["cnf"] = json!(null)),
            "it is bound to another key",
        ),
        (
            of(&|it| it["approvers"] = json!(["carol"])),
            "a claim is missing or has another type",
        ),
        (
            of(&|it| it["approvers"][0]["kind"] = json!("god")),
            "an approver is malformed",
        ),
        (
            of(&|it| it["approvers"][0]["at"] = json!(NOW + 3600)),
            "an approver is malformed",
        ),
        (
            of(&|it| it["approvers"][0]["weight"] = json!(2)),
            "a claim is missing or has another type",
        ),
        (wrong, "its signature is wrong"),
        (format!("{good},{good}"), "it is not a JWS in compact form"),
        (String::new(), "it is not a JWS in compact form"),
        (
            "x".repeat(MAX_TOKEN_BYTES + 1),
            "it is not a JWS in compact form",
        ),
    ];
    for (token, expected) in cases {
        let refused = present(&own, &token, &call(1), at(NOW));
        assert_eq!(refused.map(|it| it.own), Err(expected), "{token:.40}");
    }
}

#[test]
fn an_issuer_without_keys_is_a_fault_of_ours() {
    let folder = folder();
    let mut own = own(folder.path());
    own.accepted[0].keys = None;
    let token = sign(&other(folder.path()), &approved(1));
    let refused = own.present(&token, &call(1), at(NOW));
    assert!(matches!(refused, Err(Untaken::Unavailable(_))));
}

#[test]
fn mistakes_in_the_section_are_reported_where_they_are() {
    let folder = folder();
    let codes = |text: Value| {
        let (tokens, findings) = ApprovalTokens::compile(spec(&text), folder.path());
        assert!(tokens.is_none());
        let codes: Vec<String> = findings.iter().map(|it| it.code.to_string()).collect();
        codes.join(" ")
    };
    let key = "own.pem";
    assert_eq!(
        codes(json!({ "issuer": "me", "keys": key })),
        "token-issuer"
    );
    assert_eq!(
        codes(json!({ "issuer": OWN, "keys": "none.pem" })),
        "signing-key"
    );
    let file = json!({ "file": "x.json" });
    let twice = json!([{ "issuer": OWN, "keys": file }]);
    assert_eq!(
        codes(json!({ "issuer": OWN, "keys": key, "accept": twice })),
        "duplicate-issuer"
    );
    let none = json!([{ "issuer": OTHER, "keys": file, "algorithms": [] }]);
    assert_eq!(
        codes(json!({ "issuer": OWN, "keys": key, "accept": none })),
        "no-algorithm"
    );
}
