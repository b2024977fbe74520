//! Key sets: fetched in the background, served from memory; the signatures that are verified with them; and keys of this
//! server's own, to sign with.
//!
//! A [`KeySet`] is a handle on the keys of one source. Its background task fetches them, refreshes them before they
//! expire and gives up on them when they have been stale for too long. Looking a key up is synchronous: it reads the
//! current snapshot and never fetches, whatever the token says.
//!
//! A token goes through [`Compact::of`] and [`Compact::parse`] (structure only; nothing in it is believed) and then through
//! [`ParsedJws::verify`] (key and signature). Claims, times, audiences and types are the caller's part. Keys come from the configured source
//! alone: what a token's header says about keys (`jwk`, `jku`, `x5u`, `x5c`) is never used. The one document that is
//! verified with its own `jwk` is a proof of possession ([`ParsedJws::verify_embedded`]), which proves no more than that its
//! signer has that key. No error and no debug print contains a byte of a token.

mod algorithm;
pub mod base64url;
mod compact;
mod digest;
mod embedded;
mod fetch;
pub mod hmac;
mod json;
mod jwk;
mod jws;
mod random;
mod ready;
mod refresh;
mod set;
mod sign;
mod source;
mod spec;
mod table;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod webhook;

pub use crate::secret;
pub use algorithm::{Algorithm, AlgorithmError};
pub use compact::{Compact, claimed_issuer, claimed_subject};
pub use digest::{digest, digest_bytes, sha256};
pub use embedded::{EmbeddedError, SelfSigned};
pub use json::{JsonError, borrow_object, read_object};
pub use jws::{JwsError, MAX_KID_BYTES, MAX_TOKEN_BYTES, ParsedJws, VerifiedJws};
pub use random::{RandomError, random_bytes};
pub use set::{Generation, KeySet, KeySetStatus, Lookups};
pub use sign::{SignError, SigningKey, SigningKeyError, load_signing_keys};
pub use source::{KeySource, KeySourceError};
pub use spec::KeySourceSpec;
pub use webhook::{SignedMessage, WebhookKey, WebhookKeyError};
