//! SPIFFE IDs: names of workloads (SPIFFE-ID specification, section 2).

use std::fmt;
use std::sync::Arc;

/// Longest SPIFFE ID in bytes (SPIFFE-ID, section 2.3).
pub const MAX_SPIFFE_ID: usize = 2048;
/// Longest trust domain in bytes (SPIFFE-ID, section 2.3).
const MAX_DOMAIN: usize = 255;

/// The SPIFFE ID of a workload: `spiffe://`, a trust domain and a path; nothing else, and in one spelling only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiffeId(Arc<str>);

impl SpiffeId {
    /// The id, if `text` is one: lower-case trust domain without port or user, at least one segment, none of them empty,
    /// `.` or `..`, and no character that would need an encoding; so no NUL, no wildcard, no query.
    pub fn parse(text: &str) -> Option<Self> {
        let (domain, path) = text.strip_prefix("spiffe://")?.split_once('/')?;
        let path_ok = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        let segment = |part: &str| {
            !part.is_empty() && part != "." && part != ".." && part.bytes().all(path_ok)
        };
        let well_formed =
            text.len() <= MAX_SPIFFE_ID && is_domain(domain) && path.split('/').all(segment);
        well_formed.then(|| Self(Arc::from(text)))
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id, shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// The name of its trust domain.
    pub fn trust_domain(&self) -> &str {
        self.parts().0
    }

    /// Its path, with the leading slash.
    pub fn path(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        let rest = self.0.strip_prefix("spiffe://").unwrap_or_default();
        rest.find('/')
            .and_then(|slash| rest.split_at_checked(slash))
            .unwrap_or_default()
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a trust domain, for example `example.org`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrustDomain(Arc<str>);

impl TrustDomain {
    /// The name, if `text` is one: lower-case letters, digits, `-`, `.` and `_`.
    pub fn parse(text: &str) -> Option<Self> {
        is_domain(text).then(|| Self(Arc::from(text)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `id` is a member.
    pub fn has(&self, id: &SpiffeId) -> bool {
        id.trust_domain() == &*self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_domain(text: &str) -> bool {
    let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b);
    (1..=MAX_DOMAIN).contains(&text.len()) && text.bytes().all(ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_ids_of_workloads_are_accepted() {
        let id = SpiffeId::parse("spiffe://example.org/ci/deployer").unwrap();
        assert_eq!(id.trust_domain(), "example.org");
        assert_eq!(id.path(), "/ci/deployer");
        for bad in [
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://Example.org/ci",
            "SPIFFE://example.org/ci",
            "spiffe://example.org:8443/ci",
            "spiffe://user@example.org/ci",
            "spiffe://example.org/ci/*",
            "spiffe://example.org/ci/../x",
            "spiffe://example.org/ci//x",
            "spiffe://example.org/ci?x=1",
            "spiffe://example.org/ci#x",
            "spiffe://example.org/ci%2fx",
            "spiffe://example.org/ci\0x",
            "spiffe:///ci",
            "https://example.org/ci",
            "example.org",
            "",
        ] {
            assert_eq!(SpiffeId::parse(bad), None, "{bad:?}");
        }
        let long = format!("spiffe://example.org/{}", "a".repeat(MAX_SPIFFE_ID));
        assert_eq!(SpiffeId::parse(&long), None);
    }

    #[test]
    fn a_trust_domain_has_its_own_members_only() {
        let domain = TrustDomain::parse("example.org").unwrap();
        let member = |text| domain.has(&SpiffeId::parse(text).unwrap());
        assert!(member("spiffe://example.org/ci"));
        assert!(!member("spiffe://ci.example.org/ci"));
        assert!(!member("spiffe://example.org.evil/ci"));
        assert_eq!(TrustDomain::parse("Example.org"), None);
        assert_eq!(TrustDomain::parse("*.example.org"), None);
    }
}
