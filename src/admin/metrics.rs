//! What the metrics listener answers: numbers and health, to whoever can reach it, and nothing that changes anything.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value as Json, json};

use super::MetricsState;
use super::json::pretty;
use super::problem::{HEADERS, Problem};
use super::status::{IntrospectionStatus, KeySetStatus, Status};

/// Every path that there is; `get` answers HEAD too.
pub(super) fn router(state: MetricsState) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(async || {
            let detail =
                "there are `/metrics`, `/healthz` and `/readyz`; `/status` is on the admin listener";
            Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
        })
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "use GET or HEAD",
            )
        })
        .with_state(state)
}

async fn metrics(State(state): State<MetricsState>) -> Response {
    let status = (state.status)();
    let key_sets: Vec<_> = status.key_sets.iter().map(KeySetStatus::sample).collect();
    let introspection = status.introspection.iter();
    let introspection: Vec<_> = introspection.map(IntrospectionStatus::sample).collect();
    match state.metrics.encode(status.now, &key_sets, &introspection) {
        Ok(text) => {
            let kind = [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )];
            (HEADERS, kind, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            Problem::internal("metrics could not be written").into_response()
        }
    }
}

async fn healthz() -> Response {
    (HEADERS, "ok\n").into_response()
}

async fn readyz(State(state): State<MetricsState>) -> Response {
    let reasons = obstacles(&(state.status)());
    if reasons.is_empty() {
        return pretty(StatusCode::OK, &json!({ "ready": true }));
    }
    let body = json!({ "ready": false, "reasons": reasons });
    pretty(StatusCode::SERVICE_UNAVAILABLE, &body)
}

/// Why no check should be sent here now.
pub(super) fn obstacles(status: &Status) -> Vec<Json> {
    let draining = status.draining.then(|| json!({ "code": "draining" }));
    let keys = status.key_sets.iter().filter(|set| !set.loaded).map(|set| {
        let provider = set.provider.as_str();
        json!({ "code": "keys_not_loaded", "provider": provider, "error": set.last_error })
    });
    draining.into_iter().chain(keys).collect()
}
