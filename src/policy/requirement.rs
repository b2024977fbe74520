//! Requirements: what a caller can add to be let in, and whether a call has it.

use std::sync::Arc;

use super::approval::Wanted;
use super::catalog::Catalog;
use super::spec::{RequirementSpec, StepUpSpec};
use crate::model::facts::Facts;
use crate::model::finding::Finding;
use crate::model::glob::Glob;
use crate::model::identity::{Proof, TokenFacts};
use crate::model::list::OneOrMany;
use crate::model::party::Kind;
use crate::model::route::Action;
use crate::model::verdict::StepUp;

/// A compiled requirement.
#[derive(Clone, Debug)]
pub(super) enum Requirement {
    /// The token has these scopes.
    Scope(Vec<Arc<str>>),
    /// The human subject authenticated in this way, this recently.
    StepUp(StepUp),
    /// The call comes from one of these workloads.
    Workload(Vec<Glob>),
    /// The caller has shown that its credential is its own, in one of these ways.
    Proof(Vec<Proof>),
    /// Somebody else has approved the call. No call meets it by itself: that is looked up when everything else is done.
    Approval(Box<Wanted>),
    /// One of these is met.
    AnyOf(Vec<Requirement>),
}

/// What a call brings to meet requirements with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brought<'a> {
    pub(super) facts: Facts<'a>,
    pub(super) token: Option<&'a TokenFacts>,
}

impl Requirement {
    /// Compiles one item of `require`; exactly one key is allowed.
    pub(super) fn compile(
        spec: &RequirementSpec,
        catalog: &Catalog<'_>,
        nested: bool,
    ) -> Result<Self, Vec<Finding>> {
        let RequirementSpec {
            scope,
            step_up,
            workload,
            proof,
            approval,
            any_of,
        } = spec;
        let one = |finding| vec![finding];
        match (scope, step_up, workload, proof, approval, any_of) {
            (Some(scope), None, None, None, None, None) => compile_scope(scope).map_err(one),
            (None, Some(step_up), None, None, None, None) => compile_step_up(step_up).map_err(one),
            (None, None, Some(workload), None, None, None) => {
                compile_workload(workload).map_err(one)
            }
            (None, None, None, Some(proof), None, None) => compile_proof(proof).map_err(one),
            (None, None, None, None, Some(approval), None) => {
                let compiled = Wanted::compile(approval, catalog);
                let under = |it: Finding| it.under("approval");
                compiled
                    .map(|wanted| Self::Approval(Box::new(wanted)))
                    .map_err(|wrong| wrong.into_iter().map(under).collect())
            }
            (None, None, None, None, None, Some(items)) if !nested && !items.is_empty() => {
                let mut findings = Vec::new();
                let mut compiled = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    match Self::compile(item, catalog, true) {
                        Ok(requirement) => compiled.push(requirement),
                        Err(wrong) => findings.extend(wrong.into_iter().map(|f| f.under(index).under("any_of"))),
                    }
                }
                let two = |of: &&Self| matches!(of, Self::Approval(_));
                if compiled.iter().filter(two).count() > 1 {
                    let finding = Finding::error("two-approvals", "only the first of these approvals would ever be asked for");
                    findings.push(finding.help("write one `approval` with all of them in `from`").under("any_of"));
                }
                if findings.is_empty() { Ok(Self::AnyOf(compiled)) } else { Err(findings) }
            }
            _ => Err(vec![
                Finding::error("invalid-requirement", "a requirement has exactly one key").help(
                    "write one of `scope`, `step_up`, `workload`, `proof`, `approval` or `any_of` (not inside another `any_of`) an item",
                ),
            ]),
        }
    }

    /// What is wrong with it on one action that its rule covers; paths are relative to the item of `require`.
    pub(super) fn check_on(&self, action: &Action) -> Vec<Finding> {
        match self {
            Self::Approval(wanted) => {
                let found = wanted.check_on(action).into_iter();
                found.map(|finding| finding.under("approval")).collect()
            }
            Self::AnyOf(items) => {
                let each = items.iter().enumerate();
                let found = each.flat_map(|(index, item)| {
                    let found = item.check_on(action).into_iter();
                    found.map(move |finding| finding.under(index).under("any_of"))
                });
                found.collect()
            }
            Self::Scope(_) | Self::StepUp(_) | Self::Workload(_) | Self::Proof(_) => Vec::new(),
        }
    }

    /// Every approval that is one way to meet it.
    pub(super) fn approvals(&self) -> Vec<&Wanted> {
        match self {
            Self::Approval(wanted) => vec![wanted],
            Self::AnyOf(items) => items.iter().flat_map(Self::approvals).collect(),
            Self::Scope(_) | Self::StepUp(_) | Self::Workload(_) | Self::Proof(_) => Vec::new(),
        }
    }

    /// Whether the call meets it.
    pub(super) fn is_met(&self, brought: &Brought<'_>) -> bool {
        match self {
            Self::Scope(scopes) => missing_scopes(scopes, brought.token).is_empty(),
            Self::StepUp(demand) => steps_up(demand, brought),
            Self::Workload(globs) => brought
                .facts
                .workload
                .is_some_and(|id| globs.iter().any(|glob| glob.matches(id))),
            Self::Proof(kinds) => kinds.contains(&brought.facts.proof),
            Self::Approval(_) => false,
            Self::AnyOf(items) => items.iter().any(|item| item.is_met(brought)),
        }
    }

    /// The scopes of the token that meet it, if scopes do; nothing of what is not met.
    pub(super) fn scopes_met(&self, brought: &Brought<'_>) -> &[Arc<str>] {
        match self {
            Self::Scope(scopes) if self.is_met(brought) => scopes,
            Self::AnyOf(items) => items
                .iter()
                .find(|item| item.is_met(brought))
                .map_or(&[], |item| item.scopes_met(brought)),
            Self::Scope(_)
            | Self::StepUp(_)
            | Self::Workload(_)
            | Self::Proof(_)
            | Self::Approval(_) => &[],
        }
    }

    /// Whether a credential could meet it, so that a caller without one is asked to authenticate. Nobody approves for somebody whom
    /// nobody knows.
    pub(super) fn takes_credential(&self) -> bool {
        match self {
            Self::Scope(_) | Self::StepUp(_) | Self::Proof(_) | Self::Approval(_) => true,
            Self::Workload(_) => false,
            Self::AnyOf(items) => items.iter().any(Self::takes_credential),
        }
    }

    /// Whether only another workload can meet it, so that nothing which the caller adds will help.
    pub(super) fn is_of_workload(&self) -> bool {
        match self {
            Self::Workload(_) => true,
            Self::AnyOf(items) => items.iter().all(Self::is_of_workload),
            Self::Scope(_) | Self::StepUp(_) | Self::Proof(_) | Self::Approval(_) => false,
        }
    }

    /// Whether only a client certificate can meet it.
    pub(super) fn is_of_certificate(&self) -> bool {
        match self {
            Self::Proof(kinds) => kinds.iter().all(|kind| *kind == Proof::Mtls),
            Self::AnyOf(items) => items.iter().all(Self::is_of_certificate),
            Self::Scope(_) | Self::StepUp(_) | Self::Workload(_) | Self::Approval(_) => false,
        }
    }

    /// Whether a workload is one way to meet it.
    pub(super) fn mentions_workload(&self) -> bool {
        match self {
            Self::Workload(_) => true,
            Self::AnyOf(items) => items.iter().any(Self::mentions_workload),
            Self::Scope(_) | Self::StepUp(_) | Self::Proof(_) | Self::Approval(_) => false,
        }
    }

    /// How it reads in a trace.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Scope(scopes) => format!("scope {}", scopes.join(" ")),
            Self::StepUp(StepUp { acr, max_age }) => {
                let age = max_age
                    .map(|seconds| format!(" within {seconds}s"))
                    .unwrap_or_default();
                format!("step_up {}{age}", acr.join(" "))
            }
            Self::Workload(globs) => {
                format!(
                    "workload {}",
                    globs
                        .iter()
                        .map(Glob::as_str)
                        .collect::<Vec<_>>()
                        .join(" or ")
                )
            }
            Self::Proof(kinds) => {
                let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
                format!("proof {}", kinds.join(" or "))
            }
            Self::Approval(wanted) => wanted.to_string(),
            Self::AnyOf(items) => items
                .iter()
                .map(Self::describe)
                .collect::<Vec<_>>()
                .join(", or "),
        }
    }
}

/// Scopes of `wanted` that the token lacks, in order.
pub(super) fn missing_scopes(wanted: &[Arc<str>], token: Option<&TokenFacts>) -> Vec<Arc<str>> {
    let has = |scope: &&Arc<str>| !token.is_some_and(|token| token.scope.contains(scope));
    wanted.iter().filter(has).cloned().collect()
}

/// RFC 9470: an absent `acr` or `auth_time` does not meet the demand, and only a human can.
fn steps_up(demand: &StepUp, brought: &Brought<'_>) -> bool {
    let StepUp { acr, max_age } = demand;
    let subject = &brought.facts.parties.subject;
    let strong = acr.is_empty()
        || subject
            .assurance
            .acr
            .as_ref()
            .is_some_and(|have| acr.contains(have));
    let fresh = max_age.is_none_or(|seconds| {
        let oldest = brought
            .facts
            .request
            .now
            .minus(std::time::Duration::from_secs(seconds));
        subject.assurance.auth_time.is_some_and(|at| at >= oldest)
    });
    subject.kind == Kind::Human && strong && fresh
}

fn compile_scope(scope: &OneOrMany<String>) -> Result<Requirement, Finding> {
    let tokens: Vec<Arc<str>> = scope
        .items()
        .iter()
        .flat_map(|text| text.split(' '))
        .map(Arc::from)
        .collect();
    let valid = |token: &Arc<str>| {
        !token.is_empty()
            && token
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    };
    if tokens.is_empty() || !tokens.iter().all(valid) {
        return Err(Finding::error(
            "invalid-scope",
            "a scope is a word without spaces, quotes and backslashes",
        )
        .under("scope"));
    }
    Ok(Requirement::Scope(tokens))
}

fn compile_step_up(spec: &StepUpSpec) -> Result<Requirement, Finding> {
    let StepUpSpec { acr, max_age } = spec;
    if acr.items().is_empty() && max_age.is_none() {
        return Err(
            Finding::error("invalid-requirement", "`step_up` demands nothing")
                .help("write `step_up: { acr: [phr], max_age: 5m }`")
                .under("step_up"),
        );
    }
    let bad = |text: &String| {
        text.is_empty()
            || !text
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    };
    if acr.items().iter().any(bad) {
        return Err(Finding::error(
            "invalid-acr",
            "an `acr` is a word without spaces and quotes",
        )
        .under("acr")
        .under("step_up"));
    }
    let acr = acr
        .items()
        .iter()
        .map(|text| Arc::from(text.as_str()))
        .collect();
    Ok(Requirement::StepUp(StepUp {
        acr,
        max_age: max_age.map(|age| age.get().as_secs()),
    }))
}

fn compile_workload(workload: &OneOrMany<String>) -> Result<Requirement, Finding> {
    // A pattern never reaches into the trust domain: `spiffe://example*/ci` would trust whoever registers such a name.
    let domain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b);
    let spiffe = |text: &String| {
        let parts = text
            .strip_prefix("spiffe://")
            .and_then(|rest| rest.split_once('/'));
        parts.is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(domain))
    };
    if workload.items().is_empty() || !workload.items().iter().all(spiffe) {
        return Err(Finding::error(
            "invalid-workload",
            "a workload is a SPIFFE ID with a trust domain and a path",
        )
        .help("write for example `spiffe://example.org/ci/*`")
        .under("workload"));
    }
    Ok(Requirement::Workload(
        workload
            .items()
            .iter()
            .map(|text| Glob::identifier(text))
            .collect(),
    ))
}

fn compile_proof(proof: &OneOrMany<String>) -> Result<Requirement, Finding> {
    let known = |text: &String| {
        let mut proofs = Proof::ALL.into_iter().filter(|proof| *proof != Proof::None);
        proofs.find(|proof| proof.as_str() == text.as_str())
    };
    let kinds: Option<Vec<Proof>> = proof.items().iter().map(known).collect();
    match kinds {
        Some(kinds) if !kinds.is_empty() => Ok(Requirement::Proof(kinds)),
        _ => Err(
            Finding::error("invalid-proof", "a proof is `dpop` or `mtls`")
                .help("write `proof: dpop`, or `proof: [dpop, mtls]` if either will do")
                .under("proof"),
        ),
    }
}
