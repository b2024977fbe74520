//! The shape of a line. What is not named here is not recorded; every field has a length, so the line has one
//! ([`MAX_LINE`](super::spec::MAX_LINE)).

use serde::Serialize;

use crate::model::decision::Decision;
use crate::model::name::RuleId;
use crate::model::verdict::{Remedy, Verdict};

use super::approval::ApprovalLine;
use super::asked::{self, Digest, MessageLine, RiskLine};
use super::escape::Plain;
use super::parts::{
    ConstraintsLine, CredentialLine, DurationLine, Moment, PartyLine, RequestLine, WarningLine,
    names,
};
use super::text::Text;

/// Names (routes, actions, rules, providers) have at most this length already.
const NAME: usize = 128;
/// The identity of an Envoy, and of a workload.
const IDENTITY: usize = 384;

/// The record of a decision.
pub(super) fn decision(decision: &Decision) -> Result<Vec<u8>, serde_json::Error> {
    encode(&DecisionLine::of(decision))
}

/// The record of what shadow rules would have decided.
pub(super) fn shadow(enforced: &Decision, shadow: &Verdict) -> Result<Vec<u8>, serde_json::Error> {
    encode(&ShadowLine {
        of: "shadow",
        time: Moment(enforced.at),
        decision_id: Text::new(enforced.id.as_str(), NAME),
        route: route(enforced),
        action: enforced.action.as_ref().map(|(id, _)| id.as_str()),
        enforced: outcome(&enforced.verdict),
        shadow: outcome(shadow),
        policy_version: Text::new(&enforced.policy_version, NAME),
    })
}

pub(super) fn encode(line: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Plain);
    line.serialize(&mut serializer)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[derive(Serialize)]
struct DecisionLine<'a> {
    #[serde(rename = "type")]
    of: &'static str,
    time: Moment,
    decision_id: Text<'a>,
    #[serde(flatten)]
    outcome: OutcomeLine<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    permits: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args_digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk: Option<RiskLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<PartyLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<PartyLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delegation_depth: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<CredentialLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<WarningLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    constraints: Option<ConstraintsLine<'a>>,
    policy_version: Text<'a>,
    duration_us: DurationLine,
}

impl<'a> DecisionLine<'a> {
    fn of(decision: &'a Decision) -> Self {
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
        let (remedy, permits, constraints) = details(verdict);
        let parties = parties.as_ref();
        Self {
            of: "decision",
            time: Moment(*at),
            decision_id: Text::new(id.as_str(), NAME),
            outcome: outcome(verdict),
            remedy,
            permits,
            request: request.as_ref().map(RequestLine::of),
            gateway: gateway.as_deref().map(|id| Text::new(id, IDENTITY)),
            route: route(decision),
            action: action.as_ref().map(|(id, _)| id.as_str()),
            tier: action.as_ref().map(|(_, tier)| tier.as_str()),
            message: rpc.as_ref().and_then(MessageLine::of),
            args: asked::arguments(arguments.as_ref()),
            args_digest: Digest::of(arguments.as_ref()),
            risk: risk.as_ref().map(RiskLine::of),
            subject: parties.map(|parties| PartyLine::of(&parties.subject)),
            actor: parties.and_then(|parties| parties.actor.as_ref().map(PartyLine::of)),
            delegation_depth: parties.map(|parties| parties.depth),
            credential: credential
                .as_ref()
                .map(|(provider, token)| CredentialLine::of(provider, token)),
            workload: workload.as_ref().map(|id| Text::new(id.as_str(), IDENTITY)),
            warnings: WarningLine::of(lifecycle),
            approval: ApprovalLine::of(verdict),
            constraints,
            policy_version: Text::new(policy_version, NAME),
            duration_us: DurationLine::of(spent),
        }
    }
}

#[derive(Serialize)]
struct ShadowLine<'a> {
    #[serde(rename = "type")]
    of: &'static str,
    time: Moment,
    decision_id: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    enforced: OutcomeLine<'a>,
    shadow: OutcomeLine<'a>,
    policy_version: Text<'a>,
}

/// How a decision ended; `rule` and `cause` are what the client is not told.
#[derive(Serialize)]
struct OutcomeLine<'a> {
    verdict: &'static str,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Text<'a>>,
}

fn outcome(verdict: &Verdict) -> OutcomeLine<'_> {
    let cause = match verdict {
        Verdict::Allow(_) | Verdict::Pending(_) => None,
        Verdict::Deny(denial) => denial.cause.as_deref(),
        Verdict::Fault(fault) => Some(fault.cause.as_str()),
    };
    OutcomeLine {
        verdict: verdict.as_str(),
        reason: verdict.reason(),
        rule: verdict.rule().map(RuleId::as_str),
        cause: cause.map(|cause| Text::new(cause, 768)),
    }
}

type Details<'a> = (
    Option<&'static str>,
    Vec<Text<'a>>,
    Option<ConstraintsLine<'a>>,
);

fn details(verdict: &Verdict) -> Details<'_> {
    match verdict {
        Verdict::Allow(grant) => {
            let permits = names(grant.permits.iter().map(RuleId::as_str), NAME);
            (None, permits, ConstraintsLine::of(&grant.constraints))
        }
        Verdict::Deny(denial) => (denial.remedy.as_ref().map(kind), Vec::new(), None),
        Verdict::Pending(_) => (Some("approval"), Vec::new(), None),
        Verdict::Fault(_) => (None, Vec::new(), None),
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

fn route(decision: &Decision) -> Option<&str> {
    decision.route.as_ref().map(|route| route.id.as_str())
}
