//! `require: [{ approval: … }]`, checked by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Approvers, Bind, Wanted, Who, bind};
use crate::model::duration::HumanDuration;
use crate::model::finding::Finding;
use crate::model::glob::Glob;
use crate::model::list::OneOrMany;
use crate::model::name::ProviderName;
use crate::model::party::Kind;
use crate::model::suggest::suggest;
use crate::policy::catalog::Catalog;
use crate::policy::spec::{ApprovalSpec, ApproverSpec};

/// The shortest and the longest `ttl` and `pending`.
const SPAN: [HumanDuration; 2] = [
    HumanDuration::from_secs(1),
    HumanDuration::from_secs(24 * 60 * 60),
];
/// Most uses of one approval: each is kept with it.
const MAX_USES: u32 = 1000;
/// Most approvers that one item of `from` can demand.
const MAX_QUORUM: u32 = 16;
/// Most items of `from`.
const MAX_FROM: usize = 16;

impl Wanted {
    /// Checks one approval; every mistake is reported, with a path relative to it.
    pub(in crate::policy) fn compile(
        spec: &ApprovalSpec,
        catalog: &Catalog<'_>,
    ) -> Result<Self, Vec<Finding>> {
        let ApprovalSpec {
            from,
            bind: bound,
            ttl,
            pending,
            uses,
            quorum,
            reason_required,
        } = spec;
        let mut findings = Vec::new();
        let from = compile_from(from, *quorum, catalog, &mut findings);
        let (bind, places) = match bound {
            Some(names) => bind::compile(names, &mut findings),
            None => (
                Bind {
                    everything: true,
                    names: Vec::new(),
                },
                Vec::new(),
            ),
        };
        let ttl = span("ttl", *ttl, &mut findings);
        let pending = span("pending", *pending, &mut findings);
        let uses = count("uses", *uses, MAX_USES, &mut findings);
        if findings.is_empty() {
            Ok(Self {
                from,
                ttl,
                pending,
                uses,
                bind,
                places,
                reason_required: *reason_required,
            })
        } else {
            Err(findings)
        }
    }
}

fn span(key: &'static str, value: HumanDuration, findings: &mut Vec<Finding>) -> Duration {
    let [shortest, longest] = SPAN;
    if value < shortest || value > longest {
        let message = format!("`{key}` is between `{shortest}` and `{longest}`");
        findings.push(Finding::error("out-of-range", message).under(key));
    }
    value.get()
}

fn count(key: &'static str, value: u32, most: u32, findings: &mut Vec<Finding>) -> u32 {
    if !(1..=most).contains(&value) {
        let message = format!("`{key}` is between 1 and {most}");
        findings.push(Finding::error("out-of-range", message).under(key));
    }
    value
}

/// Items without a `quorum` of their own are alternatives: together they are one demand. Items with one are a demand each.
fn compile_from(
    from: &OneOrMany<ApproverSpec>,
    quorum: Option<u32>,
    catalog: &Catalog<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<Approvers> {
    let items = from.items();
    if items.is_empty() || items.len() > MAX_FROM {
        let message = format!("`from` names 1 to {MAX_FROM} approvers");
        let finding = Finding::error("empty-from", message);
        findings.push(finding.help(EXAMPLE).under("from"));
        return Vec::new();
    }
    let of_items = items.iter().filter(|item| item.quorum.is_some()).count();
    if of_items > 0 && (of_items < items.len() || quorum.is_some()) {
        let message = "it is not clear how many of whom must approve";
        let help = "write one `quorum` beside `from` for all of them together, or one in every item of `from`";
        findings.push(
            Finding::error("ambiguous-quorum", message)
                .help(help)
                .under("from"),
        );
    }
    let mut each = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let mut wrong = Vec::new();
        let who = compile_who(item, catalog, &mut wrong);
        let own = count("quorum", item.quorum.unwrap_or(1), MAX_QUORUM, &mut wrong);
        let placed = wrong
            .into_iter()
            .map(|finding| from.place(index, finding).under("from"));
        findings.extend(placed);
        each.push((who, own));
    }
    let approvers: Vec<Approvers> = if of_items > 0 {
        let each = each.into_iter();
        each.map(|(who, quorum)| Approvers {
            who: vec![who],
            quorum,
        })
        .collect()
    } else {
        vec![Approvers {
            who: each.into_iter().map(|(who, _)| who).collect(),
            quorum: count("quorum", quorum.unwrap_or(1), MAX_QUORUM, findings),
        }]
    };
    findings.extend(approvers.iter().filter_map(too_few));
    approvers
}

/// More approvers than there are ids: a person with several accounts is one.
fn too_few(approvers: &Approvers) -> Option<Finding> {
    let names = |who: &Who| {
        let ids: Option<Vec<String>> = who
            .id
            .iter()
            .map(|glob| Some(glob.literal()?.to_lowercase()))
            .collect();
        ids.filter(|ids| !ids.is_empty())
    };
    let each: Option<Vec<Vec<String>>> = approvers.who.iter().map(names).collect();
    let people: BTreeSet<String> = each?.into_iter().flatten().collect();
    let enough = u32::try_from(people.len()).is_ok_and(|there| there >= approvers.quorum);
    (!enough && !people.is_empty()).then(|| {
        let message = format!(
            "{} must approve, and `from` names {}",
            approvers.quorum,
            people.len()
        );
        let help = "name more approvers, or a group";
        Finding::error("unreachable-quorum", message)
            .help(help)
            .under("from")
    })
}

const EXAMPLE: &str = "write for example `from: { issuer: corp, group: crm-leads }`";

fn compile_who(spec: &ApproverSpec, catalog: &Catalog<'_>, findings: &mut Vec<Finding>) -> Who {
    let ApproverSpec {
        issuer,
        kind,
        id,
        group,
        quorum: _,
    } = spec;
    if issuer.is_none() && kind.is_none() && id.is_none() && group.is_none() {
        let finding = Finding::error("empty-from", "`from` names nobody");
        findings.push(finding.help(EXAMPLE));
    }
    for (key, list) in [
        ("issuer", issuer),
        ("kind", kind),
        ("id", id),
        ("group", group),
    ] {
        if list.as_ref().is_some_and(|list| list.items().is_empty()) {
            findings.push(Finding::error("empty-list", "an empty list matches nobody").under(key));
        }
    }
    let approvers = catalog.approvers();
    if issuer.is_none()
        && (id.is_some() || group.is_some())
        && approvers.is_some_and(|them| them.len() > 1)
    {
        let names: Vec<&str> = approvers
            .into_iter()
            .flatten()
            .map(ProviderName::as_str)
            .collect();
        let finding = Finding::error(
            "issuer-needed",
            "`id` and `group` mean something else with every issuer",
        );
        findings.push(finding.help(format!("add `issuer:` with one of: {}", names.join(", "))));
    }
    let globs = |list: &Option<OneOrMany<String>>| {
        let items = list.iter().flat_map(OneOrMany::items);
        items.map(|text| Glob::identifier(text)).collect()
    };
    Who {
        issuer: issuer
            .iter()
            .flat_map(|names| issuers(names, catalog, findings))
            .collect(),
        kind: kind
            .as_ref()
            .map_or_else(|| vec![Kind::Human], |kinds| compile_kinds(kinds, findings)),
        id: globs(id),
        group: globs(group),
    }
}

fn issuers(
    names: &OneOrMany<String>,
    catalog: &Catalog<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<ProviderName> {
    let known = || catalog.declared.keys();
    let mut found = Vec::new();
    for (index, text) in names.items().iter().enumerate() {
        if let Some(name) = known().find(|name| name.as_str() == text) {
            found.push(name.clone());
            continue;
        }
        let finding = Finding::error("unknown-issuer", format!("there is no provider `{text}`"));
        let list = || known().map(ProviderName::as_str);
        let help = match suggest(text, list()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there is: {}", list().collect::<Vec<_>>().join(", ")),
        };
        findings.push(names.place(index, finding.help(help)).under("issuer"));
    }
    found
}

fn compile_kinds(kinds: &OneOrMany<String>, findings: &mut Vec<Finding>) -> Vec<Kind> {
    let mut parsed = Vec::new();
    for (index, text) in kinds.items().iter().enumerate() {
        let finding = match text.parse() {
            Ok(Kind::Anonymous) => Finding::error(
                "anonymous-approver",
                "nobody knows who an anonymous caller is",
            )
            .help("write `human`, `service` or `agent`"),
            Ok(kind) => {
                parsed.push(kind);
                continue;
            }
            Err(error) => {
                let error: crate::model::party::KindError = error;
                Finding::error("invalid-kind", error.to_string())
            }
        };
        findings.push(kinds.place(index, finding).under("kind"));
    }
    parsed
}

/// What a rule may be bound to, written once each and in order.
pub(super) fn sorted(names: &[Arc<str>]) -> Vec<Arc<str>> {
    let mut sorted = names.to_vec();
    sorted.sort();
    sorted.dedup();
    sorted
}
