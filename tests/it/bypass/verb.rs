//! What can happen in a fixture.

use serde::Deserialize;
use serde_json::Value;

use super::event::{Condition, Disk, Endpoint, KeyEvent, Replace, StoreEvent};
use super::question::{Ask, Crowd};

/// One thing that happens.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Verb {
    /// A caller asks through the gRPC port.
    Ask(Box<Ask>),
    /// A caller asks, and other things happen before the answer, which is looked at in the end.
    Begin(Box<Ask>),
    Ends(Nothing),
    /// Many do at once.
    Crowd(Box<Crowd>),
    /// Somebody votes on what was waited for last.
    Approve(Vote),
    Deny(Vote),
    /// Somebody takes an approval back.
    TakeBack(Vote),
    /// Somebody follows a link, or sends a form, with the session of the page.
    Page(PageVisit),
    /// An operator revokes, lifts or off-boards: the body of the request; `$approval` is what was waited for last.
    Revoke(Value),
    Lift(Value),
    Offboard(Value),
    /// An operator says what is true.
    Condition(Condition),
    /// A text of the policy is replaced by another, and every replica has read it.
    Policy(Replace),
    /// Time passes.
    Wait(String),
    /// What happens to the store.
    Store(StoreEvent),
    /// What happens to the endpoint of the keys.
    Keys(KeyEvent),
    /// What the endpoint does that says what opaque tokens are worth.
    Introspection(Endpoint),
    /// The disk on which the program writes.
    Disk(Disk),
    /// The process is killed and another one started.
    Restart(Nothing),
}

/// Nothing more is to be said.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Somebody who decides, with a token for approvers.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vote {
    pub(super) by: String,
    /// `corp`, or `sister` where people have accounts as well.
    #[serde(default = "corp")]
    pub(super) account: String,
    #[serde(default = "keepers")]
    pub(super) groups: Vec<String>,
    /// Who acts for the voter.
    pub(super) actor: Option<String>,
    #[serde(default = "post")]
    pub(super) method: String,
}

fn post() -> String {
    "POST".to_owned()
}

fn corp() -> String {
    "corp".to_owned()
}

fn keepers() -> Vec<String> {
    vec!["keepers".to_owned()]
}

/// A request of a browser to the page of what was waited for last.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageVisit {
    /// Whose session it has; nobody's if none.
    pub(super) by: Option<String>,
    pub(super) method: String,
    /// `approve`, `deny`, `revoke`, or nothing for the page itself.
    #[serde(default)]
    pub(super) verb: String,
    /// Whose mark the form has: that of a session (`kim`), any text, or none.
    pub(super) mark_of: Option<String>,
    pub(super) mark: Option<String>,
    /// Where the form comes from; the page itself unless said.
    pub(super) origin: Option<String>,
    /// A JSON client that has no token but the cookie.
    #[serde(default)]
    pub(super) json: bool,
}
