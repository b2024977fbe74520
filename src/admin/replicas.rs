//! How far replicas have come, and how far they have to be.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

use super::gate::Gate;
use super::json::pretty;
use super::revocations::unavailable;
use crate::model::change::Position;
use crate::store::{Acknowledged, ReplicaReport};

/// How far every replica has come.
pub(super) async fn list(State(gate): State<Arc<Gate>>) -> Response {
    match gate.state.store.replicas().await {
        Ok(replicas) => {
            let now = (gate.state.clock)().to_string();
            let replicas: Vec<Json> = replicas.iter().map(replica).collect();
            pretty(StatusCode::OK, &json!({ "now": now, "replicas": replicas }))
        }
        Err(error) => unavailable(&error).into_response(),
    }
}

fn replica(report: &ReplicaReport) -> Json {
    let ReplicaReport { name, position, at } = report;
    let Position { generation, seq } = position;
    json!({ "name": name, "generation": generation, "seq": seq, "at": at.to_string() })
}

/// What a replica has to have seen to enforce what was acknowledged.
pub(super) fn told(acknowledged: &Acknowledged) -> Json {
    let Acknowledged { position, at } = acknowledged;
    let Position { generation, seq } = position;
    json!({ "generation": generation, "seq": seq, "at": at.to_string() })
}
