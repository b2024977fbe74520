//! A checked key source.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::KeySourceSpec;
use crate::model::duration::HumanDuration;
use crate::outbound::{HttpUrl, Limits, UrlError};

/// The shortest `refresh` and `min_interval`.
const SHORTEST_INTERVAL: HumanDuration = HumanDuration::from_millis(100);
/// The longest `timeout`.
const LONGEST_TIMEOUT: HumanDuration = HumanDuration::from_secs(60);
/// The largest `max_bytes`: 4 MiB.
const LARGEST_DOCUMENT: usize = 4 * 1024 * 1024;

/// A checked key source: what [`super::KeySet::spawn`] runs on. Two equal sources are served by the same keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySource {
    pub(super) name: Arc<str>,
    pub(super) location: Location,
    pub(super) purpose: Purpose,
    pub(super) refresh: Duration,
    pub(super) stale_for: Duration,
    pub(super) min_interval: Duration,
    pub(super) limits: Limits,
}

/// What the keys of a document are published for; keys for anything else are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Signatures of an issuer: `use` is `sig` or not there (RFC 7517 section 4.2).
    Signatures,
    /// JWT-SVIDs: `use` is `jwt-svid` (SPIFFE Trust Domain and Bundle section 4.2.2).
    JwtSvid,
}

/// Where the document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Location {
    Url(HttpUrl),
    Discovery {
        /// As configured: compared byte for byte.
        issuer: String,
        configuration: HttpUrl,
        insecure: bool,
    },
    File(PathBuf),
}

/// Why a [`KeySourceSpec`] cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySourceError {
    /// None or several of the three places are set.
    #[error("name exactly one of `url`, `discovery` and `file`")]
    Place,
    /// `url` is refused.
    #[error("`url`: {0}")]
    Url(UrlError),
    /// `discovery` is refused.
    #[error("`discovery`: {0}")]
    Discovery(UrlError),
    /// `discovery` has a query (OpenID Connect Discovery section 3).
    #[error("`discovery`: an issuer has no query; remove `?` and what follows it")]
    IssuerQuery,
    /// `insecure` without a URL.
    #[error("`insecure` is about `url` and `discovery`; remove it")]
    InsecureFile,
    /// A duration is too short to be served.
    #[error("`{field}` is too short: at least `{SHORTEST_INTERVAL}`")]
    TooShort {
        /// The field.
        field: &'static str,
    },
    /// Keys would expire before they are refreshed.
    #[error(
        "`stale_for` is not longer than `refresh`, so keys would expire between two refreshes; raise it"
    )]
    StaleBeforeRefresh,
    /// `timeout` is zero or too long.
    #[error("`timeout` is not above `0s` and at most `{LONGEST_TIMEOUT}`")]
    Timeout,
    /// `max_bytes` is zero or too large.
    #[error("`max_bytes` is not between `1` and `{LARGEST_DOCUMENT}`")]
    MaxBytes,
}

impl KeySource {
    /// Checks a specification. `name` is the provider's; a relative `file` starts at `base`.
    pub fn compile(name: &str, spec: KeySourceSpec, base: &Path) -> Result<Self, KeySourceError> {
        let KeySourceSpec {
            url,
            discovery,
            file,
            refresh,
            stale_for,
            min_interval,
            timeout,
            max_bytes,
            insecure,
        } = spec;
        let location = match (url, discovery, file) {
            (Some(url), None, None) => {
                Location::Url(HttpUrl::parse(&url, insecure).map_err(KeySourceError::Url)?)
            }
            (None, Some(issuer), None) => discover(issuer, insecure)?,
            (None, None, Some(_)) if insecure => return Err(KeySourceError::InsecureFile),
            (None, None, Some(file)) => Location::File(base.join(file)),
            _ => return Err(KeySourceError::Place),
        };
        check_intervals(refresh, stale_for, min_interval)?;
        Ok(Self {
            name: Arc::from(name),
            location,
            purpose: Purpose::Signatures,
            refresh: refresh.get(),
            stale_for: stale_for.get(),
            min_interval: min_interval.get(),
            limits: check_limits(timeout, max_bytes)?,
        })
    }

    /// The same source, whose document is the bundle of a SPIFFE trust domain.
    #[must_use]
    pub fn of_bundle(self) -> Self {
        Self {
            purpose: Purpose::JwtSvid,
            ..self
        }
    }

    /// The name that the source was compiled with.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// OpenID Connect Discovery section 4: the well-known path follows the issuer, less a trailing slash.
fn discover(issuer: String, insecure: bool) -> Result<Location, KeySourceError> {
    let url = HttpUrl::parse(&issuer, insecure).map_err(KeySourceError::Discovery)?;
    if url.has_query() {
        return Err(KeySourceError::IssuerQuery);
    }
    let stem = issuer.strip_suffix('/').unwrap_or(&issuer);
    let configuration = format!("{stem}/.well-known/openid-configuration");
    let configuration =
        HttpUrl::parse(&configuration, insecure).map_err(KeySourceError::Discovery)?;
    Ok(Location::Discovery {
        issuer,
        configuration,
        insecure,
    })
}

fn check_intervals(
    refresh: HumanDuration,
    stale_for: HumanDuration,
    min_interval: HumanDuration,
) -> Result<(), KeySourceError> {
    for (field, duration) in [("refresh", refresh), ("min_interval", min_interval)] {
        if duration < SHORTEST_INTERVAL {
            return Err(KeySourceError::TooShort { field });
        }
    }
    if stale_for <= refresh {
        return Err(KeySourceError::StaleBeforeRefresh);
    }
    Ok(())
}

fn check_limits(timeout: HumanDuration, max_bytes: usize) -> Result<Limits, KeySourceError> {
    if timeout.get().is_zero() || timeout > LONGEST_TIMEOUT {
        return Err(KeySourceError::Timeout);
    }
    if max_bytes == 0 || max_bytes > LARGEST_DOCUMENT {
        return Err(KeySourceError::MaxBytes);
    }
    Ok(Limits {
        timeout: timeout.get(),
        max_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(json: &str) -> Result<KeySource, KeySourceError> {
        let spec = serde_json::from_str(json).unwrap();
        KeySource::compile("corp", spec, Path::new("/etc/countersign"))
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let source = compile(r#"{"url": "https://issuer.example.com/jwks.json"}"#).unwrap();
        assert_eq!(source.refresh, Duration::from_mins(5));
        assert_eq!(source.stale_for, Duration::from_hours(1));
        assert_eq!(source.min_interval, Duration::from_secs(30));
        assert_eq!(source.limits.timeout, Duration::from_secs(5));
        assert_eq!(source.limits.max_bytes, 262_144);
    }

    #[test]
    fn exactly_one_place_is_needed() {
        for json in [
            "{}",
            r#"{"url": "https://a.example/", "file": "keys.json"}"#,
        ] {
            assert_eq!(compile(json), Err(KeySourceError::Place));
        }
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let spec = r#"{"file": "keys.json", "refesh": "5m"}"#;
        let error = serde_json::from_str::<KeySourceSpec>(spec).unwrap_err();
        assert!(error.to_string().contains("`refesh`"), "{error}");
    }

    #[test]
    fn a_relative_file_starts_at_the_base() {
        let location = |json| compile(json).unwrap().location;
        let path = |path: &str| Location::File(PathBuf::from(path));
        assert_eq!(
            location(r#"{"file": "keys.json"}"#),
            path("/etc/countersign/keys.json")
        );
        assert_eq!(
            location(r#"{"file": "/run/keys.json"}"#),
            path("/run/keys.json")
        );
    }

    #[test]
    fn the_well_known_path_follows_the_issuer() {
        for (issuer, expected) in [
            (
                "https://a.example",
                "https://a.example/.well-known/openid-configuration",
            ),
            (
                "https://a.example/",
                "https://a.example/.well-known/openid-configuration",
            ),
            (
                "https://a.example/t/v2.0",
                "https://a.example/t/v2.0/.well-known/openid-configuration",
            ),
        ] {
            let source = compile(&format!(r#"{{"discovery": "{issuer}"}}"#)).unwrap();
            let Location::Discovery { configuration, .. } = source.location else {
                panic!("not a discovery");
            };
            assert_eq!(configuration.to_string(), expected);
        }
    }

    #[test]
    fn urls_obey_the_rules_of_outbound() {
        let plain = "http://issuer.example.com/";
        let spec = |field: &str, more: &str| format!(r#"{{"{field}": "{plain}"{more}}}"#);
        assert_eq!(
            compile(&spec("url", "")),
            Err(KeySourceError::Url(UrlError::PlainHttp))
        );
        assert_eq!(
            compile(&spec("discovery", "")),
            Err(KeySourceError::Discovery(UrlError::PlainHttp))
        );
        assert!(compile(&spec("url", r#", "insecure": true"#)).is_ok());
        assert!(compile(&spec("discovery", r#", "insecure": true"#)).is_ok());
        assert_eq!(
            compile(r#"{"discovery": "https://a.example/?t=1"}"#),
            Err(KeySourceError::IssuerQuery)
        );
        assert_eq!(
            compile(r#"{"file": "k.json", "insecure": true}"#),
            Err(KeySourceError::InsecureFile)
        );
    }

    #[test]
    fn every_number_has_bounds() {
        let with = |option: &str| compile(&format!(r#"{{"file": "keys.json", {option}}}"#));
        assert_eq!(
            with(r#""refresh": "99ms""#),
            Err(KeySourceError::TooShort { field: "refresh" })
        );
        assert_eq!(
            with(r#""min_interval": "0s""#),
            Err(KeySourceError::TooShort {
                field: "min_interval"
            })
        );
        assert_eq!(
            with(r#""stale_for": "5m""#),
            Err(KeySourceError::StaleBeforeRefresh)
        );
        assert_eq!(with(r#""timeout": "0s""#), Err(KeySourceError::Timeout));
        assert_eq!(with(r#""timeout": "61s""#), Err(KeySourceError::Timeout));
        assert_eq!(with(r#""max_bytes": 0"#), Err(KeySourceError::MaxBytes));
        assert_eq!(
            with(r#""max_bytes": 4194305"#),
            Err(KeySourceError::MaxBytes)
        );
    }
}
