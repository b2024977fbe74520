//! API keys: secrets that countersign issues itself, to services and agents that cannot get tokens.
//!
//! A key is `prefix_id_secret`. It is found by its id in a table in memory, and proven by a keyed digest under the
//! provider's pepper, compared in constant time whether the id is known or not. What is stored can neither be used as
//! a key nor be guessed from without the pepper. The table follows the store: a key that was issued or revoked, by
//! whatever process on the same file, counts within a second, and a table that could not be confirmed for too long
//! decides nothing any more.

mod issue;
mod network;
mod provider;
mod refresh;
mod spec;
mod table;
mod text;
mod verify;

#[cfg(test)]
mod tests;

pub use issue::{Issued, NewKey, NewKeyError};
pub use network::{Network, NetworkError};
pub use provider::ApiKeyProvider;
pub use refresh::ApiKeyTask;
pub use spec::ApiKeySpec;
pub use table::ApiKeys;
pub(super) use verify::verify;
