//! `Decision` in, `CheckResponse` out: the only place with status codes and header names of answers.
//!
//! Envoy forwards a request if, and only if, the answer's `status.code` is 0 (an absent status is 0 too), so every
//! message here is built with all of its fields named, and code 0 is written in one place: for
//! [`Verdict::Allow`]. `error_response` is never used: with Envoy's
//! `failure_mode_allow` it would open the gate.

#![deny(clippy::wildcard_enum_match_arm)]

mod challenge;
mod metadata;
mod mutation;
mod problem;
mod status;

use envoy_types::pb::envoy::config::core::v3::HeaderValueOption;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, DeniedHttpResponse};
use envoy_types::pb::envoy::r#type::v3::{HttpStatus, StatusCode};
use envoy_types::pb::google::protobuf::Struct;
use envoy_types::pb::google::rpc::Status;

use crate::model::decision::{Decision, DpopFacts};
use crate::model::reason::FaultCode;
use crate::model::verdict::{Denial, Fault, Grant, Verdict};

use mutation::{Unfit, header};
use problem::Problem;
use status::Code;

/// The header that carries a nonce for the next proof (RFC 9449, section 8.1).
const DPOP_NONCE: &str = "dpop-nonce";

/// Seconds after which a client may try again when no decision could be made (RFC 9110, section 10.2.3).
const RETRY_AFTER: &str = "1";

/// Renders a decision for Envoy.
///
/// A refusal is a `denied_response` with a problem document (RFC 9457), `cache-control: no-store`, `x-decision-id`
/// and, where another credential could help, `www-authenticate`. A fault is one too, with status 503. A grant whose
/// constraints Envoy could not carry out exactly is answered as a fault.
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
        Verdict::Fault(fault) => faulted(decision, &decision.verdict, fault.code),
    }
}

fn allowed(decision: &Decision, grant: &Grant) -> Result<CheckResponse, Unfit> {
    let constraints = &grant.constraints;
    let metadata = metadata::metadata(decision, &decision.verdict);
    let mut ok = mutation::ok_response(constraints)?;
    // RFC 9449, section 8.2: the next proof's nonce comes with the answer to this one.
    let presented = decision.dpop.as_ref().filter(|dpop| dpop.presented);
    if let Some(nonce) = presented.and_then(nonce) {
        let others = &mut ok.response_headers_to_add;
        others.retain(|option| option.header.as_ref().is_none_or(|it| it.key != DPOP_NONCE));
        others.push(nonce);
    }
    Ok(CheckResponse {
        status: Some(rpc_status(Code::Ok, "")),
        dynamic_metadata: Some(metadata::with_grant(metadata, &constraints.metadata)?),
        http_response: Some(HttpResponse::OkResponse(ok)),
    })
}

/// The nonce for the next proof, where proofs need one.
fn nonce(dpop: &DpopFacts) -> Option<HeaderValueOption> {
    let nonce = dpop.nonce.as_deref()?;
    Some(header(DPOP_NONCE, nonce.to_owned()))
}

fn denied(decision: &Decision, denial: &Denial) -> CheckResponse {
    let class = status::class(denial.reason);
    let problem = Problem {
        status: class.http().into(),
        reason: denial.reason.as_str(),
        title: denial.reason.title(),
        decision: &decision.id,
        remedy: denial.remedy.as_ref(),
    };
    let dpop = decision.dpop.as_ref();
    let challenge = challenge::of_route(denial, decision.route.as_ref(), dpop);
    let challenge = challenge.map(|text| header("www-authenticate", text));
    let nonce = dpop
        .filter(|it| it.presented || challenge::asks_for_dpop(denial, dpop))
        .and_then(nonce);
    let metadata = metadata::metadata(decision, &decision.verdict);
    refusal(
        class.grpc(),
        &problem,
        challenge.into_iter().chain(nonce),
        metadata,
    )
}

fn faulted(decision: &Decision, verdict: &Verdict, code: FaultCode) -> CheckResponse {
    let problem = Problem {
        status: StatusCode::ServiceUnavailable.into(),
        reason: code.as_str(),
        title: code.title(),
        decision: &decision.id,
        remedy: None,
    };
    let extra = header("retry-after", RETRY_AFTER.to_owned());
    let metadata = metadata::metadata(decision, verdict);
    refusal(Code::Unavailable, &problem, Some(extra), metadata)
}

fn refusal(
    code: Code,
    problem: &Problem<'_>,
    extra: impl IntoIterator<Item = HeaderValueOption>,
    metadata: Struct,
) -> CheckResponse {
    let mut headers = vec![
        header("content-type", "application/problem+json".to_owned()),
        header("cache-control", "no-store".to_owned()),
        header("x-decision-id", problem.decision.to_string()),
    ];
    headers.extend(extra);
    CheckResponse {
        status: Some(rpc_status(code, problem.reason)),
        dynamic_metadata: Some(metadata),
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus {
                code: problem.status,
            }),
            headers,
            body: problem::body(problem),
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
