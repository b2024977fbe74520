//! Changes: each is carried out to its end and has one record, whoever goes away meanwhile.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::access::Operator;
use super::gate::Gate;
use super::problem::Problem;
use crate::audit::{AdminEvent, By};

/// What is to be changed, by whom.
pub(super) struct Change {
    pub(super) operator: Operator,
    /// The word that records use.
    pub(super) action: &'static str,
}

/// How a change ended.
pub(super) struct Outcome {
    /// The word that records use.
    result: &'static str,
    /// What it was done to, where it was done to one thing.
    target: Option<String>,
    response: Response,
}

impl Outcome {
    pub(super) fn new(result: &'static str, response: impl IntoResponse) -> Self {
        Self {
            result,
            target: None,
            response: response.into_response(),
        }
    }

    /// Names what it was done to.
    pub(super) fn on(mut self, target: String) -> Self {
        self.target = Some(target);
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
        let Outcome {
            result,
            target,
            response,
        } = act.await;
        (result, target, response)
    };
    let done = recorded(gate, change, act).await;
    done.unwrap_or_else(IntoResponse::into_response)
}

/// The same for a change that ends with something else than an answer: the word that records use, what it was done to, and that.
pub(super) async fn recorded<T: Send + 'static>(
    gate: Arc<Gate>,
    change: Change,
    act: impl Future<Output = (&'static str, Option<String>, T)> + Send + 'static,
) -> Result<T, Problem> {
    let task = tokio::spawn(async move {
        let slot = gate.state.audit.reserve().map_err(|error| {
            let (status, detail) = (StatusCode::SERVICE_UNAVAILABLE, error.to_string());
            Problem::new(status, "audit_full", detail)
        })?;
        let (result, target, done) = act.await;
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
