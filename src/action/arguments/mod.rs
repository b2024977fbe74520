//! Declared arguments: members of a JSON document, at places that are known when the policy is loaded.
//!
//! Whatever stands at a declared place has the declared type, or the request is refused; so is what stands elsewhere, unless
//! the action lets it pass. No cause holds a value, or the name of what is not declared.

mod compile;
mod places;
mod pointer;
mod typed;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::route::Action;
use crate::model::value::Value;

pub(super) use compile::{Declarations, compile_arguments};
pub(super) use places::Places;

/// What a request brings for its action.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// Declared arguments, typed; optional ones that were left out are absent.
    pub(super) args: BTreeMap<Arc<str>, Value>,
    /// SHA-256 of the canonical form (RFC 8785) of all of them, declared or not; none if there is none, or no arguments.
    pub(super) digest: Option<[u8; 32]>,
    /// That canonical form.
    pub(super) canonical: Option<String>,
    /// Whether there are arguments, and no digest of them.
    pub(super) without_digest: bool,
}

/// Whether a message for `action` cannot be decided on without its arguments: they are typed, or others are refused.
pub(super) fn needs_body(action: &Action) -> bool {
    !action.args.is_empty() || !action.extra
}
