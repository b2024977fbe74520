//! The usable keys of one document, and which of them a token means.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use serde_json::{Map, Value};

use super::Algorithm;
use super::json::{self, JsonError};
use super::jwk::{JwkError, VerificationKey};
use super::source::Purpose;

/// The most keys that a set may have.
pub(super) const MAX_KEYS: usize = 100;

/// The usable keys of one JWK set. It has at least one and at most [`MAX_KEYS`].
#[derive(Debug)]
pub(super) struct KeyTable {
    keys: Vec<Arc<VerificationKey>>,
    by_kid: HashMap<Arc<str>, Vec<Arc<VerificationKey>>>,
    ignored: Vec<Ignored>,
    refresh_hint: Option<Duration>,
    digest: Digest,
}

/// A key that is in the document and not in the table.
#[derive(Debug)]
pub(super) struct Ignored {
    pub(super) kid: Option<String>,
    pub(super) why: JwkError,
}

/// Why no key can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Miss {
    /// No key has this id; or the token names none, and no key fits.
    Unknown,
    /// The key is there and must not be used with this algorithm.
    Unfit,
    /// More than one key fits, and the token does not say which.
    Ambiguous,
}

/// Why a document is not a key set. The messages contain nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TableError {
    #[error("the document is not a key set")]
    Json(#[source] JsonError),
    #[error("the document has no array `keys`")]
    NoKeys,
    #[error("the set has more than {MAX_KEYS} keys")]
    TooMany,
    #[error("the set is empty")]
    Empty,
    #[error("the set has no usable key")]
    AllIgnored(#[source] JwkError),
}

impl KeyTable {
    /// Reads a JWK set (RFC 7517 section 5). Keys that cannot be used are left out; a set without any is an error.
    pub(super) fn read(document: &[u8], purpose: Purpose) -> Result<Self, TableError> {
        let object = json::read_object(document).map_err(TableError::Json)?;
        let Some(Value::Array(jwks)) = object.get("keys") else {
            return Err(TableError::NoKeys);
        };
        if jwks.len() > MAX_KEYS {
            return Err(TableError::TooMany);
        }
        let (mut keys, mut ignored) = (Vec::new(), Vec::new());
        for jwk in jwks {
            match VerificationKey::read(jwk, purpose) {
                Ok(key) => keys.push(Arc::new(key)),
                Err(why) => ignored.push(Ignored { kid: kid(jwk), why }),
            }
        }
        if keys.is_empty() {
            let first = ignored.first();
            return Err(first.map_or(TableError::Empty, |key| TableError::AllIgnored(key.why)));
        }
        let hint = match purpose {
            Purpose::Signatures => None,
            Purpose::JwtSvid => refresh_hint(&object),
        };
        Ok(Self::index(keys, ignored, hint, document))
    }

    fn index(
        keys: Vec<Arc<VerificationKey>>,
        ignored: Vec<Ignored>,
        refresh_hint: Option<Duration>,
        document: &[u8],
    ) -> Self {
        let mut by_kid = HashMap::<Arc<str>, Vec<_>>::new();
        for key in &keys {
            if let Some(kid) = key.kid() {
                by_kid
                    .entry(Arc::clone(kid))
                    .or_default()
                    .push(Arc::clone(key));
            }
        }
        let digest = digest(&SHA256, document);
        Self {
            keys,
            by_kid,
            ignored,
            refresh_hint,
            digest,
        }
    }

    /// Finds the one key for a token: by its id, and without one the only key that fits the algorithm. Two keys with
    /// one id are told apart by their algorithm (RFC 7517 section 4.5) or not at all.
    pub(super) fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<VerificationKey>, Miss> {
        let (candidates, none) = match kid {
            None => (&self.keys, Miss::Unknown),
            Some(kid) => (self.by_kid.get(kid).ok_or(Miss::Unknown)?, Miss::Unfit),
        };
        let mut fitting = candidates.iter().filter(|key| key.fits(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(Arc::clone(key)),
            (None, _) => Err(none),
            (Some(_), Some(_)) => Err(Miss::Ambiguous),
        }
    }

    /// The number of usable keys.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many of these keys a later table has not any more.
    pub(super) fn withdrawn_in(&self, later: &Self) -> usize {
        let stays = |key: &Arc<VerificationKey>| later.keys.iter().any(|other| other.is_same(key));
        self.keys.iter().filter(|key| !stays(key)).count()
    }

    /// How soon the document wants to be fetched again.
    pub(super) const fn refresh_hint(&self) -> Option<Duration> {
        self.refresh_hint
    }

    /// The keys that were left out, in the document's order.
    pub(super) fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// Whether both tables come from the same bytes.
    pub(super) fn same_document(&self, other: &Self) -> bool {
        self.digest.as_ref() == other.digest.as_ref()
    }
}

/// `spiffe_refresh_hint`, a whole number of seconds (SPIFFE Trust Domain and Bundle section 4.1.2); anything else is
/// none, as it is only advice.
fn refresh_hint(bundle: &Map<String, Value>) -> Option<Duration> {
    let seconds = bundle.get("spiffe_refresh_hint")?.as_u64()?;
    Some(Duration::from_secs(seconds))
}

fn kid(jwk: &Value) -> Option<String> {
    let kid = jwk.get("kid")?.as_str()?;
    (kid.len() <= super::MAX_KID_BYTES).then(|| kid.to_owned())
}
