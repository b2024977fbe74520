//! `Decision` in, `CheckResponse` out: the only place with status codes and header names of answers.
//!
//! Envoy forwards a request if, and only if, the answer's `status.code` is 0 (an absent status is 0 too), so every
//! message here is built with all of its fields named, and code 0 is written in one place: for
//! [`Verdict::Allow`]. `error_response` is never used: with Envoy's
//! `failure_mode_allow` it would open the gate.

#![deny(clippy::wildcard_enum_match_arm)]

mod allow;
mod approval;
mod challenge;
mod condition;
mod document;
mod elicitation;
mod form;
mod hidden;
mod line;
mod metadata;
mod mutation;
mod problem;
mod remedy;
mod rpc;
mod status;
mod told;
mod tool;
mod unknown;
mod wire;

use envoy_types::pb::envoy::config::core::v3::HeaderValueOption;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, DeniedHttpResponse};
use envoy_types::pb::envoy::r#type::v3::{HttpStatus, StatusCode};
use envoy_types::pb::google::protobuf::Struct;
use envoy_types::pb::google::rpc::Status;
use prost::Message as _;
use prost::bytes::Bytes;

use crate::model::decision::{Decision, DpopFacts};
use crate::model::reason::{FaultCode, Reason};
use crate::model::verdict::{Denial, Fault, Grant, Verdict};

use allow::encode_allow;
use form::{Answer, Form};
use mutation::{Unfit, header};
use status::Code;
use told::Told;

/// The header that carries a nonce for the next proof (RFC 9449, section 8.1).
const DPOP_NONCE: &str = "dpop-nonce";

/// Bytes of most allows.
const ALLOW: usize = 512;

/// Size that a refusal's body stays below, so that Envoy's `max_denied_response_body_bytes` need not cut it.
const MAX_BODY: usize = 4096;

/// The bytes of [`check_response`], which an allow is written into as they are.
pub fn answer(decision: &Decision) -> Bytes {
    let mut bytes = Vec::with_capacity(ALLOW);
    match encode_allow(decision, &mut bytes) {
        Ok(()) => bytes.into(),
        Err(Unfit) => check_response(decision).encode_to_vec().into(),
    }
}

/// Renders a decision for Envoy.
///
/// A refusal is a `denied_response` with `cache-control: no-store`, `x-decision-id` and, where another credential could
/// help, `www-authenticate`; its body is a problem document (RFC 9457), a JSON-RPC message where the route speaks MCP,
/// or one line for a gRPC caller. Whoever has to wait for an approval is told of it in the same ways, or is asked to send
/// somebody to it. A fault is a refusal too, with status 503. A grant whose constraints Envoy could not carry out
/// exactly is answered as a fault.
pub fn check_response(decision: &Decision) -> CheckResponse {
    match &decision.verdict {
        Verdict::Allow(grant) => allowed(decision, grant).unwrap_or_else(|Unfit| {
            let cause = "a constraint cannot be carried out";
            let fault = Fault::new(FaultCode::ConstraintFailed, cause);
            faulted(
                decision,
                &Verdict::Fault(fault),
                FaultCode::ConstraintFailed,
            )
        }),
        Verdict::Deny(denial) => denied(decision, denial),
        Verdict::Pending(ticket) => {
            let denial = Denial::new(Reason::ApprovalRequired);
            refused(decision, &denial, &Told::of_ticket(decision, ticket))
        }
        Verdict::Fault(fault) => faulted(decision, &decision.verdict, fault.code),
    }
}

fn allowed(decision: &Decision, grant: &Grant) -> Result<CheckResponse, Unfit> {
    let constraints = &grant.constraints;
    let metadata = metadata::metadata(decision, &decision.verdict);
    let mut ok = mutation::ok_response(constraints)?;
    if let Some(nonce) = presented_nonce(decision) {
        let others = &mut ok.response_headers_to_add;
        others.retain(|option| option.header.as_ref().is_none_or(|it| it.key != DPOP_NONCE));
        others.push(header(DPOP_NONCE, nonce.to_owned()));
    }
    Ok(CheckResponse {
        status: Some(rpc_status(Code::Ok, "")),
        dynamic_metadata: Some(metadata::with_grant(metadata, &constraints.metadata)?),
        http_response: Some(HttpResponse::OkResponse(ok)),
    })
}

/// RFC 9449, section 8.2: the next proof's nonce comes with the answer to this one.
fn presented_nonce(decision: &Decision) -> Option<&str> {
    let presented = decision.dpop.as_ref().filter(|dpop| dpop.presented);
    presented?.nonce.as_deref()
}

/// The nonce for the next proof, where proofs need one.
fn nonce(dpop: &DpopFacts) -> Option<HeaderValueOption> {
    let nonce = dpop.nonce.as_deref()?;
    Some(header(DPOP_NONCE, nonce.to_owned()))
}

fn denied(decision: &Decision, denial: &Denial) -> CheckResponse {
    if let (Reason::Metadata, Some(body)) = (denial.reason, &decision.document) {
        let metadata = metadata::metadata(decision, &decision.verdict);
        return document::response(&decision.id, body, metadata);
    }
    let shown = hidden::shown(decision, denial);
    let told = Told::of_denial(decision, &shown);
    refused(decision, &shown.denial, &told)
}

fn refused(decision: &Decision, denial: &Denial, told: &Told<'_>) -> CheckResponse {
    let answer = Form::of(decision, told).answer(told);
    let dpop = decision.dpop.as_ref();
    // Nobody looks for a challenge under 200: the operator has chosen that the call is answered, not the client stopped.
    let challenged = answer.status != StatusCode::Ok;
    let challenge = challenge::of_route(denial, decision.route.as_ref(), dpop);
    let challenge = challenge
        .filter(|_| challenged)
        .map(|text| header("www-authenticate", text));
    let nonce = dpop
        .filter(|it| it.presented || (challenged && challenge::asks_for_dpop(denial, dpop)))
        .and_then(nonce);
    // RFC 9110, section 15.5.6.
    let allowed =
        (answer.status == StatusCode::MethodNotAllowed).then(|| header("allow", "POST".to_owned()));
    let status = rpc_status(status::class(denial.reason).grpc(), told.reason);
    let extra = challenge.into_iter().chain(nonce).chain(allowed);
    let extra = extra.chain(retry_after(told, &answer));
    let metadata = metadata::metadata(decision, &decision.verdict);
    refusal(status, decision, answer, extra, metadata)
}

fn faulted(decision: &Decision, verdict: &Verdict, code: FaultCode) -> CheckResponse {
    let told = Told::of_fault(decision, code);
    let answer = Form::of(decision, &told).answer(&told);
    let extra = retry_after(&told, &answer);
    let metadata = metadata::metadata(decision, verdict);
    let status = rpc_status(Code::Unavailable, told.reason);
    refusal(status, decision, answer, extra, metadata)
}

/// When to try again (RFC 9110, section 10.2.3); an answer under 200 says it in its body, if at all.
fn retry_after(told: &Told<'_>, answer: &Answer) -> Option<HeaderValueOption> {
    let seconds = told
        .retry_after
        .filter(|_| answer.status != StatusCode::Ok)?;
    Some(header("retry-after", seconds.to_string()))
}

fn refusal(
    status: Status,
    decision: &Decision,
    answer: Answer,
    extra: impl IntoIterator<Item = HeaderValueOption>,
    metadata: Struct,
) -> CheckResponse {
    let Answer {
        status: http,
        content_type,
        body,
    } = answer;
    let content_type = content_type.map(|it| header("content-type", it.to_owned()));
    let always = [
        header("cache-control", "no-store".to_owned()),
        header("x-decision-id", decision.id.to_string()),
    ];
    let headers = content_type.into_iter().chain(always).chain(extra);
    CheckResponse {
        status: Some(status),
        dynamic_metadata: Some(metadata),
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus { code: http.into() }),
            headers: headers.collect(),
            body,
        })),
    }
}

fn rpc_status(code: Code, message: &str) -> Status {
    Status {
        code: code as i32,
        message: message.to_owned(),
        details: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
