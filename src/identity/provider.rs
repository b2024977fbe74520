//! One checked provider, and how it is made of what the user wrote and what its preset knows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize as _;
use serde::de::value::{Error as PlainError, MapDeserializer};

use super::chain;
use super::declared::DeclaredClaim;
use super::mapping::Mapping;
use super::payload::is_fit;
use super::preset::{self, Preset};
use super::spec::{ClaimSpec, JwtSpec, UnregisteredClientSpec};
use super::token_type::{OTHER_TYPES, TokenTypes, normalised};
use crate::keys::{Algorithm, KeySource, KeySourceSpec};
use crate::model::duration::HumanDuration;
use crate::model::finding::Finding;
use crate::model::identity::UnregisteredClient;
use crate::model::list::OneOrMany;
use crate::model::name::ProviderName;

/// The largest `leeway` (RFC 7519, section 4.1.4: "usually no more than a few minutes"; we trust clocks more).
const MAX_LEEWAY: HumanDuration = HumanDuration::from_secs(60);

/// A provider of signed access tokens.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) name: ProviderName,
    /// The exact `iss`.
    pub(super) issuer: Box<str>,
    pub(super) source: KeySource,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) types: TokenTypes,
    pub(super) leeway: Duration,
    pub(super) max_delegation_depth: usize,
    pub(super) unregistered_client: UnregisteredClient,
    /// Claims that may name the client; the first that is there does.
    pub(super) client: Vec<Box<str>>,
    pub(super) claims: Vec<DeclaredClaim>,
    pub(super) mapping: Mapping,
}

impl Provider {
    /// Checks a specification and reports everything that is wrong with it; relative files start at `base`.
    pub(super) fn compile(
        name: ProviderName,
        spec: JwtSpec,
        base: &Path,
    ) -> Result<Self, Vec<Finding>> {
        let JwtSpec {
            issuer,
            keys,
            preset,
            algorithms,
            typ,
            leeway,
            max_delegation_depth,
            unregistered_client,
            client,
            claims,
            map,
        } = spec;
        let preset = preset::find(preset);
        let mut findings = Findings::default();
        let checked = findings.keep("issuer", check_issuer(&issuer));
        let source = findings.keep("keys", key_source(&name, &issuer, keys, base));
        let algorithms = findings.keep("algorithms", check_algorithms(algorithms, preset));
        let types = findings.keep_all(check_types(typ, preset));
        let leeway = findings.keep("leeway", check_leeway(leeway));
        let depth = findings.keep("max_delegation_depth", check_depth(max_delegation_depth));
        let unregistered_client = findings.keep(
            "unregistered_client",
            check_unregistered(unregistered_client),
        );
        let client = findings.keep("client", check_client(client, preset));
        let claims = findings.keep_all(check_claims(claims, preset));
        let mapping = findings.keep_all(Mapping::compile(map, preset));
        let provider = || {
            let () = checked?;
            Some(Self {
                name,
                issuer: issuer.into(),
                source: source?,
                algorithms: algorithms?,
                types: types?,
                leeway: leeway?,
                max_delegation_depth: depth?,
                unregistered_client: unregistered_client?,
                client: client?,
                claims: claims?,
                mapping: mapping?,
            })
        };
        provider().ok_or(findings.0)
    }
}

/// Everything that is wrong so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn keep<T>(&mut self, field: &str, result: Result<T, Finding>) -> Option<T> {
        self.keep_all(result.map_err(|finding| vec![finding.under(field)]))
    }

    fn keep_all<T>(&mut self, result: Result<T, Vec<Finding>>) -> Option<T> {
        result.map_err(|findings| self.0.extend(findings)).ok()
    }
}

fn check_issuer(issuer: &str) -> Result<(), Finding> {
    if is_fit(issuer) && !issuer.contains(' ') {
        return Ok(());
    }
    let message = "the issuer is empty, too long or has spaces or control characters";
    Err(Finding::error("invalid-issuer", message)
        .help("write the `iss` of its tokens, character by character"))
}

/// The keys of the issuer; without a place they are where its discovery document says.
fn key_source(
    name: &ProviderName,
    issuer: &str,
    spec: Option<KeySourceSpec>,
    base: &Path,
) -> Result<KeySource, Finding> {
    let spec = match spec {
        Some(spec) if spec.url.is_none() && spec.discovery.is_none() && spec.file.is_none() => {
            KeySourceSpec {
                discovery: Some(issuer.to_owned()),
                ..spec
            }
        }
        Some(spec) => spec,
        None => {
            let place =
                MapDeserializer::<_, PlainError>::new(std::iter::once(("discovery", issuer)));
            KeySourceSpec::deserialize(place).map_err(|error| invalid_keys(&error))?
        }
    };
    KeySource::compile(name.as_str(), spec, base).map_err(|error| invalid_keys(&error))
}

fn invalid_keys(error: &impl ToString) -> Finding {
    Finding::error("invalid-keys", error.to_string())
        .help("without a place, keys are found by OpenID discovery of `issuer`; else set `url`, `discovery` or `file`")
}

fn check_algorithms(
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

fn check_types(
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

fn check_leeway(leeway: HumanDuration) -> Result<Duration, Finding> {
    if leeway > MAX_LEEWAY {
        let message = format!("`{leeway}` is too much: at most `{MAX_LEEWAY}`");
        return Err(Finding::error("out-of-range", message));
    }
    Ok(leeway.get())
}

fn check_depth(depth: usize) -> Result<usize, Finding> {
    if depth > chain::MAX_DEPTH {
        let message = format!("`{depth}` is too deep: at most `{}`", chain::MAX_DEPTH);
        return Err(Finding::error("out-of-range", message));
    }
    Ok(depth)
}

fn check_unregistered(spec: Option<UnregisteredClientSpec>) -> Result<UnregisteredClient, Finding> {
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

fn check_client(written: Option<String>, preset: &Preset) -> Result<Vec<Box<str>>, Finding> {
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
fn check_claims(
    written: BTreeMap<String, ClaimSpec>,
    preset: &Preset,
) -> Result<Vec<DeclaredClaim>, Vec<Finding>> {
    let known = preset
        .claims
        .iter()
        .filter(|claim| !written.contains_key(claim.name));
    let mut claims: Vec<_> = known.filter_map(preset::PresetClaim::declared).collect();
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
