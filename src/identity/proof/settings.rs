//! The `dpop` section, checked.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::spec::{DpopSpec, NonceSpec};
use crate::keys::Algorithm;
use crate::keys::secret::{Secret, SecretSpec};
use crate::model::duration::HumanDuration;
use crate::model::finding::Finding;

/// The longest `max_age`: what is accepted must be remembered.
const MAX_AGE: HumanDuration = HumanDuration::from_secs(600);
/// The largest `leeway`.
const MAX_LEEWAY: HumanDuration = HumanDuration::from_secs(60);
/// The shortest and the longest `nonce_ttl`.
const NONCE_TTL: [HumanDuration; 2] = [
    HumanDuration::from_secs(1),
    HumanDuration::from_secs(24 * 3600),
];
/// The least bytes of a `nonce_key` (RFC 2104, section 3: no shorter than what it makes).
const MIN_KEY: usize = 32;

/// How DPoP proofs are judged.
#[derive(Clone, Debug)]
pub struct DpopSettings {
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) max_age: Duration,
    pub(super) leeway: Duration,
    pub(super) nonce: Option<NonceSettings>,
    replay_entries: u64,
}

/// How nonces are made.
#[derive(Clone, Debug)]
pub(super) struct NonceSettings {
    pub(super) ttl: Duration,
    /// None: the store's secret.
    pub(super) key: Option<Secret>,
}

impl DpopSettings {
    /// The algorithms that proofs may be signed with, with spaces between them.
    pub(in crate::identity) fn algorithms(&self) -> Arc<str> {
        let names: Vec<_> = self.algorithms.iter().map(|it| it.as_str()).collect();
        Arc::from(names.join(" "))
    }

    /// Checks the section and reports everything that is wrong with it; a relative file starts at `base`.
    pub fn compile(spec: DpopSpec, base: &Path) -> Result<Self, Vec<Finding>> {
        let DpopSpec {
            nonce,
            nonce_ttl,
            nonce_key,
            max_age,
            leeway,
            algorithms,
            replay_entries,
        } = spec;
        let mut findings = Vec::new();
        let mut wrong = |field: &str, message: String| {
            findings.push(Finding::error("out-of-range", message).under(field));
        };
        if max_age.get().is_zero() || max_age > MAX_AGE {
            wrong(
                "max_age",
                format!("`max_age` is not above `0s` and at most `{MAX_AGE}`"),
            );
        }
        if leeway > MAX_LEEWAY {
            wrong("leeway", format!("`leeway` is at most `{MAX_LEEWAY}`"));
        }
        let [shortest, longest] = NONCE_TTL;
        if nonce_ttl < shortest || nonce_ttl > longest {
            let message = format!("`nonce_ttl` is between `{shortest}` and `{longest}`");
            wrong("nonce_ttl", message);
        }
        if replay_entries == 0 || replay_entries > crate::store::MAX_REPLAY {
            let most = crate::store::MAX_REPLAY;
            wrong(
                "replay_entries",
                format!("`replay_entries` is between `1` and `{most}`"),
            );
        }
        if algorithms.items().is_empty() {
            let message = "no algorithm is accepted, so no proof is: name at least one";
            findings.push(Finding::error("no-algorithm", message).under("algorithms"));
        }
        let key = nonce_key.map(|spec| nonce_secret(&spec, base)).transpose();
        match key {
            Ok(key) if findings.is_empty() => Ok(Self {
                algorithms: algorithms.items().to_vec(),
                max_age: max_age.get(),
                leeway: leeway.get(),
                nonce: (nonce == NonceSpec::Required).then(|| NonceSettings {
                    ttl: nonce_ttl.get(),
                    key,
                }),
                replay_entries,
            }),
            Ok(_) => Err(findings),
            Err(finding) => {
                findings.push(finding);
                Err(findings)
            }
        }
    }

    /// Most proofs that are remembered at once.
    pub const fn replay_entries(&self) -> u64 {
        self.replay_entries
    }

    /// Whether a restart forgets used proofs that are still good: nothing but a nonce would tell them then.
    pub const fn forgets_with_the_store(&self) -> bool {
        match &self.nonce {
            None => true,
            // A secret of the store dies with the store; one from elsewhere does not.
            Some(NonceSettings { key, ttl: _ }) => key.is_some(),
        }
    }
}

fn nonce_secret(spec: &SecretSpec, base: &Path) -> Result<Secret, Finding> {
    let wrong = |message: String| {
        Finding::error("invalid-secret", message)
            .help(format!(
                "write `nonce_key: {{ file: … }}`, a file of at least {MIN_KEY} random bytes"
            ))
            .under("nonce_key")
    };
    let secret = Secret::load(spec, base).map_err(|error| wrong(error.to_string()))?;
    if secret.expose().len() < MIN_KEY {
        return Err(wrong(format!("the secret is shorter than {MIN_KEY} bytes")));
    }
    Ok(secret)
}
