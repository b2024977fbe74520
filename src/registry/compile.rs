//! From what the user wrote to the registry, with every problem reported.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::spec::{RegisteredSpec, RegistrySpec, StatusSpec};
use super::{Registered, Registry, Status};
use crate::model::finding::Finding;
use crate::model::list::OneOrMany;
use crate::model::name::ProviderName;
use crate::model::party::{Kind, PartyId};
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
    } = spec;
    let mut findings = Vec::new();
    let mut keep = |finding: Finding, field: &str| findings.push(finding.under(field));
    let issuer = check_issuer(&issuer, providers).map_err(|finding| keep(finding, "issuer"));
    let id = check_text("an id", &id).map_err(|finding| keep(finding, "id"));
    let kind = check_kind(&kind).map_err(|finding| keep(finding, "kind"));
    let owner = check_owner(owner).map_err(|finding| keep(finding, "owner"));
    let expires = expires.as_deref().map(check_date).transpose();
    let expires = expires.map_err(|finding| keep(finding, "expires"));
    let groups = check_groups(&groups).map_err(|wrong| {
        for finding in wrong {
            keep(finding, "groups");
        }
    });
    match (issuer, id, kind, owner, groups, expires) {
        (Ok(issuer), Ok(id), Ok(kind), Ok(owner), Ok(groups), Ok(expires)) => {
            let registered = Registered {
                kind,
                owner,
                groups,
                status: status.into(),
                expires,
            };
            Ok((PartyId::new(issuer, id), registered))
        }
        _ => Err(findings),
    }
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

fn check_groups(groups: &OneOrMany<String>) -> Result<Vec<Arc<str>>, Vec<Finding>> {
    let mut checked = Vec::new();
    let mut findings = Vec::new();
    for (position, group) in groups.items().iter().enumerate() {
        match (check_text("a group", group), groups.index(position)) {
            (Ok(group), _) => checked.push(group),
            (Err(finding), Some(index)) => findings.push(finding.under(index)),
            (Err(finding), None) => findings.push(finding),
        }
    }
    if findings.is_empty() {
        Ok(checked)
    } else {
        Err(findings)
    }
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
