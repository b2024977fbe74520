//! Checks test cases where they are loaded: a test that names what does not exist would fail, or pass, for the wrong
//! reason.

use std::collections::BTreeSet;

use super::call;
use super::case::{ApprovedSpec, CaseSpec, ExpectSpec, GivenSpec, PartySpec, VoterSpec};
use crate::model::finding::Finding;
use crate::model::identity::Proof;
use crate::model::lifecycle::Check;
use crate::model::party::Kind;
use crate::model::reason::{FaultCode, Reason};
use crate::model::risk::MAX_SCORE;
use crate::model::suggest::suggest;
use crate::model::time::Timestamp;

/// What there is. A set is left out where something could not be read: nothing is then unknown.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) routes: Option<BTreeSet<String>>,
    /// Those that speak MCP.
    pub(super) mcp: Option<BTreeSet<String>>,
    pub(super) actions: Option<BTreeSet<String>>,
    pub(super) rules: Option<BTreeSet<String>>,
    pub(super) providers: Option<BTreeSet<String>>,
    pub(super) conditions: BTreeSet<String>,
}

/// The verdicts that a test can expect, and the one reason of an allow.
const VERDICTS: [&str; 4] = ["allow", "deny", "pending", "fault"];
const PERMITTED: &str = "permitted";

/// Everything that is wrong with a case; paths are relative to it.
pub(super) fn check(case: &CaseSpec, known: &Known) -> Vec<Finding> {
    let CaseSpec {
        name: _,
        given,
        call: called,
        expect,
    } = case;
    let mut findings = Vec::new();
    findings.extend(
        check_given(given, known)
            .into_iter()
            .map(|f| f.under("given")),
    );
    findings.extend(
        call::check(called, known)
            .into_iter()
            .map(|f| f.under("call")),
    );
    findings.extend(
        check_expect(expect, known)
            .into_iter()
            .map(|f| f.under("expect")),
    );
    findings
}

pub(super) fn unknown(what: &str, text: &str, known: Option<&BTreeSet<String>>) -> Option<Finding> {
    let names = known.filter(|names| !names.contains(text))?;
    Some(not_among(what, text, names.iter().map(String::as_str)))
}

fn not_among<'a>(what: &str, text: &str, known: impl Iterator<Item = &'a str>) -> Finding {
    let finding = Finding::error("unknown-name", format!("there is no {what} `{text}`"));
    match suggest(text, known) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding,
    }
}

fn check_given(given: &GivenSpec, known: &Known) -> Vec<Finding> {
    let GivenSpec {
        issuer,
        subject,
        actor,
        depth,
        scope,
        lifetime,
        workload: _,
        proof,
        conditions,
        time,
        approved,
    } = given;
    let mut findings = Vec::new();
    let providers = known.providers.as_ref();
    let issued = issuer
        .as_ref()
        .and_then(|name| unknown("provider", name, providers));
    findings.extend(issued.map(|finding| finding.under("issuer")));
    for (key, party) in [("subject", subject), ("actor", actor)] {
        let wrong = party.iter().flat_map(|party| check_party(party, known));
        findings.extend(wrong.map(|finding| finding.under(key)));
    }
    let nobody = subject
        .as_ref()
        .is_none_or(|party| party.kind.as_deref() == Some(Kind::Anonymous.as_str()));
    let of_credential = [
        ("issuer", issuer.is_some()),
        ("actor", actor.is_some()),
        ("depth", depth.is_some()),
        ("scope", !scope.items().is_empty()),
        ("proof", proof.is_some()),
        ("lifetime", lifetime.is_some()),
        ("approved", approved.is_some()),
    ];
    for (key, _) in of_credential
        .iter()
        .filter(|(_, written)| nobody && *written)
    {
        let message = format!("`{key}` belongs to a credential, and an anonymous caller has none");
        let finding = Finding::error("misplaced-key", message).help("add `subject:`");
        findings.push(finding.under(*key));
    }
    if let Some(text) = proof
        && !Proof::ALL.iter().any(|known| known.as_str() == text)
    {
        let finding = not_among("proof", text, Proof::ALL.iter().map(|known| known.as_str()));
        findings.push(
            finding
                .help("write `none`, `dpop` or `mtls`")
                .under("proof"),
        );
    }
    if let Some(ApprovedSpec::By(voters)) = approved {
        for (index, voter) in voters.iter().enumerate() {
            let wrong = check_voter(voter, known).into_iter();
            findings.extend(wrong.map(|it| it.under(index).under("by").under("approved")));
        }
    }
    for name in conditions.keys() {
        let finding = unknown("condition", name, Some(&known.conditions));
        findings.extend(finding.map(|f| f.under(name.as_str()).under("conditions")));
    }
    if time
        .as_ref()
        .is_some_and(|text| Timestamp::parse(text).is_none())
    {
        let finding = Finding::error("invalid-time", "this is no moment");
        findings.push(finding.help("write `2026-01-31T09:00:00Z`").under("time"));
    }
    findings
}

fn check_party(party: &PartySpec, known: &Known) -> Vec<Finding> {
    let kind = party
        .kind
        .as_ref()
        .and_then(|kind| kind.parse::<Kind>().err());
    let kind = kind.map(|error| Finding::error("invalid-kind", error.to_string()).under("kind"));
    let issuer = party.issuer.as_ref();
    let issuer = issuer.and_then(|name| unknown("provider", name, known.providers.as_ref()));
    kind.into_iter()
        .chain(issuer.map(|finding| finding.under("issuer")))
        .collect()
}

fn check_voter(voter: &VoterSpec, known: &Known) -> Vec<Finding> {
    let VoterSpec {
        kind,
        id: _,
        issuer,
        groups: _,
        owner: _,
        actor: _,
    } = voter;
    let kind = kind.as_ref().and_then(|kind| kind.parse::<Kind>().err());
    let kind = kind.map(|error| Finding::error("invalid-kind", error.to_string()).under("kind"));
    let issuer = issuer.as_ref();
    let issuer = issuer.and_then(|name| unknown("provider", name, known.providers.as_ref()));
    kind.into_iter()
        .chain(issuer.map(|finding| finding.under("issuer")))
        .collect()
}

fn check_expect(expect: &ExpectSpec, known: &Known) -> Vec<Finding> {
    let ExpectSpec {
        verdict,
        reason,
        rule,
        action,
        risk,
        missing_scope,
        warnings,
        token,
        headers,
        query,
    } = expect;
    let mut findings = Vec::new();
    if risk.is_some_and(|score| score > u64::from(MAX_SCORE)) {
        let message = format!("a score is 0 to {MAX_SCORE}");
        findings.push(Finding::error("invalid-score", message).under("risk"));
    }
    for (position, code) in warnings
        .iter()
        .flat_map(|list| list.items().iter().enumerate())
    {
        let mut codes = Check::ALL.iter().map(|check| check.as_str());
        if !codes.any(|known| known == code) {
            let known = Check::ALL.iter().map(|check| check.as_str());
            let finding = not_among("check", code, known);
            let index = warnings.as_ref().and_then(|list| list.index(position));
            let finding = match index {
                Some(index) => finding.under(index),
                None => finding,
            };
            findings.push(finding.under("warnings"));
        }
    }
    if !VERDICTS.contains(&verdict.as_str()) {
        let finding = not_among("verdict", verdict, VERDICTS.into_iter());
        let list = VERDICTS.join(", ");
        findings.push(match finding.help {
            Some(_) => finding.under("verdict"),
            None => finding.help(format!("there is: {list}")).under("verdict"),
        });
    } else if let Some(reason) = reason {
        findings.extend(check_reason(verdict, reason).map(|finding| finding.under("reason")));
    }
    for (key, name, names) in [
        ("rule", rule, &known.rules),
        ("action", action, &known.actions),
    ] {
        let finding = name
            .as_ref()
            .and_then(|name| unknown(key, name, names.as_ref()));
        findings.extend(finding.map(|finding| finding.under(key)));
    }
    for (key, written, only) in [
        ("missing_scope", missing_scope.is_some(), "deny"),
        ("token", token.is_some(), "allow"),
        ("headers", headers.is_some(), "allow"),
        ("query", query.is_some(), "allow"),
    ] {
        if written && verdict != only && VERDICTS.contains(&verdict.as_str()) {
            let message = format!("only the verdict `{only}` has `{key}`");
            findings.push(Finding::error("misplaced-key", message).under(key));
        }
    }
    findings
}

fn check_reason(verdict: &str, reason: &str) -> Option<Finding> {
    let of_denial = |code: &&Reason| **code != Reason::ApprovalRequired;
    let denials = Reason::ALL
        .iter()
        .filter(of_denial)
        .map(|code| code.as_str());
    let faults = FaultCode::ALL.iter().map(|code| code.as_str());
    let all: Vec<(&str, &str)> = [
        (PERMITTED, "allow"),
        (Reason::ApprovalRequired.as_str(), "pending"),
    ]
    .into_iter()
    .chain(denials.map(|code| (code, "deny")))
    .chain(faults.map(|code| (code, "fault")))
    .collect();
    match all.iter().find(|(code, _)| *code == reason) {
        None => Some(not_among(
            "reason",
            reason,
            all.iter().map(|(code, _)| *code),
        )),
        Some((_, of)) if *of != verdict => {
            let message = format!("`{reason}` is a reason of the verdict `{of}`");
            Some(Finding::error("contradiction", message))
        }
        Some(_) => None,
    }
}
