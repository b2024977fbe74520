//! Signed approvals, good and bad, and the certificates that callers show.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign::approval::token::{ApprovalTokenSpec, ApprovalTokens};
use countersign::model::approval::{Approval, Status, Vote};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};

use super::fixture::lay_over;
use super::question::Presents;
use crate::approvals::stage::{clock, voter};
use crate::harness::{Ask, Authority, Issuer, Key, Setup, now};

const OWN: &str = "https://authz.example.com/approvals";
const BOARD: &str = "https://board.example.com";

/// Who signs approvals: this server, a board that is accepted, and somebody who says to be the board.
pub(super) struct Keyring {
    own_key: String,
    own: ApprovalTokens,
    board: Issuer,
    stranger: Issuer,
    certificates: BTreeMap<&'static str, String>,
}

impl Keyring {
    pub(super) fn new(folder: &Path) -> Self {
        let own_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let own_key = own_key.serialize_pem();
        let file = folder.join("approvals.pem");
        fs::write(&file, &own_key).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let spec = json!({ "issuer": OWN, "keys": "approvals.pem" });
        let spec: ApprovalTokenSpec = serde_json::from_value(spec).unwrap();
        let (own, findings) = ApprovalTokens::compile(spec, folder);
        let authority = Authority::new("Somebody");
        let certificate = |name: &str| authority.client(&[], &[name]).certificate;
        let mut stranger = Issuer::new(BOARD);
        stranger.keys = vec![Key::es256("first")];
        Self {
            own_key,
            own: own.unwrap_or_else(|| panic!("{findings:?}")),
            board: Issuer::new(BOARD),
            stranger,
            certificates: ["phone", "laptop"]
                .map(|name| (name, certificate(&format!("{name}.example.com"))))
                .into(),
        }
    }

    /// The section of the configuration.
    #[expect(clippy::unused_self, reason = "it is about this one's files")]
    pub(super) fn settings(&self) -> Value {
        let accept = json!([{ "issuer": BOARD, "keys": { "file": "board.jwks.json" } }]);
        json!({ "issuer": OWN, "keys": "approvals.pem", "accept": accept })
    }

    /// The files that the section names.
    pub(super) fn write(&self, setup: &Setup) {
        setup.write("approvals.pem", &self.own_key);
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(setup.path("approvals.pem"), mode).unwrap();
        setup.write("board.jwks.json", &self.board.jwks());
    }

    /// A signed approval for the call of this record, as if `kim` had just approved it.
    pub(super) fn approval(&self, record: &Approval, corp: &Issuer, wanted: &Presents) -> String {
        let mut approved = record.clone();
        if approved.status == Status::Pending {
            approved.status = Status::Approved;
            approved.votes = vec![Vote {
                voter: voter("kim"),
                approve: true,
                at: clock(),
                reason: None,
            }];
        }
        // The record may say otherwise by now: what is signed was so once.
        approved.status = Status::Approved;
        approved.valid_until = Some(clock().plus(std::time::Duration::from_mins(5)));
        let own = self.own.sign(&approved, clock()).unwrap().unwrap();
        let issuer = match wanted.by.as_str() {
            "own" => return own,
            "board" => &self.board,
            "stranger" => &self.stranger,
            "corp" => corp,
            other => panic!("nobody is called `{other}`"),
        };
        let payload = own.split('.').nth(1).unwrap();
        let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
        let mut claims: Value = serde_json::from_slice(&payload).unwrap();
        let from = now() + wanted.begins_in;
        let times =
            json!({ "iss": BOARD, "iat": from, "nbf": from, "exp": now() + wanted.ends_in });
        lay_over(&mut claims, times);
        if !wanted.claims.is_null() {
            lay_over(&mut claims, wanted.claims.clone());
        }
        let token = issuer.token("").header("typ", json!(wanted.typ));
        let token = token.claim("client_id", Value::Null);
        let claims = claims.as_object().unwrap().clone().into_iter();
        claims
            .fold(token, |token, (name, value)| token.claim(&name, value))
            .sign()
    }

    /// What a token says that is bound to this certificate.
    pub(super) fn bound_to(&self, name: &str) -> Value {
        let body = self.certificates[name].lines();
        let body: String = body.filter(|line| !line.starts_with('-')).collect();
        let print = digest(&SHA256, &STANDARD.decode(body).unwrap());
        json!({ "x5t#S256": URL_SAFE_NO_PAD.encode(print) })
    }

    /// The request over a connection with this certificate.
    pub(super) fn shown(&self, ask: Ask, name: &str) -> Ask {
        let encoded = |byte: u8| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        let pem: String = self.certificates[name].bytes().map(encoded).collect();
        ask.principal(&format!("{name}.example.com"))
            .certificate(&pem)
    }
}
