//! The allow-list: which Envoys may ask, and what about.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use crate::certificate::Certificate;
use crate::model::finding::Finding;
use crate::model::glob::Glob;
use crate::model::name::{RouteId, TenantName};
use crate::model::request::Gateway;
use crate::model::spiffe::SpiffeId;

/// Before a DNS name, to tell it from a SPIFFE ID.
const DNS: &str = "dns:";
/// Longest DNS name in bytes (RFC 1035, section 2.3.4), and longest label.
const MAX_DNS: usize = 253;
const MAX_LABEL: usize = 63;
/// Most entries; each connection is compared with all of them.
const MAX_ENVOYS: usize = 1000;

/// `grpc.envoys[]`, as the user writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvoySpec {
    /// `spiffe://…`, with `*` within a segment of its path, or `dns:` and a name.
    pub id: String,
    /// The tenant whose routes it may ask about.
    pub tenant: Option<String>,
    /// The routes that it may ask about.
    pub routes: Option<Vec<String>>,
}

/// The allow-list, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envoys(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: Name,
    gateway: Arc<Gateway>,
}

/// What a certificate has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// Its one URI is this SPIFFE ID.
    Spiffe(SpiffeId),
    /// Its one URI is a SPIFFE ID like this.
    SpiffeLike(Glob),
    /// One of its DNS names is this one; lower case.
    Dns(String),
}

impl Envoys {
    /// Checks the entries; findings have paths such as `[0].id`.
    pub(super) fn compile(specs: &[EnvoySpec]) -> Result<Self, Vec<Finding>> {
        let (mut entries, mut findings) = (Vec::new(), Vec::new());
        let mut known = BTreeSet::new();
        if specs.len() > MAX_ENVOYS {
            let message = format!("there are more than {MAX_ENVOYS} Envoys");
            findings.push(Finding::error("too-many-envoys", message));
        }
        for (index, spec) in specs.iter().enumerate() {
            match entry(spec) {
                Ok(entry) => entries.push(entry),
                Err(wrong) => findings.extend(wrong.into_iter().map(|it| it.under(index))),
            }
            if !known.insert(spec.id.as_str()) {
                let message = format!("`{}` stands in the list twice", spec.id);
                let finding = Finding::error("repeated-envoy", message).under("id");
                findings.push(finding.under(index));
            }
        }
        if findings.is_empty() {
            Ok(Self(entries))
        } else {
            Err(findings)
        }
    }

    /// Whether nobody is on it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What each entry is bound to, in the order of the list.
    pub fn gateways(&self) -> impl Iterator<Item = &Gateway> {
        self.0.iter().map(|entry| &*entry.gateway)
    }

    /// The Envoy whose verified certificate this is, if it is on the list. Its SPIFFE ID decides: the entry that names it,
    /// else the one pattern that matches it. Without such an entry its DNS names do, if all that are listed lead to one
    /// entry. What two entries claim is nobody's.
    pub(super) fn recognise(&self, certificate: &Certificate) -> Option<Arc<Gateway>> {
        // More than one URI, or one that only looks like a SPIFFE ID: whoever issued this cannot be relied on.
        let spiffe = certificate.spiffe_id().ok()?;
        let Some(id) = spiffe else {
            return self.by_dns(certificate);
        };
        let exact = |entry: &&Entry| matches!(&entry.name, Name::Spiffe(name) if *name == id);
        let like = |entry: &&Entry| matches!(&entry.name, Name::SpiffeLike(glob) if glob.matches(id.as_str()));
        if let Some(entry) = self.0.iter().find(exact) {
            return Some(Arc::clone(&entry.gateway));
        }
        let mut matching = self.0.iter().filter(like);
        match (matching.next(), matching.next()) {
            (Some(entry), None) => Some(Arc::new(Gateway {
                id: id.shared(),
                ..Gateway::clone(&entry.gateway)
            })),
            (Some(_), Some(_)) => None,
            (None, _) => self.by_dns(certificate),
        }
    }

    fn by_dns(&self, certificate: &Certificate) -> Option<Arc<Gateway>> {
        let shown = certificate.dns_names();
        let listed = |entry: &&Entry| match &entry.name {
            Name::Dns(listed) => shown.iter().any(|name| name.eq_ignore_ascii_case(listed)),
            Name::Spiffe(_) | Name::SpiffeLike(_) => false,
        };
        let mut matching = self.0.iter().filter(listed);
        match (matching.next(), matching.next()) {
            (Some(entry), None) => Some(Arc::clone(&entry.gateway)),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }
}

fn entry(spec: &EnvoySpec) -> Result<Entry, Vec<Finding>> {
    let EnvoySpec { id, tenant, routes } = spec;
    let mut findings = Vec::new();
    let name = name(id)
        .map_err(|wrong| findings.push(wrong.under("id")))
        .ok();
    let mut listed = Vec::new();
    for (index, route) in routes.iter().flatten().enumerate() {
        match RouteId::new(route) {
            Ok(route) => listed.push(route),
            Err(error) => {
                let finding = Finding::error("invalid-name", error.to_string());
                findings.push(finding.under(index).under("routes"));
            }
        }
    }
    let tenant = tenant.as_deref().map(TenantName::new).transpose();
    let tenant = tenant.map_err(|error| {
        findings.push(Finding::error("invalid-name", error.to_string()).under("tenant"));
    });
    if routes.as_ref().is_some_and(Vec::is_empty) {
        let message = "an Envoy that may ask about no route is let in for nothing";
        let finding = Finding::error("no-routes", message);
        findings.push(
            finding
                .help("name routes, or leave `routes` out for all of them")
                .under("routes"),
        );
    }
    match (name, tenant) {
        (Some(name), Ok(tenant)) if findings.is_empty() => Ok(Entry {
            name,
            gateway: Arc::new(Gateway {
                id: Arc::from(id.as_str()),
                tenant: tenant.map(|tenant| tenant.shared()),
                routes: routes.is_some().then_some(listed),
            }),
        }),
        _ => Err(findings),
    }
}

fn name(id: &str) -> Result<Name, Finding> {
    let wrong = |message: &str| {
        let finding = Finding::error("invalid-envoy", format!("`{id}` {message}"));
        finding.help("write a SPIFFE ID such as `spiffe://example.org/envoy/edge`, or `dns:` and a name such as `dns:envoy.example.org`")
    };
    if let Some(name) = id.strip_prefix(DNS) {
        return if is_dns_name(name) {
            Ok(Name::Dns(name.to_owned()))
        } else {
            Err(wrong("is not the name of one host in lower case"))
        };
    }
    if let Some(id) = SpiffeId::parse(id) {
        return Ok(Name::Spiffe(id));
    }
    // A star may stand wherever a letter of the path may; the trust domain has none.
    let in_path = id
        .strip_prefix("spiffe://")
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(domain, _)| !domain.contains('*'));
    if in_path && SpiffeId::parse(&id.replace('*', "x")).is_some() {
        Ok(Name::SpiffeLike(Glob::identifier(id)))
    } else {
        Err(wrong("names no Envoy"))
    }
}

/// A host name in lower case (RFC 1123, section 2.1), no address and no wildcard.
fn is_dns_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= MAX_DNS
        && name.split('.').all(label)
        && !name.rsplit('.').next().is_some_and(numeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::testing::Authority;

    fn spec(id: &str) -> EnvoySpec {
        EnvoySpec {
            id: id.to_owned(),
            tenant: None,
            routes: None,
        }
    }

    fn list(ids: &[&str]) -> Envoys {
        let specs: Vec<_> = ids.iter().map(|id| spec(id)).collect();
        Envoys::compile(&specs).unwrap()
    }

    fn shown(uris: &[&str], dns: &[&str]) -> Certificate {
        let pair = Authority::new("ca").client(uris, dns);
        Certificate::from_pem(&pair.certificate).unwrap()
    }

    fn recognised(envoys: &Envoys, uris: &[&str], dns: &[&str]) -> Option<String> {
        let gateway = envoys.recognise(&shown(uris, dns))?;
        Some(gateway.id.to_string())
    }

    #[test]
    fn only_the_listed_identity_is_recognised() {
        let envoys = list(&["spiffe://example.org/envoy/edge", "dns:envoy.example.org"]);
        let edge = "spiffe://example.org/envoy/edge";
        assert_eq!(recognised(&envoys, &[edge], &[]).as_deref(), Some(edge));
        let dns = Some("dns:envoy.example.org".to_owned());
        assert_eq!(recognised(&envoys, &[], &["envoy.example.org"]), dns);
        assert_eq!(
            recognised(&envoys, &[], &["other.example.org", "Envoy.Example.org"]),
            dns
        );
        for (uris, names) in [
            (&[][..], &[][..]),
            (&["spiffe://example.org/envoy/edge/x"], &[]),
            (&["spiffe://example.org/envoy"], &[]),
            (&["spiffe://example.org/envoy/Edge"], &[]),
            (&["spiffe://example.com/envoy/edge"], &[]),
            (&[edge, "spiffe://example.org/envoy/other"], &[]),
            (&[edge, "https://example.org/"], &[]),
            (
                &["spiffe://example.org/envoy/../edge"],
                &["envoy.example.org"],
            ),
            (&["dns:envoy.example.org"], &[]),
            (&[], &["*.example.org"]),
            (&[], &["envoy.example.org.evil"]),
            (&[], &["xenvoy.example.org"]),
        ] {
            assert_eq!(recognised(&envoys, uris, names), None, "{uris:?} {names:?}");
        }
    }

    #[test]
    fn a_star_stays_within_its_segment_and_an_exact_entry_wins() {
        let envoys = list(&[
            "spiffe://example.org/envoy/*",
            "spiffe://example.org/envoy/edge",
            "spiffe://example.org/ns/*/sa/envoy",
        ]);
        let of = |id: &str| recognised(&envoys, &[id], &[]);
        for id in [
            "spiffe://example.org/envoy/edge",
            "spiffe://example.org/envoy/inner",
            "spiffe://example.org/ns/prod/sa/envoy",
        ] {
            assert_eq!(of(id).as_deref(), Some(id));
        }
        for id in [
            "spiffe://example.org/envoy/a/b",
            "spiffe://example.org/ns/a/b/sa/envoy",
            "spiffe://example.org/ns/prod/sa/other",
            "spiffe://example.com/envoy/edge",
        ] {
            assert_eq!(of(id), None, "{id}");
        }
    }

    #[test]
    fn what_two_entries_claim_is_nobodys() {
        let envoys = list(&[
            "spiffe://example.org/*/edge",
            "spiffe://example.org/envoy/*",
        ]);
        assert_eq!(
            recognised(&envoys, &["spiffe://example.org/envoy/edge"], &[]),
            None
        );
        let envoys = list(&["dns:a.example.org", "dns:b.example.org"]);
        assert_eq!(
            recognised(&envoys, &[], &["a.example.org", "b.example.org"]),
            None
        );
    }

    #[test]
    fn what_names_nobody_is_refused_where_it_stands() {
        for id in [
            "",
            "edge",
            "spiffe://example.org",
            "spiffe://*.example.org/envoy",
            "spiffe://*/envoy",
            "spiffe://example.org/envoy/..",
            "SPIFFE://example.org/envoy",
            "dns:",
            "dns:*.example.org",
            "dns:Envoy.example.org",
            "dns:127.0.0.1",
            "dns:-a.example.org",
            "cn:envoy",
        ] {
            let findings = Envoys::compile(&[spec("dns:a.example"), spec(id)]).unwrap_err();
            assert_eq!(findings[0].code, "invalid-envoy", "{id}");
            assert!(findings[0].to_string().contains("id: "), "{findings:?}");
        }
        let twice = Envoys::compile(&[spec("dns:a.example"), spec("dns:a.example")]).unwrap_err();
        assert_eq!(twice[0].code, "repeated-envoy");
        let bound = |routes: &[&str]| {
            let routes = routes.iter().map(|id| (*id).to_owned()).collect();
            let spec = EnvoySpec {
                routes: Some(routes),
                ..spec("dns:a.example")
            };
            Envoys::compile(&[spec]).unwrap_err()[0].code
        };
        assert_eq!(bound(&[]), "no-routes");
        assert_eq!(bound(&["a b"]), "invalid-name");
    }
}
