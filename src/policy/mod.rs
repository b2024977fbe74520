//! Rules: compiled to an index for each action, evaluated without I/O or clock.
//!
//! A rule is `permit` (who may), `forbid` (who may not) or `guard` (what must hold). Nothing here knows how a request
//! came in or how its answer goes out.

mod action_rules;
mod approval;
mod bound;
mod catalog;
mod compile;
mod constrain;
mod evaluate;
mod index;
mod key;
mod language;
mod lint;
mod matcher;
mod names;
mod planner;
mod reads;
mod requirement;
mod rule;
mod selector;
mod signal;
pub mod spec;
mod token;
mod trace;

pub use approval::{
    Approvers, Asking, Awaited, Bind, Demand, IDEMPOTENCY_KEY, IDEMPOTENCY_VARIABLE, Matter,
    NoVote, Ruling, Standing, Who,
};
pub use compile::{Context, Policy, Source, compile};
pub use evaluate::{Call, Mode};
pub use index::Scan;
pub use key::{Caching, Digest, Epochs, Key, Obstacle, Why};
pub use reads::Reader;
pub use trace::{Considered, Effect, Outcome, Trace};

#[cfg(test)]
mod tests;
