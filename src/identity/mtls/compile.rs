//! From what the user wrote to a provider of workloads, with every problem reported.

use super::Mtls;
use super::hops::{Hops, MAX_HOPS};
use super::spec::{MtlsSpec, WorkloadKind};
use crate::model::finding::Finding;
use crate::model::glob::Glob;
use crate::model::list::OneOrMany;
use crate::model::party::Kind;
use crate::model::spiffe::TrustDomain;

impl Mtls {
    /// Checks a specification and reports everything that is wrong with it.
    pub(in crate::identity) fn compile(spec: MtlsSpec) -> Result<Self, Vec<Finding>> {
        let MtlsSpec {
            trust_domains,
            trusted_hops,
            hops,
            kind,
        } = spec;
        let mut findings = Vec::new();
        let trust_domains = domains(&trust_domains, &mut findings);
        let names = names(&hops, &mut findings);
        if trusted_hops > MAX_HOPS {
            let message = format!("`{trusted_hops}` is too many: at most `{MAX_HOPS}`");
            findings.push(Finding::error("out-of-range", message).under("trusted_hops"));
        }
        if trusted_hops == 0 && !names.is_empty() {
            let finding =
                Finding::error("useless-hops", "`hops` without `trusted_hops` say nothing");
            let help = "write how many of them a request goes through: `trusted_hops: 1`";
            findings.push(finding.help(help).under("hops"));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Self {
            trust_domains,
            hops: Hops::new(trusted_hops, names),
            kind: kind.into(),
        })
    }
}

fn domains(written: &OneOrMany<String>, findings: &mut Vec<Finding>) -> Vec<TrustDomain> {
    if written.items().is_empty() {
        let finding = Finding::error(
            "no-trust-domain",
            "no trust domain is named, so nobody is known",
        );
        let help = "write `trust_domains: [example.org]`";
        findings.push(finding.help(help).under("trust_domains"));
    }
    let mut domains = Vec::new();
    for (item, name) in written.items().iter().enumerate() {
        let finding = match TrustDomain::parse(name) {
            Some(domain) if domains.contains(&domain) => {
                let message = format!("`{name}` stands here twice");
                Finding::error("duplicate-trust-domain", message)
            }
            Some(domain) => {
                domains.push(domain);
                continue;
            }
            None => not_a_domain(name),
        };
        findings.push(written.place(item, finding).under("trust_domains"));
    }
    domains
}

/// What is wrong with the name of a trust domain.
pub(in crate::identity) fn not_a_domain(name: &str) -> Finding {
    Finding::error(
        "invalid-trust-domain",
        format!("`{name}` is not a trust domain"),
    )
    .help("write its name alone, in lower case and without `spiffe://`: `example.org`")
}

/// A pattern never reaches into the trust domain: `spiffe://example*/envoy` would trust whoever registers such a name.
fn names(written: &OneOrMany<String>, findings: &mut Vec<Finding>) -> Vec<Glob> {
    let sound = |text: &str| {
        let parts = text
            .strip_prefix("spiffe://")
            .and_then(|rest| rest.split_once('/'));
        parts.is_some_and(|(domain, path)| !path.is_empty() && TrustDomain::parse(domain).is_some())
    };
    let mut names = Vec::new();
    for (item, text) in written.items().iter().enumerate() {
        if sound(text) {
            names.push(Glob::identifier(text));
        } else {
            let message = format!("`{text}` is not a SPIFFE ID with a trust domain and a path");
            let finding = Finding::error("invalid-hop", message);
            let finding = finding.help("write for example `spiffe://example.org/envoy/*`");
            findings.push(written.place(item, finding).under("hops"));
        }
    }
    names
}

impl From<WorkloadKind> for Kind {
    fn from(kind: WorkloadKind) -> Self {
        match kind {
            WorkloadKind::Service => Self::Service,
            WorkloadKind::Agent => Self::Agent,
        }
    }
}
