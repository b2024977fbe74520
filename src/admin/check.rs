//! What is wrong with the `admin` section, and what to write instead.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::access::{Access, Entry, MIN_TOKEN, San};
use super::origin::Origin;
use super::settings::Surroundings;
use super::spec::AccessSpec;
use crate::keys::secret::{Secret, SecretSpec};
use crate::model::finding::Finding;
use crate::model::glob::Glob;
use crate::model::list::OneOrMany;
use crate::model::name::{ProviderName, RuleId};
use crate::model::party::Kind;
use crate::model::suggest::suggest;

/// Most entries: each costs a comparison, and a file that is read, for a request.
const MAX_ENTRIES: usize = 64;

/// An address, or nothing at all.
pub(super) fn listen(text: &str) -> Result<Option<SocketAddr>, Finding> {
    if text == "none" {
        return Ok(None);
    }
    if let Ok(address) = text.parse() {
        return Ok(Some(address));
    }
    let message = format!(
        "`{text}` is not an address to listen on: write an IP address and a port, for example `127.0.0.1:9193`, or `none`"
    );
    Err(Finding::error("invalid-setting", message).under("listen"))
}

pub(super) fn url(text: Option<&str>, findings: &mut Vec<Finding>) -> Option<Origin> {
    let text = text?;
    let origin = Origin::parse(text);
    if origin.is_none() {
        let message = format!("`{text}` is not a URL such as `https://ops.example.com:9193`");
        findings.push(Finding::error("invalid-setting", message).under("url"));
    }
    origin
}

pub(super) fn no_audience() -> Finding {
    let message = "tokens of a provider are meant for somebody, and nothing says who this is";
    Finding::error("missing-audience", message)
        .help("write `url: https://ops.example.com:9193`, or the `audience` of the tokens")
        .under("access")
}

pub(super) fn exposed(address: SocketAddr, insecure: bool) -> Finding {
    if insecure {
        let message = "the admin listener can be reached from other machines without TLS or without saying who asks";
        let help = "write `tls` and `access`, or listen on loopback";
        return Finding::warning("insecure-listener", message)
            .help(help)
            .under("insecure");
    }
    let message = format!("`{address}` can be reached from other machines");
    Finding::error("exposed-listener", message)
        .help("write `tls` and `access`, listen on `127.0.0.1:9193`, or write `insecure: true` if the network keeps others out")
        .under("listen")
}

/// Who may change something. A mistake leaves its entry out, and is an error.
pub(super) fn access(
    specs: Vec<AccessSpec>,
    around: &Surroundings<'_>,
    has_client_ca: bool,
    findings: &mut Vec<Finding>,
) -> Access {
    if specs.len() > MAX_ENTRIES {
        let message = format!("more than `{MAX_ENTRIES}` entries: use groups of a provider");
        findings.push(Finding::error("out-of-range", message).under("access"));
    }
    let mut names = BTreeSet::new();
    let mut entries = Vec::new();
    for (index, spec) in specs.into_iter().take(MAX_ENTRIES).enumerate() {
        let place = |finding: Finding| finding.under(index).under("access");
        let repeated = spec.name.clone().filter(|name| !names.insert(name.clone()));
        if let Some(name) = repeated {
            let message = format!("another entry is called `{name}` too");
            findings.push(place(
                Finding::error("duplicate-name", message).under("name"),
            ));
        }
        match entry(spec, around, has_client_ca) {
            Ok(entry) => entries.push(entry),
            Err(wrong) => findings.extend(wrong.into_iter().map(place)),
        }
    }
    Access::new(entries)
}

fn entry(
    spec: AccessSpec,
    around: &Surroundings<'_>,
    has_client_ca: bool,
) -> Result<Entry, Vec<Finding>> {
    let AccessSpec {
        name,
        token,
        mtls,
        provider,
        kind,
        id,
        group,
    } = spec;
    let mut findings = Vec::new();
    let name = name.and_then(|name| named(&name, &mut findings));
    let selects = kind.is_some() || id.is_some() || group.is_some();
    let entry = match (token, mtls, provider) {
        (Some(secret), None, None) if !selects => {
            token_entry(name, secret, around.files, &mut findings)
        }
        (None, Some(names), None) if !selects => {
            let sans = sans(&names, has_client_ca, &mut findings);
            Some(Entry::Certificate { name, sans })
        }
        (None, None, Some(provider)) => {
            provider_entry(name, &provider, around, [kind, id, group], &mut findings)
        }
        _ => {
            let message = "an entry has exactly one of `token`, `mtls` and `provider`; `kind`, `id` and `group` go with `provider`";
            findings.push(Finding::error("invalid-access", message).help(
                "for example `{ name: ops, token: { file: ops.token } }` or `{ provider: corp, group: platform-admins }`",
            ));
            None
        }
    };
    entry.filter(|_| findings.is_empty()).ok_or(findings)
}

/// A name as records show it.
fn named(text: &str, findings: &mut Vec<Finding>) -> Option<Arc<str>> {
    if let Ok(name) = RuleId::new(text) {
        return Some(name.shared());
    }
    let message = format!("`{text}` is not a name: use letters, digits, `_`, `-` and `.`");
    findings.push(Finding::error("invalid-name", message).under("name"));
    None
}

fn token_entry(
    name: Option<Arc<str>>,
    secret: SecretSpec,
    look: bool,
    findings: &mut Vec<Finding>,
) -> Option<Entry> {
    let found = look.then(|| Secret::load(&secret, Path::new("")));
    match found {
        Some(Ok(found)) if !Access::is_token(found.expose()) => {
            let message = format!(
                "the token is no secret for a `Bearer` credential: at least {MIN_TOKEN} letters, digits and `-._~+/`"
            );
            let finding = Finding::error("invalid-token", message);
            findings.push(
                finding
                    .help("make one with `openssl rand -hex 32`")
                    .under("token"),
            );
        }
        Some(Ok(_)) | None => {}
        Some(Err(error)) => {
            findings.push(Finding::error("invalid-token", error.to_string()).under("token"));
        }
    }
    if name.is_none() && findings.is_empty() {
        let message = "a token says nothing about who has it: write a `name` for the records";
        findings.push(Finding::error("missing-name", message));
    }
    Some(Entry::Token {
        name: name?,
        secret,
    })
}

fn sans(names: &OneOrMany<String>, has_client_ca: bool, findings: &mut Vec<Finding>) -> Vec<San> {
    let mut sans = Vec::new();
    for (index, text) in names.items().iter().enumerate() {
        if let Some(san) = San::parse(text) {
            sans.push(san);
            continue;
        }
        let message = format!("`{text}` names no certificate");
        let finding = Finding::error("invalid-certificate-name", message)
            .help("write `spiffe://example.org/ops/*` or `dns:ops.example.com`");
        findings.push(names.place(index, finding).under("mtls"));
    }
    if sans.is_empty() && findings.is_empty() {
        let message = "an empty list matches nobody";
        findings.push(Finding::error("empty-list", message).under("mtls"));
    }
    if !has_client_ca {
        let message = "nobody verifies certificates of clients here";
        let finding = Finding::error("missing-client-ca", message);
        findings.push(
            finding
                .help("write `tls: { certificate: …, key: …, client_ca: … }`")
                .under("mtls"),
        );
    }
    sans
}

fn provider_entry(
    name: Option<Arc<str>>,
    provider: &str,
    around: &Surroundings<'_>,
    selector: [Option<OneOrMany<String>>; 3],
    findings: &mut Vec<Finding>,
) -> Option<Entry> {
    let [kind, id, group] = selector;
    let known = around.providers.iter().find(|it| it.as_str() == provider);
    if known.is_none() && !around.incomplete {
        let message = format!("there is no provider `{provider}`");
        let near = suggest(provider, around.providers.iter().map(ProviderName::as_str));
        let finding = Finding::error("unknown-provider", message);
        let finding = match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding,
        };
        findings.push(finding.under("provider"));
    }
    if id.is_none() && group.is_none() {
        let message = "everybody that the provider knows could change this server";
        findings.push(
            Finding::error("access-too-wide", message)
                .help("add `group` or `id`, for example `group: platform-admins`"),
        );
    }
    for (key, list) in [("kind", &kind), ("id", &id), ("group", &group)] {
        if list.as_ref().is_some_and(|list| list.items().is_empty()) {
            let message = "an empty list matches nobody";
            findings.push(Finding::error("empty-list", message).under(key));
        }
    }
    let globs = |list: Option<OneOrMany<String>>| {
        list.map(|list| {
            list.items()
                .iter()
                .map(|text| Glob::identifier(text))
                .collect()
        })
    };
    Some(Entry::Party {
        name,
        provider: known?.clone(),
        kinds: kind.map(|kinds| compile_kinds(&kinds, findings)),
        ids: globs(id),
        groups: globs(group),
    })
}

fn compile_kinds(kinds: &OneOrMany<String>, findings: &mut Vec<Finding>) -> Vec<Kind> {
    let mut compiled = Vec::new();
    for (index, text) in kinds.items().iter().enumerate() {
        match text.parse::<Kind>() {
            Ok(Kind::Anonymous) => {
                let message = "an anonymous caller changes nothing";
                let finding = Finding::error("invalid-kind", message);
                findings.push(kinds.place(index, finding).under("kind"));
            }
            Ok(kind) => compiled.push(kind),
            Err(error) => {
                let finding = Finding::error("invalid-kind", error.to_string());
                findings.push(kinds.place(index, finding).under("kind"));
            }
        }
    }
    compiled
}
