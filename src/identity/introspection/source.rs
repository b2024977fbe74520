//! What an introspector runs on: where to ask, as whom, and what to remember.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::spec::{CacheSpec, ClientAuthSpec, ClientSpec};
use crate::identity::payload::is_fit;
use crate::identity::reading::Findings;
use crate::keys::secret::{Secret, SecretError, SecretSpec};
use crate::model::duration::HumanDuration;
use crate::model::finding::Finding;
use crate::model::name::ProviderName;
use crate::outbound::{HttpUrl, Limits};

/// The largest answer in bytes; a thousand groups fit. RFC 7662 states no bound.
const MAX_ANSWER: usize = 64 * 1024;
/// The longest `timeout`: Envoy has long given up by then.
const LONGEST_TIMEOUT: HumanDuration = HumanDuration::from_secs(10);
/// The shortest and the longest `cache.for`.
const KEEP: [HumanDuration; 2] = [
    HumanDuration::from_millis(100),
    HumanDuration::from_secs(60 * 60),
];
/// The shortest and the longest `cache.refused_for`: a token that becomes good is refused for as long.
const REFUSED: [HumanDuration; 2] = [
    HumanDuration::from_millis(100),
    HumanDuration::from_secs(60),
];
/// The most `cache.entries`.
const MOST_ENTRIES: u64 = 1_000_000;

/// Where to ask, as whom, and what to remember. Answers are kept across reloads as long as this stays the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntrospectionSource {
    pub(super) name: ProviderName,
    pub(super) endpoint: HttpUrl,
    pub(super) client: Arc<Client>,
    pub(super) limits: Limits,
    pub(super) keep: Keep,
}

/// The client that this server is at the issuer. Its secret is read when it is used, and not held.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) auth: ClientAuthSpec,
    secret: SecretSpec,
    base: PathBuf,
}

/// How long answers serve, and how many of each kind are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keep {
    pub(super) active: Duration,
    pub(super) refused: Duration,
    pub(super) entries: u64,
}

impl IntrospectionSource {
    /// Checks what the user wrote; a relative secret file starts at `base`.
    pub(super) fn compile(
        name: ProviderName,
        endpoint: &str,
        client: ClientSpec,
        cache: CacheSpec,
        timeout: HumanDuration,
        base: &Path,
        findings: &mut Findings,
    ) -> Option<Self> {
        let endpoint = HttpUrl::parse(endpoint, false)
            .map_err(|error| Finding::error("invalid-endpoint", error.to_string()));
        let endpoint = findings.keep("endpoint", endpoint);
        let client = findings.keep("client", Client::compile(client, base));
        let keep = findings.keep("cache", Keep::compile(cache));
        let zero = HumanDuration::from_millis(1);
        let timeout = findings.keep("timeout", within(timeout, [zero, LONGEST_TIMEOUT]));
        Some(Self {
            name,
            endpoint: endpoint?,
            client: Arc::new(client?),
            limits: Limits {
                timeout: timeout?,
                max_bytes: MAX_ANSWER,
            },
            keep: keep?,
        })
    }

    /// Whether the client's secret can be read now.
    pub fn check_secret(&self) -> Result<(), SecretError> {
        self.client.secret().map(|_secret| ())
    }
}

impl Client {
    fn compile(spec: ClientSpec, base: &Path) -> Result<Self, Finding> {
        let ClientSpec { id, secret, auth } = spec;
        if !is_fit(&id) {
            let message = "the client's id is empty, too long or has control characters";
            return Err(Finding::error("invalid-client", message).under("id"));
        }
        Ok(Self {
            id,
            auth,
            secret,
            base: base.to_owned(),
        })
    }

    /// Reads the secret, so that one that was replaced is used from the next request on.
    pub(super) fn secret(&self) -> Result<Secret, SecretError> {
        Secret::load(&self.secret, &self.base)
    }
}

impl Keep {
    fn compile(spec: CacheSpec) -> Result<Self, Finding> {
        let CacheSpec {
            keep,
            entries,
            refused_for,
        } = spec;
        if !(1..=MOST_ENTRIES).contains(&entries) {
            let message = format!("`{entries}` is not between `1` and `{MOST_ENTRIES}`");
            return Err(Finding::error("out-of-range", message).under("entries"));
        }
        Ok(Self {
            active: within(keep, KEEP).map_err(|finding| finding.under("for"))?,
            refused: within(refused_for, REFUSED).map_err(|it| it.under("refused_for"))?,
            entries,
        })
    }
}

fn within(
    duration: HumanDuration,
    [shortest, longest]: [HumanDuration; 2],
) -> Result<Duration, Finding> {
    if (shortest..=longest).contains(&duration) {
        return Ok(duration.get());
    }
    let message = format!("`{duration}` is not between `{shortest}` and `{longest}`");
    Err(Finding::error("out-of-range", message))
}
