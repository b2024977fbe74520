//! What a client is told of a refusal, whatever it speaks: no rule, no claim, no cause.

use envoy_types::pb::envoy::r#type::v3::StatusCode;

use super::condition::Condition;
use super::hidden::Shown;
use super::status::{Class, class};
use crate::model::decision::{Decision, DecisionId};
use crate::model::reason::FaultCode;
use crate::model::rpc::RpcFacts;
use crate::model::verdict::Remedy;

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
            condition: Condition::of(denial.reason),
            hidden: shown.hidden,
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
