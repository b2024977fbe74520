//! The Model Context Protocol: which action a message asks for.
//!
//! A message is decided on as the server behind will read it, or not at all. Headers and Envoy's metadata say the same
//! things again; they must agree with the body, and the headers are never believed by themselves.

mod builtin;
mod catalogue;
mod compile;
mod headers;
mod message;
mod metadata;
mod method;
mod parameters;
mod read;
mod rest;
mod revision;
mod uri;

use crate::model::reason::Reason;
use crate::model::verdict::Denial;

pub(super) use catalogue::Catalogue;
pub(super) use compile::{check_keys, compile_messages};
pub(super) use read::{Call, read};

/// The denial of what is no message.
fn wrong(cause: &str) -> Denial {
    Denial::new(Reason::MessageMalformed).because(cause)
}

/// The denial of a message about which `what` says something else.
fn disagrees(what: &str) -> Denial {
    Denial::new(Reason::MessageDisagrees).because(format!("{what} and the message disagree"))
}
