//! From what the user wrote to the registry, with every problem reported.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _};

use super::spec::{RegisteredSpec, RegistrySpec, StatusSpec};
use super::{Registered, Registry, Rotation, Status};
use crate::model::duration::HumanDuration;
use crate::model::finding::Finding;
use crate::model::glob::Glob;
use crate::model::list::OneOrMany;
use crate::model::name::ProviderName;
use crate::model::party::{Kind, PartyId};
use crate::model::spiffe::TrustDomain;
use crate::model::suggest::suggest;
use crate::model::time::Timestamp;

/// The only version of the file.
const VERSION: u64 = 1;
/// Longest id, owner or group, in bytes; a credential with a longer one is refused anyway.
const MAX_TEXT: usize = 1024;

impl Registry {
    /// Checks the identities against the `providers` that there are. Paths of findings start at the file.
    pub fn compile(
        spec: RegistrySpec,
        providers: &BTreeSet<ProviderName>,
    ) -> Result<Self, Vec<Finding>> {
        let RegistrySpec {
            version,
            identities,
        } = spec;
        let mut findings = Vec::new();
        if version != VERSION {
            let message = format!("version `{version}` is not known: write `version: {VERSION}`");
            findings.push(Finding::error("unknown-version", message).under("version"));
        }
        let mut known = HashMap::with_capacity(identities.len());
        for (index, spec) in identities.into_iter().enumerate() {
            let place = |finding: Finding| finding.under(index).under("identities");
            match check(spec, providers) {
                Ok((id, registered)) => match known.entry(id) {
                    Entry::Vacant(entry) => {
                        entry.insert(registered);
                    }
                    Entry::Occupied(entry) => findings.push(place(duplicate(entry.key()))),
                },
                Err(wrong) => findings.extend(wrong.into_iter().map(place)),
            }
        }
        if findings.is_empty() {
            Ok(Self { known })
        } else {
            Err(findings)
        }
    }
}

fn duplicate(id: &PartyId) -> Finding {
    let message = format!("`{id}` is registered twice: keep one entry");
    Finding::error("duplicate-identity", message).under("id")
}

fn check(
    spec: RegisteredSpec,
    providers: &BTreeSet<ProviderName>,
) -> Result<(PartyId, Registered), Vec<Finding>> {
    let RegisteredSpec {
        issuer,
        id,
        kind,
        owner,
        groups,
        status,
        expires,
        workloads,
        environment,
        rotated,
        rotate_every,
    } = spec;
    let mut findings = Vec::new();
    let mut keep = |finding: Finding, field: &str| findings.push(finding.under(field));
    let issuer = check_issuer(&issuer, providers).map_err(|finding| keep(finding, "issuer"));
    let id = check_text("an id", &id).map_err(|finding| keep(finding, "id"));
    let kind = check_kind(&kind).map_err(|finding| keep(finding, "kind"));
    let owner = check_owner(owner).map_err(|finding| keep(finding, "owner"));
    let expires = expires.as_deref().map(check_date).transpose();
    let expires = expires.map_err(|finding| keep(finding, "expires"));
    let rotated = rotated.as_deref().map(check_date).transpose();
    let rotated = rotated.map_err(|finding| keep(finding, "rotated"));
    let rotation = match (rotated, rotate_every) {
        (Err(()), _) => Err(()),
        (Ok(None), Some(_)) => {
            keep(rotation_unknown(), "rotate_every");
            Err(())
        }
        (Ok(at), every) => {
            let every = every.map(HumanDuration::get);
            Ok(at.map(|at| Rotation { at, every }))
        }
    };
    let environment = environment
        .as_deref()
        .map(|name| check_text("an environment", name));
    let environment = environment
        .transpose()
        .map_err(|finding| keep(finding, "environment"));
    let groups = check_each(&groups, |group| check_text("a group", group)).map_err(|wrong| {
        for finding in wrong {
            keep(finding, "groups");
        }
    });
    let workloads = check_each(&workloads, check_workload).map_err(|wrong| {
        for finding in wrong {
            keep(finding, "workloads");
        }
    });
    let registered = || {
        let registered = Registered {
            kind: kind.ok()?,
            owner: owner.ok()?,
            groups: groups.ok()?.into(),
            status: status.into(),
            expires: expires.ok()?,
            workloads: workloads.ok()?,
            environment: environment.ok()?,
            rotation: rotation.ok()?,
        };
        Some((PartyId::new(issuer.ok()?, id.ok()?), registered))
    };
    registered().ok_or(findings)
}

fn rotation_unknown() -> Finding {
    let message = "`rotate_every` says nothing without the date of the last rotation";
    Finding::error("missing-key", message).help("add `rotated: 2026-01-31`")
}

fn check_issuer(issuer: &str, providers: &BTreeSet<ProviderName>) -> Result<ProviderName, Finding> {
    if let Some(known) = providers.iter().find(|name| name.as_str() == issuer) {
        return Ok(known.clone());
    }
    let names: Vec<&str> = providers.iter().map(ProviderName::as_str).collect();
    let message = match suggest(issuer, names.iter().copied()) {
        Some(meant) => format!("there is no provider `{issuer}`, did you mean `{meant}`?"),
        None => format!("there is no provider `{issuer}`"),
    };
    let finding = Finding::error("unknown-provider", message);
    Err(if names.is_empty() {
        finding.help("configure the provider first")
    } else {
        finding.help(format!("there is: {}", names.join(", ")))
    })
}

/// A text that can stand in a credential.
fn check_text(what: &str, text: &str) -> Result<Arc<str>, Finding> {
    if text.is_empty() || text.len() > MAX_TEXT || text.contains(char::is_control) {
        let message = format!("{what} has 1 to {MAX_TEXT} bytes and no control characters");
        return Err(Finding::error("invalid-text", message));
    }
    Ok(Arc::from(text))
}

fn check_kind(kind: &str) -> Result<Kind, Finding> {
    match kind.parse() {
        Ok(kind @ (Kind::Service | Kind::Agent)) => Ok(kind),
        Ok(Kind::Human | Kind::Anonymous) => {
            let message = format!(
                "a `{kind}` is not registered: this is the inventory of non-human identities"
            );
            Err(Finding::error("invalid-kind", message)
                .help("people come from their provider; use `service` or `agent`"))
        }
        Err(_) => {
            let message =
                format!("`{kind}` is not a kind of registered identity: use `service` or `agent`");
            Err(Finding::error("invalid-kind", message))
        }
    }
}

fn check_owner(owner: Option<String>) -> Result<Arc<str>, Finding> {
    let message = "the identity is an orphan: name the `owner` who answers for it";
    let owner = owner.ok_or_else(|| Finding::error("missing-owner", message))?;
    check_text("an owner", &owner)
}

/// Checks every item of a list; what is wrong stands at its index.
fn check_each<T>(
    list: &OneOrMany<String>,
    check: impl Fn(&str) -> Result<T, Finding>,
) -> Result<Vec<T>, Vec<Finding>> {
    let mut checked = Vec::new();
    let mut findings = Vec::new();
    for (position, item) in list.items().iter().enumerate() {
        match check(item) {
            Ok(item) => checked.push(item),
            Err(finding) => findings.push(list.place(position, finding)),
        }
    }
    if findings.is_empty() {
        Ok(checked)
    } else {
        Err(findings)
    }
}

/// A pattern never reaches into the trust domain: `spiffe://example*/ci` would trust whoever registers such a name.
fn check_workload(text: &str) -> Result<Glob, Finding> {
    let parts = text
        .strip_prefix("spiffe://")
        .and_then(|rest| rest.split_once('/'));
    if parts.is_some_and(|(domain, path)| TrustDomain::parse(domain).is_some() && !path.is_empty())
    {
        return Ok(Glob::identifier(text));
    }
    let message = "a workload is a SPIFFE ID with a trust domain and a path";
    Err(Finding::error("invalid-workload", message)
        .help("write for example `spiffe://example.org/ci/*`"))
}

fn check_date(text: &str) -> Result<Timestamp, Finding> {
    Timestamp::parse(text).ok_or_else(|| {
        let message =
            format!("`{text}` is not a date: write `2027-01-31` or `2027-01-31T08:00:00Z`");
        Finding::error("invalid-date", message)
    })
}

impl From<StatusSpec> for Status {
    fn from(spec: StatusSpec) -> Self {
        match spec {
            StatusSpec::Active => Self::Active,
            StatusSpec::Suspended => Self::Suspended,
            StatusSpec::Offboarded => Self::Offboarded,
        }
    }
}
