//! Whom a rule covers: two-valued, an absent attribute does not match.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::spec::{ScalarSpec, ToSpec};
use crate::model::finding::Finding;
use crate::model::glob::Glob;
use crate::model::list::OneOrMany;
use crate::model::name::ProviderName;
use crate::model::party::{Kind, Party};
use crate::model::schema::ClaimDeclarations;
use crate::model::suggest::suggest;
use crate::model::value::{Type, Value};

/// A compiled `to`.
#[derive(Clone, Debug)]
pub(super) struct To {
    pub(super) issuers: Option<Box<[ProviderName]>>,
    pub(super) kinds: Option<Box<[Kind]>>,
    pub(super) ids: Option<Box<[Glob]>>,
    pub(super) groups: Option<Box<[Glob]>>,
    pub(super) claims: Box<[Claim]>,
}

/// The name of a claim, and the values of which it must have one.
type Claim = (Arc<str>, Box<[Scalar]>);

#[derive(Clone, Debug)]
pub(super) enum Scalar {
    Text(Glob),
    Exactly(Value),
}

/// What a `to` is checked against: the providers of every route that the rule covers.
pub(super) type Providers<'a> = BTreeMap<&'a ProviderName, &'a ClaimDeclarations>;

/// Where the literal texts of a `to` allow a rule to be found without looking at every rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Keys<'a> {
    /// Only parties with one of these ids can match.
    Ids(Vec<&'a str>),
    /// Only parties in one of these groups can match.
    Groups(Vec<&'a str>),
    /// Any party can match.
    Any,
}

impl To {
    /// Compiles and checks a `to`; `ambiguous` says that some covered route has more than one provider.
    pub(super) fn compile(
        spec: &ToSpec,
        known: &[&ProviderName],
        reachable: &Providers<'_>,
        ambiguous: bool,
    ) -> Result<Self, Vec<Finding>> {
        let ToSpec {
            issuer,
            kind,
            id,
            group,
            claim,
        } = spec;
        let mut findings = Vec::new();
        let kinds = kind
            .as_ref()
            .map(|kinds| compile_kinds(kinds, &mut findings));
        let issuers = issuer
            .as_ref()
            .map(|names| compile_issuers(names, known, &mut findings));
        let needs_issuer = id.is_some() || group.is_some() || !claim.is_empty();
        if ambiguous && issuers.is_none() && needs_issuer {
            let names: Vec<_> = reachable.keys().map(ToString::to_string).collect();
            let finding = Finding::error(
                "issuer-needed",
                "`id`, `group` and `claim` mean something else with every issuer",
            );
            findings.push(finding.help(format!("add `issuer:` with one of: {}", names.join(", "))));
        }
        let selected =
            |name: &ProviderName| issuers.as_ref().is_none_or(|chosen| chosen.contains(name));
        let declared = reachable
            .iter()
            .filter(|(name, _)| selected(name))
            .map(|(_, claims)| *claims)
            .collect::<Vec<_>>();
        let claims = compile_claims(claim, &declared, &mut findings);
        let globs = |list: &OneOrMany<String>| {
            list.items()
                .iter()
                .map(|text| Glob::identifier(text))
                .collect()
        };
        let to = Self {
            issuers: issuers.map(Vec::into_boxed_slice),
            kinds: kinds.map(Vec::into_boxed_slice),
            ids: id.as_ref().map(globs),
            groups: group.as_ref().map(globs),
            claims: claims.into_boxed_slice(),
        };
        for (key, list) in [
            ("issuer", issuer),
            ("kind", kind),
            ("id", id),
            ("group", group),
        ] {
            if list.as_ref().is_some_and(|list| list.items().is_empty()) {
                findings.push(empty_list().under(key));
            }
        }
        findings.extend(to.attributes_of_anonymous());
        if findings.is_empty() {
            Ok(to)
        } else {
            Err(findings)
        }
    }

    /// A caller without a credential has no issuer, id, group or claim: a `to` that names both would say less than it
    /// seems to.
    fn attributes_of_anonymous(&self) -> Option<Finding> {
        let anonymous = self.kinds.as_ref()?.contains(&Kind::Anonymous);
        let named = [
            ("issuer", self.issuers.is_some()),
            ("id", self.ids.is_some()),
            ("group", self.groups.is_some()),
            ("claim", !self.claims.is_empty()),
        ];
        let (key, _) = named.into_iter().find(|(_, named)| anonymous && *named)?;
        let message = format!("an anonymous caller has no `{key}`");
        let finding = Finding::error("anonymous-attribute", message);
        let help = "write a rule of its own for `kind: anonymous`";
        Some(finding.help(help).under(key))
    }

    /// Whether `to` names anything at all.
    pub(super) fn is_empty(&self) -> bool {
        self.issuers.is_none()
            && self.kinds.is_none()
            && self.ids.is_none()
            && self.groups.is_none()
            && self.claims.is_empty()
    }

    /// The first attribute of `party` that does not match; none if the rule covers it. Anonymous callers are reached by
    /// their kind alone.
    pub(super) fn mismatch(&self, party: &Party) -> Option<&'static str> {
        let named = |kind: Kind| {
            self.kinds
                .as_ref()
                .is_some_and(|kinds| kinds.contains(&kind))
        };
        if party.kind == Kind::Anonymous && !named(Kind::Anonymous) {
            return Some("kind");
        }
        let any = |globs: &Option<Box<[Glob]>>, texts: &[&str]| {
            globs.as_ref().is_none_or(|globs| {
                texts
                    .iter()
                    .any(|text| globs.iter().any(|glob| glob.matches(text)))
            })
        };
        let issuer = |issuers: &[ProviderName]| {
            party
                .id
                .issuer
                .as_ref()
                .is_some_and(|name| issuers.contains(name))
        };
        let groups: Vec<&str> = party.groups.iter().map(AsRef::as_ref).collect();
        if !self.issuers.as_deref().is_none_or(issuer) {
            return Some("issuer");
        }
        if self.kinds.is_some() && !named(party.kind) {
            return Some("kind");
        }
        if !any(&self.ids, &[party.id.id.as_ref()]) {
            return Some("id");
        }
        if !any(&self.groups, &groups) {
            return Some("group");
        }
        let claim = |(name, wanted): &Claim| {
            party
                .claims
                .get(name)
                .is_some_and(|value| wanted.iter().any(|scalar| scalar.matches(value)))
        };
        if self.claims.iter().all(claim) {
            None
        } else {
            Some("claim")
        }
    }

    /// The keys under which an index can file the rule.
    pub(super) fn keys(&self) -> Keys<'_> {
        fn literals(globs: &[Glob]) -> Option<Vec<&str>> {
            globs.iter().map(Glob::literal).collect()
        }
        if let Some(ids) = self.ids.as_deref().and_then(literals) {
            return Keys::Ids(ids);
        }
        self.groups
            .as_deref()
            .and_then(literals)
            .map_or(Keys::Any, Keys::Groups)
    }

    /// Whether a party of one of `providers` can match at all.
    pub(super) fn can_match(&self, providers: &Providers<'_>) -> bool {
        let anonymous = self
            .kinds
            .as_ref()
            .is_some_and(|kinds| kinds.contains(&Kind::Anonymous));
        match &self.issuers {
            Some(issuers) => issuers.iter().any(|issuer| providers.contains_key(issuer)),
            None => anonymous || !providers.is_empty(),
        }
    }
}

impl Scalar {
    fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::List(items)) => items.iter().any(|item| self.matches(item)),
            (Self::Text(glob), Value::String(text)) => glob.matches(text),
            (Self::Text(_), _) => false,
            (Self::Exactly(wanted), value) => wanted == value,
        }
    }
}

fn empty_list() -> Finding {
    Finding::error("empty-list", "an empty list matches nobody")
}

fn compile_kinds(kinds: &OneOrMany<String>, findings: &mut Vec<Finding>) -> Vec<Kind> {
    let mut parsed = Vec::new();
    for (index, text) in kinds.items().iter().enumerate() {
        match text.parse::<Kind>() {
            Ok(kind) => parsed.push(kind),
            Err(error) => {
                let finding = Finding::error("invalid-kind", error.to_string());
                findings.push(kinds.place(index, finding).under("kind"));
            }
        }
    }
    parsed
}

fn compile_issuers(
    names: &OneOrMany<String>,
    known: &[&ProviderName],
    findings: &mut Vec<Finding>,
) -> Vec<ProviderName> {
    let mut issuers = Vec::new();
    for (index, text) in names.items().iter().enumerate() {
        if let Some(name) = known.iter().find(|name| name.as_str() == text) {
            issuers.push((*name).clone());
        } else {
            let near = suggest(text, known.iter().map(|name| name.as_str()));
            let list: Vec<_> = known.iter().map(|name| name.as_str()).collect();
            let help = near.map_or_else(
                || format!("there is: {}", list.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let finding =
                Finding::error("unknown-issuer", format!("there is no provider `{text}`"));
            findings.push(names.place(index, finding.help(help)).under("issuer"));
        }
    }
    issuers
}

fn compile_claims(
    claims: &BTreeMap<String, OneOrMany<ScalarSpec>>,
    declared: &[&ClaimDeclarations],
    findings: &mut Vec<Finding>,
) -> Vec<Claim> {
    let mut compiled = Vec::new();
    for (name, values) in claims {
        let types: Vec<&Type> = declared
            .iter()
            .filter_map(|claims| Some(&claims.get(name.as_str())?.of))
            .collect();
        let place = |finding: Finding| finding.under(name.as_str()).under("claim");
        if values.items().is_empty() {
            findings.push(place(empty_list()));
        }
        if types.is_empty() {
            let known = declared
                .iter()
                .flat_map(|claims| claims.keys())
                .map(AsRef::as_ref);
            let finding = Finding::error(
                "unknown-claim",
                format!("no provider that the rule covers declares a claim `{name}`"),
            );
            let finding = match suggest(name, known) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help("declare it under `providers.<name>.jwt.claims`"),
            };
            findings.push(place(finding));
            continue;
        }
        for (index, scalar) in values.items().iter().enumerate() {
            if !types.iter().any(|of| scalar_fits(scalar, of)) {
                let message = format!(
                    "claim `{name}` is of type `{}`: this value can never match",
                    types.first().map_or(&Type::Dyn, |of| of)
                );
                let finding = Finding::error("type-mismatch", message);
                findings.push(place(values.place(index, finding)));
            }
        }
        let scalars = values.items().iter().map(|scalar| match scalar {
            ScalarSpec::Text(text) => Scalar::Text(Glob::identifier(text)),
            ScalarSpec::Bool(value) => Scalar::Exactly(Value::Bool(*value)),
            ScalarSpec::Int(value) => Scalar::Exactly(Value::Int(*value)),
        });
        compiled.push((Arc::from(name.as_str()), scalars.collect()));
    }
    compiled
}

fn scalar_fits(scalar: &ScalarSpec, of: &Type) -> bool {
    match (scalar, of) {
        (scalar, Type::List(item)) => scalar_fits(scalar, item),
        (ScalarSpec::Text(_), Type::String)
        | (ScalarSpec::Bool(_), Type::Bool)
        | (ScalarSpec::Int(_), Type::Int) => true,
        _ => false,
    }
}
