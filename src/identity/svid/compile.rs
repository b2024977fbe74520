//! From what the user wrote to a provider of JWT-SVIDs, with every problem reported.

use std::path::Path;

use super::{BundleSpec, JwtSvidSpec, Svid};
use crate::identity::check;
use crate::identity::mtls::not_a_domain;
use crate::identity::token_type::TokenTypes;
use crate::keys::{Algorithm, KeySource, KeySourceSpec};
use crate::model::finding::Finding;
use crate::model::list::OneOrMany;
use crate::model::name::ProviderName;
use crate::model::spiffe::TrustDomain;

/// What a JWT-SVID may be signed with (section 2.1), less `ES512`, which is not implemented here.
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
];

/// Accepted `typ` headers (section 2.3); one without any counts as `JWT`.
const TYPES: [&str; 2] = ["JWT", "JOSE"];

impl Svid {
    /// Checks a specification and reports everything that is wrong with it; relative files start at `base`.
    pub(in crate::identity) fn compile(
        name: ProviderName,
        spec: JwtSvidSpec,
        base: &Path,
    ) -> Result<Self, Vec<Finding>> {
        let JwtSvidSpec {
            trust_domain,
            bundle,
            algorithms,
            leeway,
            kind,
        } = spec;
        let mut findings = Vec::new();
        let domain = TrustDomain::parse(&trust_domain)
            .ok_or_else(|| findings.push(not_a_domain(&trust_domain).under("trust_domain")));
        let source = bundle_source(&name, bundle, base)
            .map_err(|finding| findings.push(finding.under("bundle")));
        let algorithms = accepted(algorithms.as_ref()).map_err(|wrong| {
            findings.extend(wrong.into_iter().map(|it| it.under("algorithms")));
        });
        let leeway =
            check::leeway(leeway).map_err(|finding| findings.push(finding.under("leeway")));
        match (domain, source, algorithms, leeway) {
            (Ok(trust_domain), Ok(source), Ok(algorithms), Ok(leeway)) => Ok(Self {
                name,
                trust_domain,
                source,
                algorithms,
                types: TokenTypes::new(TYPES),
                leeway,
                kind: kind.into(),
            }),
            _ => Err(findings),
        }
    }
}

fn bundle_source(name: &ProviderName, spec: BundleSpec, base: &Path) -> Result<KeySource, Finding> {
    let BundleSpec {
        url,
        file,
        refresh,
        stale_for,
        min_interval,
        timeout,
        max_bytes,
        insecure,
    } = spec;
    if url.is_some() == file.is_some() {
        let finding = Finding::error("invalid-bundle", "name exactly one of `url` and `file`");
        return Err(finding.help(
            "a bundle is not found by discovery: the trust domain's operator says where it is",
        ));
    }
    let spec = KeySourceSpec {
        url,
        discovery: None,
        file,
        refresh,
        stale_for,
        min_interval,
        timeout,
        max_bytes,
        insecure,
    };
    KeySource::compile(name.as_str(), spec, base)
        .map(KeySource::of_bundle)
        .map_err(|error| Finding::error("invalid-bundle", error.to_string()))
}

fn accepted(written: Option<&OneOrMany<Algorithm>>) -> Result<Vec<Algorithm>, Vec<Finding>> {
    let Some(written) = written else {
        return Ok(ALGORITHMS.to_vec());
    };
    if written.items().is_empty() {
        let message = "no algorithm is accepted, so no token is: name at least one";
        return Err(vec![Finding::error("no-algorithm", message)]);
    }
    let items = written.items().iter().enumerate();
    let foreign = items.filter(|(_, algorithm)| !ALGORITHMS.contains(algorithm));
    let wrong: Vec<Finding> = foreign
        .map(|(item, algorithm)| {
            let message = format!("no JWT-SVID is signed with `{algorithm}`: remove it");
            written.place(item, Finding::error("invalid-algorithm", message))
        })
        .collect();
    if wrong.is_empty() {
        Ok(written.items().to_vec())
    } else {
        Err(wrong)
    }
}
