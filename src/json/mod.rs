//! JSON from strangers, read strictly: what two readers could read differently is refused.
//!
//! Whoever receives the same bytes afterwards reads them with a reader of its own. `serde_json` keeps the last of two
//! members with one name, others keep the first; some take a lone surrogate, a byte order mark, a second document. So
//! such a document is refused, at every depth and however its names are spelt. [`read`] does so while it reads, once,
//! and within [`Limits`]; strings without escapes stay borrowed from the bytes.
//!
//! What was read is a [`Json`]. It has a canonical form and a digest ([RFC 8785](https://www.rfc-editor.org/rfc/rfc8785)).
//! Neither an error nor a debug print contains anything of the document.

mod canonical;
mod error;
mod fold;
mod limits;
mod object;
mod pointer;
mod read;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

mod value;

pub use canonical::CanonicalError;
pub use error::JsonError;
pub use fold::folds_to;
pub use limits::Limits;
pub use object::Object;
pub use read::read;
pub use value::{Json, MAX_SAFE_INTEGER, Number, PROTOTYPE};
