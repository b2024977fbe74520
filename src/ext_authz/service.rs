//! The service that Envoy calls: one check, from arrival to answer.
//!
//! Whatever happens in here is answered explicitly, with gRPC status OK around a `CheckResponse` that says no: a gRPC
//! error would be Envoy's to judge, and with `failure_mode_allow` it would let the request pass. A timer is armed only
//! where a check awaits. No header value is ever logged.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use prost::bytes::Bytes;
use tonic::Request;
use tracing::Span;
use tracing::field::{Empty, display};

use crate::authorizer::{Authorizer, Origin};
use crate::model::decision::Decision;
use crate::model::reason::{FaultCode, Reason};
use crate::model::request::{AccessRequest, Gateway};
use crate::model::time::Timestamp;
use crate::model::verdict::{Denial, Fault, Verdict};

use super::clock;
use super::deadline::{Deadline, Patience};
use super::limit::Load;
use super::peer::{Peer, Removed};
use super::request::{canonical, is_grpc, no_message, request_id};
use super::response::answer;
use super::wire::{Check, Malformed};

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

    /// The answer to one call, whatever came.
    pub(super) async fn check(&self, request: &Request<Bytes>) -> Bytes {
        let arrival = Instant::now();
        let timeout = request.metadata().get("grpc-timeout");
        let timeout = timeout.and_then(|value| value.to_str().ok());
        // Every connection says who is at its other side; without that, nobody is.
        let gateway = match request.extensions().get::<Peer>() {
            Some(peer) => peer.gateway(),
            None => Err(Removed(Arc::from(""))),
        };
        let asked = Asked {
            deadline: Deadline::new(arrival, timeout, self.patience),
            check: Check::read(request.get_ref()),
            now: clock::now(),
            gateway,
            arrival,
        };
        let span = tracing::debug_span!(
            "ext_authz.check",
            decision = Empty,
            request = Empty,
            verdict = Empty,
            reason = Empty,
            rule = Empty,
        );
        // Where it stands: what is moved is copied, and this is the largest part of a check.
        let work = pin!(async {
            let decision = self.decide(&asked).await;
            describe(&span, &decision);
            answer(&decision)
        });
        caught(work, &span).await.unwrap_or_else(|fault| {
            let decision = self.refuse(Verdict::Fault(fault), &asked);
            describe(&span, &decision);
            answer(&decision)
        })
    }

    async fn decide(&self, asked: &Asked<'_>) -> Decision {
        let fault = |code, cause| self.refuse(Verdict::Fault(Fault::new(code, cause)), asked);
        let _counted = self.authorizer.metrics().begin_check();
        let Some(_in_flight) = self.load.enter() else {
            self.authorizer.metrics().shed();
            return fault(FaultCode::Overloaded, "too many checks in flight");
        };
        if asked.deadline.passed(Instant::now()) {
            return fault(
                FaultCode::DeadlineExceeded,
                "the deadline passed on arrival",
            );
        }
        match asked.request() {
            Ok(request) => {
                let until = asked.deadline.until();
                let decided = self.authorizer.decide(&request, asked.arrival, until);
                decided.await
            }
            Err(denial) => self.refuse(Verdict::Deny(denial), asked),
        }
    }

    fn refuse(&self, verdict: Verdict, asked: &Asked<'_>) -> Decision {
        let origin = Origin {
            request_id: asked.read().and_then(request_id),
            gateway: asked.gateway_id(),
            grpc: asked.read().is_some_and(is_grpc),
        };
        self.authorizer
            .refuse(verdict, asked.now, asked.arrival, origin)
    }
}

/// One check, and what is known about it before it is read.
struct Asked<'a> {
    check: Result<Check<'a>, Malformed>,
    gateway: Result<Option<Arc<Gateway>>, Removed>,
    now: Timestamp,
    arrival: Instant,
    deadline: Deadline,
}

impl<'a> Asked<'a> {
    /// The check, if its bytes are one.
    fn read(&self) -> Option<&Check<'a>> {
        self.check.as_ref().ok()
    }

    /// The canonical request, with the Envoy that asks.
    fn request(&self) -> Result<Box<AccessRequest>, Denial> {
        let gateway = self.gateway.as_ref().map_err(|Removed(_)| {
            Denial::new(Reason::GatewayNotAllowed)
                .because("the Envoy was taken off the list after it had connected")
        })?;
        let check = self.check.as_ref().map_err(|Malformed| no_message())?;
        let mut request = Box::new(canonical(check, self.now)?);
        request.gateway.clone_from(gateway);
        Ok(request)
    }

    fn gateway_id(&self) -> Option<Arc<str>> {
        match &self.gateway {
            Ok(gateway) => gateway.as_ref().map(|gateway| Arc::clone(&gateway.id)),
            Err(Removed(id)) => Some(Arc::clone(id)),
        }
    }
}

/// Runs `work` within `span`; a panic becomes a fault, so that one bad request ends neither the process nor its own refusal.
async fn caught<T>(mut work: Pin<&mut impl Future<Output = T>>, span: &Span) -> Result<T, Fault> {
    // Unwind safe: what `work` shares with other checks is atomics, caches and an immutable snapshot, and whatever it
    // was about to return is dropped. The panic's message may quote the request, so it goes no further than the hook.
    poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| {
            span.in_scope(|| work.as_mut().poll(context))
        })) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
            Err(_payload) => {
                tracing::error!("a check panicked");
                let fault = Fault::new(FaultCode::Internal, "the check panicked");
                Poll::Ready(Err(fault))
            }
        }
    })
    .await
}

fn describe(span: &Span, decision: &Decision) {
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

    #[tokio::test]
    async fn a_panic_is_a_fault() {
        let panicking = async { if true { panic!("secret") } else { 7 } };
        let span = Span::none();
        let fault = caught(pin!(panicking), &span).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::Internal);
        assert!(!fault.cause.contains("secret"));
        let later = async {
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(caught(pin!(later), &span).await, Ok(7));
    }
}
