//! Hostile credentials and hostile requests, through the real gRPC port: nothing but what is listed as good is ever
//! allowed, every refusal says why with its own code, and no answer, log line or record holds a byte of a token.
//!
//! Each table has one row a defect. The tokens are minted by a Python library that shares no code with ours, all of
//! them in one run: see [`mint`].

#![expect(
    clippy::too_many_lines,
    reason = "a table has as many rows as there are defects"
)]

mod audience;
mod authorization;
mod claims;
mod dates;
mod delegation;
mod draft;
mod kinds;
mod mint;
mod noise;
mod routes;
mod shape;
mod signature;

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::harness::{Answer, Ask, SOON, Server, Setup, eventually};
pub(crate) use draft::Draft;
pub(crate) use mint::Keys;
use mint::{LURE, MINTED};

/// Every table of tokens.
const TABLES: &[fn(i64) -> Vec<Row>] = &[
    signature::rows,
    dates::rows,
    audience::rows,
    kinds::rows,
    kinds::legacy_rows,
    shape::rows,
    delegation::rows,
    claims::rows,
];

/// One token, and how the request that carries it must end.
struct Row {
    /// What is wrong with the token; unique.
    name: &'static str,
    draft: Draft,
    twist: Twist,
    expect: &'static str,
}

/// What is done to a token after it was signed.
enum Twist {
    None,
    Text(fn(&str) -> String),
    /// Takes the signature of the row with this name.
    SignatureOf(&'static str),
}

impl Row {
    fn twisted(mut self, twist: fn(&str) -> String) -> Self {
        self.twist = Twist::Text(twist);
        self
    }

    fn with_signature_of(mut self, other: &'static str) -> Self {
        self.twist = Twist::SignatureOf(other);
        self
    }

    fn token(&self) -> String {
        let token = MINTED.token(self.name);
        match self.twist {
            Twist::None => token.to_owned(),
            Twist::Text(twist) => twist(token),
            Twist::SignatureOf(other) => {
                let (message, _) = token.rsplit_once('.').unwrap();
                let (_, signature) = MINTED.token(other).rsplit_once('.').unwrap();
                format!("{message}.{signature}")
            }
        }
    }
}

/// A row whose request must be allowed.
fn good(name: &'static str, draft: Draft) -> Row {
    bad(name, "allow", draft)
}

/// A row whose request must end as `expect` says, for example `deny 401 token_expired`.
fn bad(name: &'static str, expect: &'static str, draft: Draft) -> Row {
    Row {
        name,
        draft,
        twist: Twist::None,
        expect,
    }
}

/// The sample configuration with the minted keys, a registry of all conditions of life, and every word logged.
fn setup() -> Setup {
    let setup = Setup::new();
    setup.replace("corp.jwks.json", &MINTED.corp_keys());
    setup.replace("ci.jwks.json", &MINTED.ci_keys());
    setup.edit("countersign.yaml", "level: info", "level: debug");
    setup.edit(
        "countersign.yaml",
        "file: ci.jwks.json\n      algorithms: [ES256, RS256]",
        "file: ci.jwks.json\n      algorithms: [RS256, PS256]",
    );
    let identities = setup.read("identities.yaml");
    setup.write("identities.yaml", &format!("{identities}{REGISTERED}"));
    setup
}

const REGISTERED: &str = "
  - { issuer: corp, id: paused, kind: agent, owner: alice@example.com, groups: [crm-agents], status: suspended }
  - { issuer: corp, id: gone, kind: agent, owner: alice@example.com, groups: [crm-agents], status: offboarded }
  - { issuer: corp, id: lapsed, kind: agent, owner: alice@example.com, groups: [crm-agents], expires: 2020-01-01 }
  - { issuer: corp, id: idle, kind: agent, owner: alice@example.com }
  - { issuer: corp, id: night-shift, kind: service, owner: alice@example.com, groups: [crm] }
";

/// Sends every token of a table and compares.
async fn hold(rows: fn(i64) -> Vec<Row>, setup: Setup) {
    let server = setup.start();
    let client = server.client().await;
    let (mut wrong, mut tokens) = (Vec::new(), Vec::new());
    for row in rows(MINTED.now) {
        let token = row.token();
        let answer = client.check(&row.draft.place.ask().bearer(&token)).await;
        let outcome = answer.outcome();
        if outcome != row.expect {
            let cause = server.records().pop().unwrap_or_default();
            wrong.push(format!(
                "{}: {outcome}, expected {}\n{cause}",
                row.name, row.expect
            ));
        }
        if leaks(&format!("{answer:?}"), [&token]) {
            wrong.push(format!("{}: the answer has a part of the token", row.name));
        }
        tokens.push(token);
    }
    if leaks(&everything_said(&server, tokens.len()), &tokens) {
        wrong.push("the log or the records have a part of a token".to_owned());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(LURE.fetches(), 0, "a token made the server fetch something");
}

/// Logs, standard output and the records of `decisions` decisions.
fn everything_said(server: &Server, decisions: usize) -> String {
    let records = eventually(SOON, "a record of every decision", || {
        Some(server.records()).filter(|records| records.len() >= decisions)
    });
    let records: Vec<String> = records.iter().map(Value::to_string).collect();
    [server.log(), server.output(), records.join("\n")].concat()
}

/// Whether a piece of a token, longer than chance, is in `text`.
fn leaks<'a>(text: &str, tokens: impl IntoIterator<Item = &'a String>) -> bool {
    const PIECE: usize = 12;
    let pieces: HashSet<&[u8]> = text.as_bytes().windows(PIECE).collect();
    let mut tokens = tokens.into_iter();
    tokens.any(|token| {
        token
            .as_bytes()
            .windows(PIECE)
            .any(|piece| pieces.contains(piece))
    })
}

/// What an allowed request to the payments must look like to the upstream.
fn is_forwarded_for(answer: &Answer, user: &str) -> bool {
    answer.allows() && answer.sets("x-user").as_deref() == Some(user)
}

/// A request to the payments with the token of a good row.
fn payments() -> Ask {
    Ask::payments("/v1/payments").bearer(MINTED.token("es256"))
}

#[test]
fn the_search_for_leaks_finds_a_piece() {
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl".to_owned();
    assert!(leaks("cause: bad `eyJzdWIiOiJhb`", [&token]));
    assert!(!leaks("cause: bad token", [&token]));
    assert_eq!(json!(TABLES.len()), json!(8));
}
