//! What the user wrote: read, checked, assembled and watched.
//!
//! [`load`] reads the server's configuration and everything that it names, reports every problem at once with file,
//! line and column, and gives a [`Bundle`] that the wiring can run. Nothing here runs anything.

mod approvals;
mod assemble;
mod bundle;
mod call;
mod case;
mod countersign;
mod documents;
mod events;
mod expectation;
mod files;
mod fixed;
mod gateways;
mod lifecycle;
mod located;
mod place;
mod policy;
pub mod problem;
mod proofs;
mod server;
mod signals;
mod tokens;
mod watch;
mod written;
pub mod yaml;

pub use assemble::{load, load_with_certificates};
pub use bundle::{Bundle, Failure};
pub use case::{
    ApprovedSpec, CallSpec, CaseSpec, ExpectSpec, ExpectTokenSpec, GivenSpec, PartySpec,
    PlacedCase, VoterSpec,
};
pub use located::{Line, Located};
pub use server::{Overrides, ServerSpec};
pub use watch::Stamp;

#[cfg(test)]
mod tests;
