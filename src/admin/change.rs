//! Changes: each is carried out to its end and has one record, whoever goes away meanwhile.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::access::Operator;
use super::gate::Gate;
use super::problem::Problem;
use crate::audit::{AdminEvent, By};
use crate::model::time::Timestamp;

/// What is to be changed, by whom.
pub(super) struct Change {
    pub(super) operator: Operator,
    /// The word that records use.
    pub(super) action: &'static str,
}

/// How a change ended, with its answer.
pub(super) struct Outcome {
    end: End,
    response: Response,
}

/// How a change ended, for its record.
pub(super) struct End {
    /// The word that records use.
    result: &'static str,
    /// What it was done to, where it was done to one thing.
    target: Option<String>,
    /// Why, where somebody said why.
    reason: Option<Arc<str>>,
    /// Until when it counts, where it ends by itself.
    expires: Option<Timestamp>,
}

impl End {
    /// An end with this word for records; `target` is what it was done to.
    pub(super) const fn new(result: &'static str, target: Option<String>) -> Self {
        Self {
            result,
            target,
            reason: None,
            expires: None,
        }
    }
}

impl Outcome {
    pub(super) fn new(result: &'static str, response: impl IntoResponse) -> Self {
        Self {
            end: End::new(result, None),
            response: response.into_response(),
        }
    }

    /// Names what it was done to.
    pub(super) fn on(mut self, target: String) -> Self {
        self.end.target = Some(target);
        self
    }

    /// Says why.
    pub(super) fn because(mut self, reason: Arc<str>) -> Self {
        self.end.reason = Some(reason);
        self
    }

    /// Says when it ends by itself.
    pub(super) fn until(mut self, expires: Option<Timestamp>) -> Self {
        self.end.expires = expires;
        self
    }
}

/// Carries a change out in a task of its own, so that a client that goes away ends neither the change nor its record. A
/// change whose record has no place is not begun.
pub(super) async fn carry_out(
    gate: Arc<Gate>,
    change: Change,
    act: impl Future<Output = Outcome> + Send + 'static,
) -> Response {
    let act = async move {
        let Outcome { end, response } = act.await;
        (end, response)
    };
    let done = recorded(gate, change, act).await;
    done.unwrap_or_else(IntoResponse::into_response)
}

/// The same for a change that ends with something else than an answer.
pub(super) async fn recorded<T: Send + 'static>(
    gate: Arc<Gate>,
    change: Change,
    act: impl Future<Output = (End, T)> + Send + 'static,
) -> Result<T, Problem> {
    let task = tokio::spawn(async move {
        let slot = gate.state.audit.reserve().map_err(|error| {
            let (status, detail) = (StatusCode::SERVICE_UNAVAILABLE, error.to_string());
            Problem::new(status, "audit_full", detail)
        })?;
        let (end, done) = act.await;
        let End {
            result,
            target,
            reason,
            expires,
        } = end;
        let Change { operator, action } = &change;
        let event = AdminEvent {
            at: (gate.state.clock)(),
            action,
            target: target.as_deref(),
            by: By {
                name: operator.name.as_deref(),
                method: operator.method.as_str(),
                id: operator.id.as_deref(),
                actor: operator.actor.as_deref(),
            },
            result,
            reason: reason.as_deref(),
            expires,
        };
        slot.write_admin(&event);
        tracing::info!(
            action,
            result,
            access = operator.name.as_deref(),
            by = operator.id.as_deref(),
            "changed through the admin listener"
        );
        Ok(done)
    });
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a change ended in a panic");
        Err(Problem::internal("the change could not be carried out"))
    })
}
