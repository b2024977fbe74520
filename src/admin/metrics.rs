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

/// Where the keys of minted tokens are published.
const JWKS: &str = "/.well-known/jwks.json";
/// How long a verifier may keep them, so how long before it signs a new key has to be published.
const JWKS_AGE: &str = "public, max-age=300";

/// Every path that there is; `get` answers HEAD too.
pub(super) fn router(state: MetricsState) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route(JWKS, get(jwks))
        .fallback(async || {
            let detail =
                "there are `/metrics`, `/healthz`, `/readyz` and, where tokens are minted, `/.well-known/jwks.json`; `/status` is on the admin listener";
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

async fn jwks(State(state): State<MetricsState>) -> Response {
    let Some(document) = (state.jwks)() else {
        let detail = "no tokens are minted: the configuration has no section `token`";
        return Problem::new(StatusCode::NOT_FOUND, "not_found", detail).into_response();
    };
    let headers = [
        // RFC 7517, section 8.5.2.
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        (header::CACHE_CONTROL, JWKS_AGE),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, document.to_string()).into_response()
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
    let state = status.state.age.is_none();
    let state = state.then(|| json!({ "code": "state_not_loaded" }));
    draining.into_iter().chain(keys).chain(state).collect()
}
