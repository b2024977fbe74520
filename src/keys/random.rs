//! Randomness for secrets, ids and nonces.

use aws_lc_rs::rand::fill;

/// `N` unpredictable bytes.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    fill(&mut bytes).map_err(|_unspecified| RandomError)?;
    Ok(bytes)
}

/// The system gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct RandomError;
