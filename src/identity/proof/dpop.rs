//! One DPoP proof, checked against the request that carries it (RFC 9449, section 4.3).

use std::time::Duration;

use super::nonce::Nonces;
use super::{refuse, url};
use crate::identity::payload::{Payload, is_fit};
use crate::identity::token_type::normalised;
use crate::keys::{self, Algorithm, EmbeddedError, JwsError, base64url, digest_bytes, sha256};
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

/// Longest `jti` in bytes; ninety-six random bits are enough (RFC 9449, section 4.2).
const MAX_JTI: usize = 256;
/// How much longer than it could be accepted a proof is remembered: a check that read the clock before another one may
/// come to the memory after it.
const GRACE: Duration = Duration::from_secs(10);

/// What proofs are judged by.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) max_age: Duration,
    pub(super) leeway: Duration,
    /// None: proofs need no nonce.
    pub(super) nonces: Option<Nonces>,
}

/// What a proof has to be about.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) request: &'a AccessRequest,
    /// The route's external URL.
    pub(super) url: &'a str,
    /// The token, as it was sent.
    pub(super) token: &'a str,
    /// The thumbprint of the key that the token is bound to.
    pub(super) key: &'a str,
}

/// A proof of which everything holds, but for whether it is used for the first time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unspent {
    /// What to remember it by.
    pub(super) key: [u8; 32],
    /// How long.
    pub(super) until: Timestamp,
}

impl Rules {
    /// Every check of section 4.3 in one order: what the document is, whose key signed it, what it is about, and when it
    /// was made. The bound on its size is that of any token.
    pub(super) fn check(&self, proof: &str, shown: Shown<'_>) -> Result<Unspent, Denial> {
        let proof = keys::Compact::of(proof).map_err(malformed)?;
        let parsed = proof.parse().map_err(malformed)?;
        if parsed.typ().map(normalised).as_deref() != Some("dpop+jwt") {
            return Err(refuse(Reason::DpopMalformed, "its `typ` is not `dpop+jwt`"));
        }
        let proof = parsed
            .verify_embedded(&self.algorithms)
            .map_err(unverified)?;
        let claims = Claims(Payload(&proof.claims));
        about(claims, shown)?;
        let made = self.made(claims, shown.request.now)?;
        if claims.text("ath")? != base64url::encode(&sha256(shown.token.as_bytes())) {
            return Err(refuse(Reason::DpopToken, "its `ath` is not the token's"));
        }
        self.fresh(claims, shown.request.now)?;
        if proof.thumbprint != shown.key {
            return Err(refuse(
                Reason::DpopKeyMismatch,
                "the token's `cnf.jkt` is not the thumbprint of the proof's key",
            ));
        }
        let jti = claims.text("jti")?;
        if !is_fit(jti) || jti.len() > MAX_JTI {
            return Err(refuse(
                Reason::DpopMalformed,
                "its `jti` is empty, too long or has control characters",
            ));
        }
        Ok(Unspent {
            key: digest_bytes([
                ("jkt", shown.key.as_bytes()),
                ("path", shown.request.raw_path.as_bytes()),
                ("jti", jti.as_bytes()),
            ]),
            until: made.plus(self.max_age).plus(self.leeway).plus(GRACE),
        })
    }

    /// The moment at which it was made, if that is neither long ago nor yet to come.
    fn made(&self, claims: Claims<'_>, now: Timestamp) -> Result<Timestamp, Denial> {
        let made = claims.date("iat")?;
        if now > made.plus(self.max_age).plus(self.leeway) {
            return Err(refuse(Reason::DpopStale, "its `iat` is too long ago"));
        }
        if made > now.plus(self.leeway) {
            return Err(refuse(Reason::DpopStale, "its `iat` is in the future"));
        }
        Ok(made)
    }

    fn fresh(&self, claims: Claims<'_>, now: Timestamp) -> Result<(), Denial> {
        let Some(nonces) = &self.nonces else {
            return Ok(());
        };
        if claims.0.member("nonce").is_none() {
            return Err(refuse(Reason::DpopNonce, "it has no `nonce`"));
        }
        if nonces.accepts(claims.text("nonce")?, now) {
            Ok(())
        } else {
            Err(refuse(
                Reason::DpopNonce,
                "its `nonce` is old, or not one of this server's",
            ))
        }
    }
}

/// `htm` and `htu`: the request that it is for.
fn about(claims: Claims<'_>, shown: Shown<'_>) -> Result<(), Denial> {
    if claims.text("htm")? != shown.request.method {
        return Err(refuse(
            Reason::DpopMethod,
            "its `htm` is not the request's method",
        ));
    }
    if !url::names(claims.text("htu")?, shown.url, &shown.request.raw_path) {
        let cause = format!(
            "its `htu` is not the request's path on the route's `{}`",
            shown.url
        );
        return Err(Denial::new(Reason::DpopUrl).because(cause));
    }
    Ok(())
}

/// The members of a proof, each of which must be there in the right type.
#[derive(Clone, Copy)]
struct Claims<'a>(Payload<'a>);

impl<'a> Claims<'a> {
    fn text(self, name: &str) -> Result<&'a str, Denial> {
        let text = self.0.member(name).and_then(|value| value.as_str());
        text.ok_or_else(|| {
            let cause = format!("its `{name}` is missing or no text");
            Denial::new(Reason::DpopMalformed).because(cause)
        })
    }

    fn date(self, name: &str) -> Result<Timestamp, Denial> {
        let date = self.0.date(name).ok().flatten();
        date.ok_or_else(|| {
            let cause = format!("its `{name}` is missing or no date in seconds");
            Denial::new(Reason::DpopMalformed).because(cause)
        })
    }
}

fn malformed(error: JwsError) -> Denial {
    match error {
        JwsError::AlgorithmNotAllowed => refuse(
            Reason::DpopAlgorithm,
            "its algorithm is none, symmetric or unknown",
        ),
        JwsError::TooLarge => refuse(Reason::DpopMalformed, "it is too large"),
        JwsError::TooDeep => refuse(Reason::DpopMalformed, "its JSON is nested too deep"),
        JwsError::DuplicateMember => refuse(
            Reason::DpopMalformed,
            "its JSON has two members with one name",
        ),
        JwsError::CriticalHeader => refuse(Reason::DpopMalformed, "its header has `crit`"),
        JwsError::UnencodedPayload => refuse(Reason::DpopMalformed, "its header has `b64`"),
        JwsError::Malformed
        | JwsError::UnknownKey
        | JwsError::UnfitKey
        | JwsError::AmbiguousKey
        | JwsError::KeysNotLoaded
        | JwsError::KeysStale
        | JwsError::BadSignature => refuse(Reason::DpopMalformed, "it is not one JWS"),
    }
}

fn unverified(error: EmbeddedError) -> Denial {
    let reason = match error {
        EmbeddedError::AlgorithmNotAllowed => Reason::DpopAlgorithm,
        EmbeddedError::NoKey | EmbeddedError::Key | EmbeddedError::UnfitKey => Reason::DpopKey,
        EmbeddedError::BadSignature => Reason::DpopSignature,
    };
    Denial::new(reason).because(error.to_string())
}
