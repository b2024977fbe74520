//! The parts of a record that say what was asked for beyond its route: the message, its arguments, its risk.

use serde::{Serialize, Serializer};

use super::parts::names;
use super::text::{CUT, Text};
use crate::keys::base64url;
use crate::model::decision::ArgumentFacts;
use crate::model::name::MAX_NAME;
use crate::model::risk::{Risk, Said, Weighed};
use crate::model::rpc::RpcFacts;

/// Longest name of an argument.
const ARGUMENT: usize = 48;
/// Longest method of a message; it may be one that nobody knows.
const METHOD: usize = 64;
/// Longest tool or prompt, which may be one that nobody has.
const NAME: usize = 160;
/// Most signals that are named.
const MAX_SIGNALS: usize = 8;

/// What a message says that it asks for, whether or not there is such a thing.
#[derive(Serialize)]
pub(super) struct MessageLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text<'a>>,
}

impl<'a> MessageLine<'a> {
    /// None for the answer to a server's request, which names nothing.
    pub(super) fn of(rpc: &'a RpcFacts) -> Option<Self> {
        let RpcFacts {
            kind: _,
            revision: _,
            elicits_url: _,
            method,
            name,
        } = rpc;
        (method.is_some() || name.is_some()).then(|| Self {
            method: method.as_deref().map(|method| Text::new(method, METHOD)),
            name: name
                .as_deref()
                .map(|name| Text::new(public(method.as_deref(), name), NAME)),
        })
    }
}

/// A name as it is recorded: where it is no tool or prompt it may be a URI, whose query is no more recorded than a request's.
fn public<'a>(method: Option<&str>, name: &'a str) -> &'a str {
    if matches!(method, Some("tools/call" | "prompts/get")) {
        return name;
    }
    let end = name.find(['?', '#']);
    end.and_then(|end| name.get(..end)).unwrap_or(name)
}

/// The names of the declared arguments that came; no value of one is ever in a record.
pub(super) fn arguments(facts: Option<&ArgumentFacts>) -> Vec<Text<'_>> {
    let present = facts.into_iter().flat_map(|facts| &facts.names);
    names(present.map(AsRef::as_ref), ARGUMENT)
}

/// SHA-256 of all arguments, in base64url.
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(facts: Option<&ArgumentFacts>) -> Option<Self> {
        facts?.digest.map(Self)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url::encode(&self.0))
    }
}

/// The score of a request, and the signals that it is made of.
#[derive(Serialize)]
pub(super) struct RiskLine<'a> {
    score: u8,
    signals: Vec<SignalLine<'a>>,
}

#[derive(Serialize)]
struct SignalLine<'a> {
    id: Text<'a>,
    /// Without it: the mark for those that are not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    add: Option<u8>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    failed: bool,
}

impl<'a> RiskLine<'a> {
    /// The signals that added something; the first few, and a mark if there are more.
    pub(super) fn of(risk: &'a Risk) -> Self {
        let adding = risk.signals.iter().filter(|signal| signal.added() > 0);
        let named = adding.take(MAX_SIGNALS + 1).enumerate();
        let signals = named.map(|(at, signal)| {
            if at < MAX_SIGNALS {
                SignalLine::of(signal)
            } else {
                SignalLine {
                    id: Text::new(CUT, MAX_NAME),
                    add: None,
                    failed: false,
                }
            }
        });
        Self {
            score: risk.score(),
            signals: signals.collect(),
        }
    }
}

impl<'a> SignalLine<'a> {
    fn of(signal: &'a Weighed) -> Self {
        Self {
            id: Text::new(signal.id.as_str(), MAX_NAME),
            add: Some(signal.added()),
            failed: matches!(signal.said, Said::Failed(_)),
        }
    }
}
