//! What a client is told of a refusal, whatever it speaks: no rule, no claim, no cause.

use envoy_types::pb::envoy::r#type::v3::StatusCode;

use super::condition::Condition;
use super::hidden::Shown;
use super::status::{Class, class};
use crate::model::approval::Ticket;
use crate::model::decision::{Decision, DecisionId};
use crate::model::reason::{FaultCode, Reason};
use crate::model::rpc::RpcFacts;
use crate::model::verdict::Remedy;

/// Seconds after which a client may try again when no decision could be made.
const AFTER_FAULT: u32 = 1;
/// Seconds after which a client may ask how an approval stands: people decide about it.
const AFTER_PENDING: u32 = 30;
/// Seconds after which a client that waits for too many approvals may ask for one more: one of them has to be decided, or its
/// time must be over.
const AFTER_LIMIT: u32 = 60;

/// What every form of a refusal is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    /// The decision's id, for asking about it.
    pub(super) decision: &'a DecisionId,
    /// The HTTP status of its class.
    pub(super) status: StatusCode,
    /// The stable code.
    pub(super) reason: &'static str,
    /// What people read.
    pub(super) title: &'static str,
    /// What the caller can add to be let in.
    pub(super) remedy: Option<&'a Remedy>,
    /// The approval that is waited for.
    pub(super) ticket: Option<&'a Ticket>,
    /// Seconds after which the same request may have another answer, where it may.
    pub(super) retry_after: Option<u32>,
    /// What it is in JSON-RPC.
    pub(super) condition: Condition,
    /// Whether the caller is told no more than that there is no such thing.
    pub(super) hidden: bool,
    /// The message that it is the answer to.
    pub(super) rpc: Option<&'a RpcFacts>,
    /// The method of the request.
    pub(super) method: &'a str,
}

impl<'a> Told<'a> {
    /// Of a denial, as far as the caller may know it.
    pub(super) fn of_denial(decision: &'a Decision, shown: &'a Shown<'_>) -> Self {
        let denial = &shown.denial;
        Self {
            decision: &decision.id,
            status: class(denial.reason).http(),
            reason: denial.reason.as_str(),
            title: denial.reason.title(),
            remedy: denial.remedy.as_ref(),
            ticket: None,
            retry_after: (denial.reason == Reason::ApprovalLimit).then_some(AFTER_LIMIT),
            condition: Condition::of(denial.reason),
            hidden: shown.hidden,
            rpc: decision.rpc.as_ref(),
            method: method(decision),
        }
    }

    /// Of a call that waits for an approval. Only a caller whose parties all have permits waits, so nothing of it is hidden.
    pub(super) fn of_ticket(decision: &'a Decision, ticket: &'a Ticket) -> Self {
        let reason = Reason::ApprovalRequired;
        Self {
            decision: &decision.id,
            status: class(reason).http(),
            reason: reason.as_str(),
            title: reason.title(),
            remedy: None,
            ticket: Some(ticket),
            retry_after: Some(AFTER_PENDING),
            condition: Condition::of(reason),
            hidden: false,
            rpc: decision.rpc.as_ref(),
            method: method(decision),
        }
    }

    /// Of a fault.
    pub(super) fn of_fault(decision: &'a Decision, code: FaultCode) -> Self {
        Self {
            decision: &decision.id,
            status: StatusCode::ServiceUnavailable,
            reason: code.as_str(),
            title: code.title(),
            remedy: None,
            ticket: None,
            retry_after: Some(AFTER_FAULT),
            condition: Condition::Fault,
            hidden: false,
            rpc: decision.rpc.as_ref(),
            method: method(decision),
        }
    }

    /// The HTTP status that Envoy makes the right gRPC status of: 401 is `UNAUTHENTICATED`, 403 `PERMISSION_DENIED`, 503
    /// `UNAVAILABLE`. A 400 would be `INTERNAL`, which reads like a defect of the server's.
    pub(super) const fn status_for_grpc(&self) -> StatusCode {
        if matches!(
            self.status,
            StatusCode::Unauthorized | StatusCode::ServiceUnavailable
        ) {
            self.status
        } else {
            Class::Forbidden.http()
        }
    }
}

fn method(decision: &Decision) -> &str {
    let request = decision.request.as_ref();
    request.map_or("", |request| request.method.as_str())
}
