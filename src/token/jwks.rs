//! The published keys (RFC 7517, section 5).

use std::sync::Arc;

use serde_json::json;

use crate::keys::SigningKey;

/// The public halves of all keys, as they are published.
pub(super) fn document(keys: &[SigningKey]) -> Arc<str> {
    let keys: Vec<_> = keys.iter().map(SigningKey::public).collect();
    Arc::from(json!({ "keys": keys }).to_string())
}
