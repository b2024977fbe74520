//! Verifying signatures and nothing else.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::time::{ClockId, clock_gettime};

use super::tokens::{Algorithm, Issuer};

/// The microseconds of processor time that verifying a token's signature takes in this thread, with the key parsed before and the
/// token taken apart.
pub(crate) fn verification(
    issuer: &Issuer,
    algorithm: Algorithm,
    tokens: &[String],
) -> Result<f64> {
    let key = match algorithm {
        Algorithm::Rs256 => {
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, issuer.rsa.public_key())?
        }
        Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, issuer.ec.public_key())?,
    };
    let apart = |token: &String| -> Result<(Vec<u8>, Vec<u8>)> {
        let (message, signature) = token.rsplit_once('.').context("no signature")?;
        Ok((message.into(), URL_SAFE_NO_PAD.decode(signature)?))
    };
    let signed: Result<Vec<_>> = tokens.iter().map(apart).collect();
    let signed = signed?;
    let clock = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime));
    let before = clock()?;
    for (message, signature) in &signed {
        key.verify_sig(black_box(message), signature)?;
    }
    let used = clock()?.saturating_sub(before);
    Ok((used / u32::try_from(signed.len())?).as_secs_f64() * 1e6)
}
