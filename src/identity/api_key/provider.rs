//! A provider of API keys, checked.

use std::path::Path;
use std::time::Duration;

use super::spec::ApiKeySpec;
use super::text;
use crate::identity::place::Place;
use crate::keys::secret::{Secret, SecretSpec};
use crate::model::finding::Finding;
use crate::model::name::ProviderName;

/// Shortest pepper in bytes: the length of the digest that it keys (RFC 2104, section 3).
const MIN_PEPPER: usize = 32;

/// Where keys come in if nothing is said.
const HEADER: &str = "x-api-key";

/// A provider of API keys.
#[derive(Debug)]
pub struct ApiKeyProvider {
    pub(super) name: ProviderName,
    pub(super) prefix: String,
    pub(super) pepper: Secret,
    pub(super) max_lifetime: Duration,
    place: Place,
}

impl ApiKeyProvider {
    /// Checks a specification and reports everything that is wrong with it; a relative file starts at `base`.
    pub(in crate::identity) fn compile(
        name: ProviderName,
        spec: ApiKeySpec,
        base: &Path,
    ) -> Result<Self, Vec<Finding>> {
        let ApiKeySpec {
            header,
            cookie,
            prefix,
            pepper,
            max_lifetime,
        } = spec;
        let mut findings = Vec::new();
        let mut keep = |field: &str, finding: Finding| findings.push(finding.under(field));
        let place = match (header, cookie) {
            (Some(_), Some(_)) => Err(Finding::error(
                "two-places",
                "keys come in a header or in a cookie, and not in both: remove one",
            )),
            (Some(header), None) => Place::header(&header),
            (None, Some(cookie)) => Place::cookie(cookie),
            (None, None) => Place::header(HEADER),
        };
        let place = place.map_err(|finding| {
            let field = if finding.code == "invalid-cookie" {
                "cookie"
            } else {
                "header"
            };
            keep(field, finding);
        });
        if !text::is_prefix(&prefix) {
            let message = format!(
                "`{prefix}` is not a prefix: use 1 to {} letters and digits",
                text::MAX_PREFIX
            );
            keep("prefix", Finding::error("invalid-prefix", message));
        }
        let max_lifetime = max_lifetime.get();
        if max_lifetime.is_zero() {
            let message = "the longest lifetime is `0s`, so no key can be issued";
            keep("max_lifetime", Finding::error("out-of-range", message));
        }
        let pepper = load_pepper(&pepper, base).map_err(|finding| keep("pepper", finding));
        match (place, pepper) {
            (Ok(place), Ok(pepper)) if findings.is_empty() => Ok(Self {
                name,
                prefix,
                pepper,
                max_lifetime,
                place,
            }),
            _ => Err(findings),
        }
    }

    /// Where its keys come in.
    pub(in crate::identity) fn place(&self) -> &Place {
        &self.place
    }

    /// Its name.
    pub const fn name(&self) -> &ProviderName {
        &self.name
    }

    /// The longest lifetime that a key can be issued with.
    pub const fn max_lifetime(&self) -> Duration {
        self.max_lifetime
    }
}

fn load_pepper(spec: &SecretSpec, base: &Path) -> Result<Secret, Finding> {
    let help = "make one with `openssl rand -base64 48`, in a file that only the server can read";
    let secret = Secret::load(spec, base)
        .map_err(|error| Finding::error("invalid-pepper", error.to_string()).help(help))?;
    if secret.expose().len() < MIN_PEPPER {
        let message = format!("the pepper is shorter than {MIN_PEPPER} bytes");
        return Err(Finding::error("invalid-pepper", message).help(help));
    }
    Ok(secret)
}
