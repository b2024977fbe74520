//! Approvals through the admin listener: who approves, looks or revokes does so as an action of the built-in route `countersign`, under
//! the same policy, with the same providers, and with a record of the decision. Nothing is done for any verdict but an allow.
//!
//! Whoever asked for an approval needs no permit to see how it stands, and to take it back: the credential that the call was made
//! with is enough, and it is good for nothing else here.

mod ask;
mod challenge;
mod change;
mod list;
mod requester;
mod show;
mod shown;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::gate::Gate;
use super::problem::Problem;
use crate::approval::ApprovalError;
use crate::store::StoreError;

pub(super) use ask::{Act, Caller, Refused, permitted};
pub(super) use change::vote;
pub(super) use list::{Listing, page, waiting};
pub(super) use show::{Shown, find};

/// The paths of approvals; every one of them judges the caller by itself.
pub(super) fn router() -> Router<Arc<Gate>> {
    Router::new()
        .route("/approvals", get(list::list))
        .route("/approvals/{id}", get(show::show))
        .route("/approvals/{id}/approve", change::doing(Act::Approve))
        .route("/approvals/{id}/deny", change::doing(Act::Deny))
        .route("/approvals/{id}/revoke", change::doing(Act::Revoke))
        .route("/approvals/{id}/cancel", post(change::cancel))
        .route("/approvals/{id}/status", get(status::status))
}

/// What is said of an approval that is not there, and of a text that is no id.
fn unknown() -> Problem {
    let detail = "there is no approval with this id";
    Problem::new(StatusCode::NOT_FOUND, "approval_unknown", detail)
}

fn unavailable(error: &StoreError) -> Problem {
    tracing::error!(%error, "the store could not be used");
    let detail = "the store cannot be used now: try again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
}

fn undone(error: &ApprovalError) -> Problem {
    match error {
        ApprovalError::Contended => {
            let detail = "others changed it at the same moment: try again";
            Problem::new(StatusCode::CONFLICT, "approval_contended", detail)
        }
        ApprovalError::Store(error) => unavailable(error),
        ApprovalError::NoStore | ApprovalError::Random(_) => {
            tracing::error!(%error, "an approval could not be changed");
            Problem::internal("the approval could not be changed")
        }
    }
}
