//! The parts of a record that say what was asked for beyond its route: the message, its arguments, its risk.

use super::line::{Line, key};
use super::parts::names;
use super::text::CUT;
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

/// The message, where there is one, its arguments and its risk.
pub(super) fn asked(
    line: &mut Line<'_>,
    rpc: Option<&RpcFacts>,
    facts: Option<&ArgumentFacts>,
    score: Option<&Risk>,
) {
    if let Some(rpc) = rpc {
        message(line, rpc);
    }
    if let Some(facts) = facts {
        arguments(line, facts);
    }
    if let Some(score) = score {
        risk(line, score);
    }
}

/// What a message says that it asks for, whether or not there is such a thing. Nothing for the answer to a server's
/// request, which names nothing.
fn message(line: &mut Line<'_>, rpc: &RpcFacts) {
    let RpcFacts {
        kind: _,
        revision: _,
        elicits_url: _,
        method,
        name,
    } = rpc;
    let method = method.as_deref();
    let name = name.as_deref().map(|name| public(method, name));
    line.object(key!("message"), |line| {
        line.text_if(key!("method"), method, METHOD);
        line.text_if(key!("name"), name, NAME);
    });
}

/// A name as it is recorded: where it is no tool or prompt it may be a URI, whose query is no more recorded than a request's.
fn public<'a>(method: Option<&str>, name: &'a str) -> &'a str {
    if matches!(method, Some("tools/call" | "prompts/get")) {
        return name;
    }
    let end = name.find(['?', '#']);
    end.and_then(|end| name.get(..end)).unwrap_or(name)
}

/// The names of the declared arguments that came, and the SHA-256 of all arguments in base64url; no value of one is ever
/// in a record.
fn arguments(line: &mut Line<'_>, facts: &ArgumentFacts) {
    let ArgumentFacts {
        names: present,
        digest,
    } = facts;
    names(
        line,
        key!("args"),
        present.iter().map(AsRef::as_ref),
        ARGUMENT,
    );
    if let Some(digest) = digest {
        line.word(key!("args_digest"), &base64url::encode(digest));
    }
}

/// The score of a request, and the signals that added something to it: the first few, and a mark if there are more.
fn risk(line: &mut Line<'_>, risk: &Risk) {
    line.object(key!("risk"), |line| {
        line.number(key!("score"), risk.score().into());
        let adding = risk.signals.iter().filter(|signal| signal.added() > 0);
        line.whole_list(key!("signals"), |line| {
            for (at, signal) in adding.take(MAX_SIGNALS + 1).enumerate() {
                line.object_item(|line| match at {
                    MAX_SIGNALS => line.text(key!("id"), CUT, MAX_NAME),
                    _ => weighed(line, signal),
                });
            }
        });
    });
}

fn weighed(line: &mut Line<'_>, signal: &Weighed) {
    line.text(key!("id"), signal.id.as_str(), MAX_NAME);
    line.number(key!("add"), signal.added().into());
    if matches!(signal.said, Said::Failed(_)) {
        line.truth(key!("failed"));
    }
}
