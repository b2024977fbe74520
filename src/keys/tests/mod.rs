//! What goes wrong with keys and tokens, tried with real keys and a real server.

mod jwk;
mod places;
mod refresh;
mod running;
mod signature;
mod structure;

use std::sync::LazyLock;
use std::time::Instant;

use super::testing::{TestKey, jwks, key_set, verify};
use super::{Algorithm, JwsError, KeySet};

static EC: LazyLock<TestKey> = LazyLock::new(|| TestKey::p256("ec"));
static NOW: LazyLock<Instant> = LazyLock::new(Instant::now);

fn keys(keys: &[&TestKey]) -> KeySet {
    key_set(&jwks(keys), *NOW)
}

fn check(token: &str, keys: &KeySet) -> Result<(), JwsError> {
    verify(token, &Algorithm::ALL, keys, *NOW)
}

fn refused(token: &str) -> JwsError {
    check(token, &keys(&[&EC, &TestKey::rsa("rsa")])).unwrap_err()
}

/// A token that is right but for its header.
fn with_header(header: &str) -> String {
    EC.sign(Algorithm::Es256, header, "{}")
}
