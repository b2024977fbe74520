//! One rule, checked by itself and against the catalogue, not yet bound to an action.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::approval::Wanted;
use super::catalog::Catalog;
use super::matcher::{Providers, To};
use super::requirement::Requirement;
use super::selector::Selector;
use super::spec::{ConstrainSpec, RequirementSpec, RuleSpec, SelectorSpec, ToSpec};
use super::trace::Effect;
use crate::model::finding::Finding;
use crate::model::name::{ProviderName, RuleId};
use crate::model::route::Action;

/// A rule: what evaluation needs of it. There may be a hundred thousand, so nothing else is kept.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: RuleId,
    pub(super) effect: Effect,
    pub(super) to: Option<To>,
    pub(super) require: Box<[Requirement]>,
    pub(super) shadow: bool,
    /// Whether it has a `when` or an `unless`.
    conditional: bool,
}

/// A rule while a policy is compiled: with what was written, and the actions that it covers.
#[derive(Debug)]
pub(super) struct Draft<'s, 'a> {
    pub(super) rule: Arc<Rule>,
    pub(super) spec: &'s RuleSpec,
    pub(super) covered: Box<[&'a Action]>,
}

impl<'s, 'a> Draft<'s, 'a> {
    /// Checks a rule; every mistake is reported, with a path relative to the rule.
    pub(super) fn compile(spec: &'s RuleSpec, catalog: &Catalog<'a>) -> Result<Self, Vec<Finding>> {
        let RuleSpec {
            id,
            permit,
            forbid,
            guard,
            to,
            when,
            unless,
            must: _,
            require,
            constrain: _,
            mode,
        } = spec;
        let mut findings = Vec::new();
        let id = RuleId::new(id).map_err(|error| {
            findings.push(Finding::error("invalid-name", error.to_string()).under("id"));
        });
        let effect = effect_of(permit.as_ref(), forbid.as_ref(), guard.as_ref())
            .map_err(|finding| findings.push(finding));
        let shadow = compile_mode(mode.as_deref()).unwrap_or_else(|finding| {
            findings.push(finding);
            false
        });
        let Ok((effect, selector)) = effect else {
            return Err(findings);
        };
        check_members(effect, spec, &mut findings);
        let selector = Selector::compile(selector, catalog).map_err(|wrong| {
            findings.extend(
                wrong
                    .into_iter()
                    .map(|finding| finding.under(effect.as_str())),
            );
        });
        let covered = selector
            .as_ref()
            .map(|selector| catalog.covered(selector))
            .unwrap_or_default();
        let to = compile_to(effect, to.as_ref(), &covered, catalog, &mut findings);
        let require = compile_requirements(
            require.as_deref().unwrap_or_default(),
            catalog,
            &mut findings,
        );
        match (id, selector) {
            (Ok(id), Ok(_)) if findings.is_empty() => Ok(Self {
                rule: Arc::new(Rule {
                    id,
                    effect,
                    to,
                    require: require.into_boxed_slice(),
                    shadow,
                    conditional: when.is_some() || unless.is_some(),
                }),
                spec,
                covered: covered.into_boxed_slice(),
            }),
            _ => Err(findings),
        }
    }
}

impl Rule {
    /// Every approval that it asks for.
    pub(super) fn approvals(&self) -> impl Iterator<Item = &Wanted> {
        self.require.iter().flat_map(Requirement::approvals)
    }

    /// Whether the rule applies to every call of the actions that it covers.
    pub(super) fn is_unconditional(&self) -> bool {
        self.to.is_none() && !self.conditional
    }
}

fn effect_of<'a>(
    permit: Option<&'a SelectorSpec>,
    forbid: Option<&'a SelectorSpec>,
    guard: Option<&'a SelectorSpec>,
) -> Result<(Effect, &'a SelectorSpec), Finding> {
    match (permit, forbid, guard) {
        (Some(selector), None, None) => Ok((Effect::Permit, selector)),
        (None, Some(selector), None) => Ok((Effect::Forbid, selector)),
        (None, None, Some(selector)) => Ok((Effect::Guard, selector)),
        (None, None, None) => Err(Finding::error("no-effect", "the rule says nothing")
            .help("write one of `permit:`, `forbid:` or `guard:` with the actions that it covers")),
        _ => Err(Finding::error(
            "two-effects",
            "a rule has one of `permit`, `forbid` and `guard`",
        )
        .help("write two rules")),
    }
}

fn compile_mode(mode: Option<&str>) -> Result<bool, Finding> {
    match mode {
        None | Some("enforce") => Ok(false),
        Some("shadow") => Ok(true),
        Some(other) => Err(
            Finding::error("invalid-mode", format!("`{other}` is not a mode"))
                .help("write `enforce` or `shadow`")
                .under("mode"),
        ),
    }
}

/// `must`, `require` and `constrain` stand on guards.
fn check_members(effect: Effect, spec: &RuleSpec, findings: &mut Vec<Finding>) {
    let demands = [
        ("must", spec.must.is_some()),
        ("require", spec.require.is_some()),
        ("constrain", spec.constrain.is_some()),
    ];
    if effect == Effect::Guard {
        if spec.must.is_none()
            && spec.require.as_ref().is_none_or(Vec::is_empty)
            && spec
                .constrain
                .as_ref()
                .is_none_or(|constrain| **constrain == ConstrainSpec::default())
        {
            let finding = Finding::error("empty-guard", "the guard demands nothing");
            findings.push(finding.help("add `must:`, `require:` or `constrain:`"));
        }
        return;
    }
    for (key, _) in demands.iter().filter(|(_, written)| *written) {
        let message = format!("`{key}` stands on a guard, not on a {}", effect.as_str());
        findings.push(
            Finding::error("misplaced-key", message)
                .help(format!(
                    "write a second rule `guard:` with this `{key}`; it then holds whoever asks"
                ))
                .under(*key),
        );
    }
}

fn compile_to(
    effect: Effect,
    to: Option<&ToSpec>,
    covered: &[&Action],
    catalog: &Catalog<'_>,
    findings: &mut Vec<Finding>,
) -> Option<To> {
    let Some(spec) = to else {
        if effect == Effect::Permit {
            let finding = Finding::error(
                "permit-without-to",
                "the permit does not say whom it lets in",
            );
            findings
                .push(finding.help("add `to:`, for example `to: { issuer: corp, group: crm }`"));
        }
        return None;
    };
    let routes: BTreeSet<_> = covered.iter().map(|action| &action.route).collect();
    let on_routes = routes
        .iter()
        .filter_map(|route| catalog.providers_of(route));
    let ambiguous = on_routes.clone().any(|providers| providers.len() > 1);
    let reachable: Providers<'_> = on_routes
        .flatten()
        .filter_map(|name| catalog.declared.get_key_value(name))
        .collect();
    let known: Vec<&ProviderName> = catalog.declared.keys().collect();
    match To::compile(spec, &known, &reachable, ambiguous) {
        Ok(to) if to.is_empty() => {
            let finding = Finding::error("empty-to", "`to` names nobody");
            findings.push(finding.help("say who, for example `to: { kind: human }`; a forbid or guard without `to` covers everybody").under("to"));
            None
        }
        Ok(to) => Some(to),
        Err(wrong) => {
            findings.extend(wrong.into_iter().map(|finding| finding.under("to")));
            None
        }
    }
}

fn compile_requirements(
    specs: &[RequirementSpec],
    catalog: &Catalog<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<Requirement> {
    let mut compiled = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        match Requirement::compile(spec, catalog, false) {
            Ok(requirement) => compiled.push(requirement),
            Err(wrong) => findings.extend(
                wrong
                    .into_iter()
                    .map(|finding| finding.under(index).under("require")),
            ),
        }
    }
    compiled
}
