//! The service that Envoy calls: one check, from arrival to answer.
//!
//! Whatever happens in here is answered explicitly, with gRPC status OK around a `CheckResponse` that says no: a gRPC
//! error would be Envoy's to judge, and with `failure_mode_allow` it would let the request pass. Nothing is awaited, so
//! no timer is armed. No header value is ever logged.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use envoy_types::pb::envoy::service::auth::v3::authorization_server::Authorization;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use tonic::{Request, Response, Status};
use tracing::field::{Empty, display};

use crate::authorizer::Authorizer;
use crate::model::decision::Decision;
use crate::model::reason::FaultCode;
use crate::model::time::Timestamp;
use crate::model::verdict::{Fault, Verdict};

use super::clock;
use super::deadline::{Deadline, Patience};
use super::limit::Load;
use super::request::{access_request, request_id};
use super::response::check_response;

/// Answers Envoy's checks.
#[derive(Debug)]
pub(super) struct Checks {
    authorizer: Authorizer,
    load: Arc<Load>,
    patience: Patience,
}

impl Checks {
    /// Answers with what `authorizer` decides, within the bounds of `load` and `patience`.
    pub(super) const fn new(authorizer: Authorizer, load: Arc<Load>, patience: Patience) -> Self {
        Self {
            authorizer,
            load,
            patience,
        }
    }

    fn answer(&self, check: &CheckRequest, arrival: Instant, deadline: Deadline) -> CheckResponse {
        let span = tracing::debug_span!(
            "ext_authz.check",
            decision = Empty,
            request = Empty,
            verdict = Empty,
            reason = Empty,
            rule = Empty,
        );
        let _entered = span.enter();
        let now = clock::now();
        let answered = caught(|| {
            let decision = self.decide(check, now, arrival, deadline);
            (check_response(&decision), decision)
        });
        let (response, decision) = answered.unwrap_or_else(|fault| {
            let decision = self.refuse(Verdict::Fault(fault), now, arrival, check);
            (check_response(&decision), decision)
        });
        describe(&span, &decision);
        response
    }

    fn decide(
        &self,
        check: &CheckRequest,
        now: Timestamp,
        arrival: Instant,
        deadline: Deadline,
    ) -> Decision {
        let fault =
            |code, cause| self.refuse(Verdict::Fault(Fault::new(code, cause)), now, arrival, check);
        let _counted = self.authorizer.metrics().begin_check();
        let Some(_in_flight) = self.load.enter() else {
            self.authorizer.metrics().shed();
            return fault(FaultCode::Overloaded, "too many checks in flight");
        };
        if deadline.passed(Instant::now()) {
            return fault(
                FaultCode::DeadlineExceeded,
                "the deadline passed on arrival",
            );
        }
        match access_request(check, now) {
            Ok(request) => {
                let late = || deadline.passed(Instant::now());
                self.authorizer.decide(&request, arrival, late)
            }
            Err(denial) => self.refuse(Verdict::Deny(denial), now, arrival, check),
        }
    }

    fn refuse(
        &self,
        verdict: Verdict,
        now: Timestamp,
        arrival: Instant,
        check: &CheckRequest,
    ) -> Decision {
        self.authorizer
            .refuse(verdict, now, arrival, request_id(check))
    }
}

#[tonic::async_trait]
impl Authorization for Checks {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let arrival = Instant::now();
        let timeout = request.metadata().get("grpc-timeout");
        let timeout = timeout.and_then(|value| value.to_str().ok());
        let deadline = Deadline::new(arrival, timeout, self.patience);
        Ok(Response::new(self.answer(
            request.get_ref(),
            arrival,
            deadline,
        )))
    }
}

/// Runs `work`; a panic becomes a fault, so that one bad request ends neither the process nor its own refusal.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    // Unwind safe: what `work` shares with other checks is atomics, caches and an immutable snapshot, and whatever it
    // was about to return is dropped. The panic's message may quote the request, so it goes no further than the hook.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_payload| {
        tracing::error!("a check panicked");
        Fault::new(FaultCode::Internal, "the check panicked")
    })
}

fn describe(span: &tracing::Span, decision: &Decision) {
    if span.is_disabled() {
        return;
    }
    span.record("decision", display(&decision.id));
    span.record("verdict", decision.verdict.as_str());
    span.record("reason", decision.verdict.reason());
    if let Some(rule) = decision.verdict.rule() {
        span.record("rule", display(rule));
    }
    if let Some(id) = decision
        .request
        .as_ref()
        .and_then(|request| request.id.as_deref())
    {
        span.record("request", id);
    }
    tracing::debug!("check answered");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_fault() {
        let fault = caught(|| -> u8 { panic!("secret") }).unwrap_err();
        assert_eq!(fault.code, FaultCode::Internal);
        assert!(!fault.cause.contains("secret"));
        assert_eq!(caught(|| 7), Ok(7));
    }
}
