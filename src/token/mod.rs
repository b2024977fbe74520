//! Transaction tokens (draft-ietf-oauth-transaction-tokens): what an allowed request carries inward in place of the
//! caller's credential, where a rule says so. A token names who asks, for whom, what is done and to what, and is good for
//! one audience and a few seconds.
//!
//! Minting reads no file, takes no lock and asks nobody: the keys are part of the snapshot. A minted token is never good for
//! more than the credential that it replaces, because the policy only demands what that credential has; nothing here widens
//! a demand. No byte of a token is in a log, a record or an error.

mod claims;
mod jwks;
mod minter;
mod spec;
#[cfg(test)]
mod tests;

pub use claims::Call;
pub use minter::{MintError, Minter};
pub use spec::TokenSpec;
