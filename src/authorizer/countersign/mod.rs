//! What happens between the rules' word that an approval is all that is missing and the answer: the approval of this very call
//! is looked up or opened, and used up when everything else is done.
//!
//! Nothing of the grant is carried out before the store has said that the use counts. Whatever else it says, or does not say in
//! time, is no allow: the caller is asked to wait for another approval, is denied, or hears that it could not be decided.

mod claim;
mod look;
mod presented;
mod stand;

use std::sync::Arc;
use std::time::Instant;

pub(super) use claim::Claim;

use super::examined::Examined;
use super::snapshot::Snapshot;
use crate::approval::token::Presented;
use crate::approval::{ApprovalError, Sought};
use crate::model::approval::{Approval, Requester};
use crate::model::header;
use crate::model::party::Parties;
use crate::model::reason::{FaultCode, Reason};
use crate::model::request::AccessRequest;
use crate::model::time::Timestamp;
use crate::model::verdict::{Denial, Fault, Grant, Verdict};
use crate::policy::{Awaited, Demand, IDEMPOTENCY_KEY, IDEMPOTENCY_VARIABLE};
use crate::telemetry::Metrics;

/// How often another approval is looked for, or another state of one, before giving up.
const LOOKS: usize = 4;

/// A call that needs an approval.
struct Call {
    sought: Sought,
    demand: Demand,
    parties: Parties,
    now: Timestamp,
    until: Instant,
}

/// What a call may use.
enum Source {
    /// An approval of the store.
    Stored(Arc<Approval>),
    /// A signed one, of another issuer.
    Signed(Presented),
}

impl Snapshot {
    /// Finds out whether the call may pass with an approval, and says so in the verdict; with the claim, the approval is used
    /// later. What is awaited must be of the same call.
    pub(super) async fn countersign<'a>(
        &'a self,
        request: &AccessRequest,
        awaited: Awaited,
        examined: &mut Examined,
        until: Instant,
        metrics: &'a Metrics,
    ) -> Option<Claim<'a>> {
        let (call, grant) = match self.call(request, awaited, examined, until) {
            Ok(call) => call,
            Err(fault) => {
                examined.verdict = Verdict::Fault(fault);
                return None;
            }
        };
        let found = self.found(&call, request, metrics);
        let found = match tokio::time::timeout_at(until.into(), found).await {
            Ok(found) => found,
            Err(_elapsed) => Err(unavailable("the store was too slow")),
        };
        match found {
            Ok(source) => {
                examined.verdict = Verdict::Allow(grant);
                Some(Claim::new(self, metrics, call, source))
            }
            Err(verdict) => {
                metrics.approval_refused(&verdict);
                examined.verdict = verdict;
                None
            }
        }
    }

    /// What is to be approved, and how the call passes then.
    fn call(
        &self,
        request: &AccessRequest,
        awaited: Awaited,
        examined: &Examined,
        until: Instant,
    ) -> Result<(Call, Grant), Fault> {
        let Awaited {
            demand,
            matter,
            grant,
        } = awaited;
        if let Some(fault) = set_already(&grant) {
            return Err(fault);
        }
        let (Some(asked), Some(parties)) = (&examined.asked, &examined.parties) else {
            let cause = "an approval is needed for what nobody asked";
            return Err(Fault::new(FaultCode::Internal, cause));
        };
        let proof = examined.credential.as_ref();
        let proof = proof.and_then(|(_, token)| token.bound.clone());
        let sought = Sought {
            matter,
            requester: Requester::of(parties, proof),
            route: asked.action.route.clone(),
            action: asked.action.id.clone(),
            tier: asked.action.tier,
            resource: asked.resource.clone(),
            policy_version: Arc::clone(&self.version),
        };
        let call = Call {
            sought,
            demand,
            parties: parties.clone(),
            now: request.now,
            until,
        };
        Ok((call, grant))
    }

    /// What the call may use: what it presents, where signed approvals are taken, else what is known of it.
    async fn found(
        &self,
        call: &Call,
        request: &AccessRequest,
        metrics: &Metrics,
    ) -> Result<Source, Verdict> {
        let presented = request.headers.get(header::APPROVAL_TOKEN);
        match (&self.approvals.tokens, presented) {
            (Some(tokens), Some(token)) => self.presented(call, tokens, token).await,
            (None, _) | (_, None) => self.look(call, metrics).await.map(Source::Stored),
        }
    }
}

/// Two values for one header are a fault, before anything is opened or used. Policies that could come here do not load.
fn set_already(grant: &Grant) -> Option<Fault> {
    let headers = &grant.constraints.headers;
    let set = headers.contains_key(IDEMPOTENCY_KEY) || headers.contains_key(IDEMPOTENCY_VARIABLE);
    set.then(|| {
        let cause = "a guard sets `idempotency-key`, which an approval sets too";
        Fault::new(FaultCode::ConstraintConflict, cause)
    })
}

impl Call {
    fn denial(&self, reason: Reason, cause: &str) -> Verdict {
        let denial = Denial::new(reason).because(cause);
        Verdict::Deny(match self.demand.rules.first() {
            Some(rule) => denial.by(rule),
            None => denial,
        })
    }
}

fn failed(error: &ApprovalError) -> Verdict {
    unavailable(error.to_string())
}

fn unavailable(cause: impl Into<String>) -> Verdict {
    Verdict::Fault(Fault::new(FaultCode::ApprovalUnavailable, cause))
}
