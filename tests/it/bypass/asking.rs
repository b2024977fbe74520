//! What a caller sends, and how that ends.

use std::time::Duration;

use countersign::model::approval::{Approval, ApprovalId};
use countersign::store::{Store, StoreSettings};
use serde_json::{Value, json};

use super::fixture::lay_over;
use super::question::Ask as Wanted;
use super::world::{OPAQUE, World};
use crate::harness::{Answer, Ask};

/// What tokens of callers are for.
const AUDIENCES: [&str; 3] = [
    "https://vault.example.com",
    "https://annex.example.com",
    "https://tools.example.com/mcp",
];
/// After this a question has left.
const ON_THE_WAY: Duration = Duration::from_millis(200);

impl World {
    /// Asks one replica, and remembers what is waited for.
    pub(super) async fn ask(&mut self, replica: usize, wanted: &Wanted) -> String {
        let ask = self.request(wanted).await;
        let answer = self.clients[replica].check(&ask).await;
        let outcome = outcome(&answer);
        if outcome == "pending" {
            self.waited_for.push(answer.told("approval"));
        }
        outcome
    }

    /// Asks, and is on the way when this returns.
    pub(super) async fn begin(&mut self, replica: usize, wanted: &Wanted) {
        let (client, ask) = (self.clients[replica].clone(), self.request(wanted).await);
        let asked = tokio::spawn(async move { outcome(&client.check(&ask).await) });
        tokio::time::sleep(ON_THE_WAY).await;
        self.begun = Some(asked);
    }

    /// The approval that was waited for last.
    pub(super) fn waited_for(&self) -> &str {
        self.waited_for.last().expect("something is waited for")
    }

    /// The request with its credential, as Envoy would ask about it.
    pub(super) async fn request(&self, wanted: &Wanted) -> Ask {
        let signer = wanted.signed_by.as_deref().unwrap_or("first");
        let signer = self.corp.keys.iter().find(|key| key.kid == signer);
        let mut token = self.corp.token(&wanted.who).key(signer.unwrap());
        token = token.claim("aud", json!(AUDIENCES));
        if let Some(actor) = &wanted.actor {
            token = token.actor(actor);
        }
        if let Some(key) = &wanted.key {
            token = token.claim("cnf", self.keyring.bound_to(key));
        }
        for (name, value) in &wanted.claims {
            token = token.claim(name, value.clone());
        }
        let token = if wanted.opaque {
            OPAQUE.to_owned()
        } else {
            token.sign()
        };
        let mut ask = content(wanted).bearer(&token);
        if let Some(key) = &wanted.key {
            ask = self.keyring.shown(ask, key);
        }
        if let Some(presents) = &wanted.presents {
            let record = self.record().await;
            let approval = self.keyring.approval(&record, &self.corp, presents);
            ask = ask.header("authz-approval-token", approval);
        }
        let waited_for = self.waited_for.last().map_or("", String::as_str);
        let headers = wanted.headers.iter();
        headers.fold(ask, |ask, (name, value)| {
            ask.header(name, value.replace("$approval", waited_for))
        })
    }

    /// What the store has of what was waited for last.
    async fn record(&self) -> Approval {
        let store = Store::open(&StoreSettings::in_file(self.state_file())).unwrap();
        let id = ApprovalId::parse(self.waited_for()).unwrap();
        let record = store.approval(&id).await.unwrap();
        Approval::clone(&record.expect("a record"))
    }
}

/// In the words of fixtures.
pub(super) fn outcome(answer: &Answer) -> String {
    let outcome = answer.outcome();
    match outcome.as_str() {
        "pending 403 approval_required" | "pending 200 approval_required" => "pending".to_owned(),
        _ => outcome,
    }
}

/// The request without its credential.
fn content(wanted: &Wanted) -> Ask {
    let Some(tool) = &wanted.tool else {
        let body = wanted.body.clone();
        let body = body.unwrap_or_else(|| wanted.args.to_string());
        let ask = Ask::new(&wanted.method, &wanted.host, &wanted.path);
        if wanted.method == "GET" {
            return ask;
        }
        return ask.header("content-type", "application/json").body(body);
    };
    let mut params = json!({ "name": tool, "arguments": wanted.args, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "form": {}, "url": {} } },
    } });
    lay_over(&mut params, wanted.params.clone());
    let body: Value =
        json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
    Ask::new("POST", "tools.example.com", "/mcp")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", tool)
        .body(body.to_string())
}
