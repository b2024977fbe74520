//! The fields of a provider, checked one by one against what its preset knows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize as _;
use serde::de::value::{Error as PlainError, MapDeserializer};

use super::chain;
use super::declared::DeclaredClaim;
use super::payload::is_fit;
use super::preset::{Preset, PresetClaim};
use super::spec::{ClaimSpec, UnregisteredClientSpec};
use super::token_type::{OTHER_TYPES, TokenTypes, normalised};
use crate::keys::{Algorithm, KeySource, KeySourceSpec};
use crate::model::duration::HumanDuration;
use crate::model::finding::Finding;
use crate::model::identity::UnregisteredClient;
use crate::model::list::OneOrMany;
use crate::model::name::ProviderName;

/// The largest `leeway` (RFC 7519, section 4.1.4: "usually no more than a few minutes"; we trust clocks more).
const MAX_LEEWAY: HumanDuration = HumanDuration::from_secs(60);

pub(super) fn issuer(issuer: &str) -> Result<(), Finding> {
    if is_fit(issuer) && !issuer.contains(' ') {
        return Ok(());
    }
    let message = "the issuer is empty, too long or has spaces or control characters";
    Err(Finding::error("invalid-issuer", message)
        .help("write the `iss` of its tokens, character by character"))
}

/// The keys of the issuer; without a place they are where its discovery document says.
pub(super) fn key_source(
    name: &ProviderName,
    issuer: &str,
    spec: Option<KeySourceSpec>,
    base: &Path,
) -> Result<KeySource, Finding> {
    let mut spec = match spec {
        Some(spec) => spec,
        None => nothing_written().map_err(|error| invalid_keys(&error))?,
    };
    if spec.url.is_none() && spec.discovery.is_none() && spec.file.is_none() {
        spec.discovery = Some(issuer.to_owned());
    }
    KeySource::compile(name.as_str(), spec, base).map_err(|error| invalid_keys(&error))
}

/// The defaults of a key source.
fn nothing_written() -> Result<KeySourceSpec, PlainError> {
    KeySourceSpec::deserialize(MapDeserializer::new(std::iter::empty::<(&str, &str)>()))
}

fn invalid_keys(error: &impl ToString) -> Finding {
    Finding::error("invalid-keys", error.to_string())
        .help("without a place, keys are found by OpenID discovery of `issuer`; else set `url`, `discovery` or `file`")
}

pub(super) fn algorithms(
    written: Option<OneOrMany<Algorithm>>,
    preset: &Preset,
) -> Result<Vec<Algorithm>, Finding> {
    let algorithms = written.map_or_else(
        || preset.algorithms.to_vec(),
        |written| written.items().to_vec(),
    );
    if algorithms.is_empty() {
        let message = "no algorithm is accepted, so no token is: name at least one";
        return Err(Finding::error("no-algorithm", message));
    }
    Ok(algorithms)
}

pub(super) fn types(
    written: Option<OneOrMany<String>>,
    preset: &Preset,
) -> Result<TokenTypes, Vec<Finding>> {
    let Some(written) = written else {
        return Ok(TokenTypes::new(preset.types));
    };
    let mut findings = Vec::new();
    if written.items().is_empty() {
        let message = "no type is accepted, so no token is: name at least one";
        findings.push(Finding::error("no-type", message).under("typ"));
    }
    for (index, typ) in written.items().iter().enumerate() {
        if let Some(finding) = other_type(typ) {
            let finding = match written.index(index) {
                Some(index) => finding.under(index),
                None => finding,
            };
            findings.push(finding.under("typ"));
        }
    }
    if findings.is_empty() {
        Ok(TokenTypes::new(written.items()))
    } else {
        Err(findings)
    }
}

/// What is wrong with accepting this type.
fn other_type(typ: &str) -> Option<Finding> {
    let plain = normalised(typ);
    if plain.is_empty() {
        return Some(Finding::error("invalid-type", "a type is not empty"));
    }
    let (_, what) = OTHER_TYPES.iter().find(|(other, _)| *other == plain)?;
    let message = format!("`{typ}` is {what}, which is never an access token: remove it");
    Some(Finding::error("invalid-type", message))
}

pub(super) fn leeway(leeway: HumanDuration) -> Result<Duration, Finding> {
    if leeway > MAX_LEEWAY {
        let message = format!("`{leeway}` is too much: at most `{MAX_LEEWAY}`");
        return Err(Finding::error("out-of-range", message));
    }
    Ok(leeway.get())
}

pub(super) fn depth(depth: usize) -> Result<usize, Finding> {
    if depth > chain::MAX_DEPTH {
        let message = format!("`{depth}` is too deep: at most `{}`", chain::MAX_DEPTH);
        return Err(Finding::error("out-of-range", message));
    }
    Ok(depth)
}

pub(super) fn unregistered(
    spec: Option<UnregisteredClientSpec>,
) -> Result<UnregisteredClient, Finding> {
    match spec {
        Some(UnregisteredClientSpec::Deny) => Ok(UnregisteredClient::Deny),
        Some(UnregisteredClientSpec::Subject) => Ok(UnregisteredClient::Subject),
        Some(UnregisteredClientSpec::Service) => Ok(UnregisteredClient::Service),
        Some(UnregisteredClientSpec::Agent) => Ok(UnregisteredClient::Agent),
        None => {
            let message = "`unregistered_client` is missing: say what a client becomes that the registry does not know";
            Err(Finding::error("missing-unregistered-client", message).help(
                "`deny` refuses the token; `subject` lets the subject act alone, as with a web page of your own; \
                 `service` and `agent` make the client an actor of that kind, which needs a permit of its own",
            ))
        }
    }
}

pub(super) fn client(written: Option<String>, preset: &Preset) -> Result<Vec<Box<str>>, Finding> {
    match written {
        Some(name) if name.is_empty() => Err(Finding::error(
            "invalid-claim",
            "the name of a claim is not empty",
        )),
        Some(name) => Ok(vec![name.into()]),
        None => Ok(preset.client.iter().map(|name| Box::from(*name)).collect()),
    }
}

/// The preset's claims, and the user's: a name of both is the user's.
pub(super) fn claims(
    written: BTreeMap<String, ClaimSpec>,
    preset: &Preset,
) -> Result<Vec<DeclaredClaim>, Vec<Finding>> {
    let known = preset
        .claims
        .iter()
        .filter(|claim| !written.contains_key(claim.name));
    let mut claims: Vec<_> = known.filter_map(PresetClaim::declared).collect();
    let mut findings = Vec::new();
    for (name, spec) in written {
        match DeclaredClaim::compile(&name, spec) {
            Ok(claim) => claims.push(claim),
            Err(wrong) => {
                let wrong = wrong
                    .into_iter()
                    .map(|finding| finding.under(name.as_str()).under("claims"));
                findings.extend(wrong);
            }
        }
    }
    if findings.is_empty() {
        Ok(claims)
    } else {
        Err(findings)
    }
}
