//! Where conditions read from.

use super::value::Value;

/// Something whose attributes an expression can read: a request's facts, a token's claims, a call's parameters.
pub trait Attributes: Send + Sync {
    /// The value at `path` (root first), or `None` if it is absent. Called only for paths that the schema has.
    fn get(&self, path: &[Box<str>]) -> Option<Value>;
}
