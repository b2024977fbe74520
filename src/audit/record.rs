//! The shape of a line. What is not named here is not recorded; every field has a length, so the line has one
//! ([`MAX_LINE`](super::spec::MAX_LINE)).

use crate::model::decision::Decision;
use crate::model::name::RuleId;
use crate::model::spiffe::SpiffeId;
use crate::model::verdict::{Remedy, Verdict};

use super::line::{Line, key};
use super::{approval, asked, parts};

/// Names (routes, actions, rules, providers) have at most this length already.
const NAME: usize = 128;
/// The identity of an Envoy, and of a workload.
const IDENTITY: usize = 384;
/// Why something was refused.
const CAUSE: usize = 768;

/// The record of a decision, appended to `bytes`.
pub(super) fn decision(decision: &Decision, bytes: &mut Vec<u8>) {
    let Decision {
        id,
        rpc,
        document: _,
        at,
        verdict,
        request,
        grpc: _,
        gateway,
        route: _,
        action,
        arguments,
        risk,
        parties,
        credential,
        workload,
        dpop: _,
        lifecycle,
        policy_version,
        spent,
    } = decision;
    Line::write(bytes, "decision", *at, |line| {
        line.text(key!("decision_id"), id.as_str(), NAME);
        outcome(line, verdict);
        ended(line, verdict);
        if let Some(request) = request {
            parts::request(line, request);
        }
        line.text_if(key!("gateway"), gateway.as_deref(), IDENTITY);
        place(line, decision);
        if let Some((_, tier)) = action {
            line.word(key!("tier"), tier.as_str());
        }
        asked::asked(line, rpc.as_ref(), arguments.as_ref(), risk.as_ref());
        if let Some(parties) = parties {
            parts::parties(line, parties);
        }
        if let Some((provider, token)) = credential {
            parts::credential(line, provider, token);
        }
        parts::warnings(line, lifecycle);
        let workload = workload.as_ref().map(SpiffeId::as_str);
        line.text_if(key!("workload"), workload, IDENTITY);
        approval::approval(line, verdict);
        if let Verdict::Allow(grant) = verdict {
            parts::constraints(line, &grant.constraints);
        }
        line.text(key!("policy_version"), policy_version, NAME);
        parts::durations(line, spent);
    });
}

/// The record of what shadow rules would have decided, appended to `bytes`.
pub(super) fn shadow(enforced: &Decision, shadow: &Verdict, bytes: &mut Vec<u8>) {
    Line::write(bytes, "shadow", enforced.at, |line| {
        line.text(key!("decision_id"), enforced.id.as_str(), NAME);
        place(line, enforced);
        line.object(key!("enforced"), |line| outcome(line, &enforced.verdict));
        line.object(key!("shadow"), |line| outcome(line, shadow));
        line.text(key!("policy_version"), &enforced.policy_version, NAME);
    });
}

/// How a decision ended; `rule` and `cause` are what the client is not told.
fn outcome(line: &mut Line<'_>, verdict: &Verdict) {
    line.word(key!("verdict"), verdict.as_str());
    line.word(key!("reason"), verdict.reason());
    if let Some(rule) = verdict.rule() {
        line.word(key!("rule"), rule.as_str());
    }
    let cause = match verdict {
        Verdict::Allow(_) | Verdict::Pending(_) => None,
        Verdict::Deny(denial) => denial.cause.as_deref(),
        Verdict::Fault(fault) => Some(fault.cause.as_str()),
    };
    line.text_if(key!("cause"), cause, CAUSE);
}

/// What a grant rests on, and what would help against a refusal.
fn ended(line: &mut Line<'_>, verdict: &Verdict) {
    match verdict {
        Verdict::Allow(grant) => {
            let permits = grant.permits.iter().map(RuleId::as_str);
            parts::names(line, key!("permits"), permits, NAME);
        }
        Verdict::Deny(denial) => {
            if let Some(remedy) = &denial.remedy {
                line.word(key!("remedy"), kind(remedy));
            }
        }
        Verdict::Pending(_) => line.word(key!("remedy"), "approval"),
        Verdict::Fault(_) => {}
    }
}

/// Route and action.
fn place(line: &mut Line<'_>, decision: &Decision) {
    if let Some(route) = &decision.route {
        line.word(key!("route"), route.id.as_str());
    }
    if let Some((action, _)) = &decision.action {
        line.word(key!("action"), action.as_str());
    }
}

const fn kind(remedy: &Remedy) -> &'static str {
    match remedy {
        Remedy::Authenticate => "authenticate",
        Remedy::Scope { .. } => "scope",
        Remedy::StepUp(_) => "step_up",
        Remedy::Proof(_) => "proof",
    }
}
