//! What the operator edge answers.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::model::time::Timestamp;

use super::AdminState;
use super::problem::{HEADERS, problem};
use super::status::{IntrospectionStatus, KeySetStatus, PolicyStatus, ReloadStatus, Status};

/// Every path that there is; `get` answers HEAD too.
pub(super) fn router(state: AdminState) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .fallback(async || {
            let paths = "there are `/metrics`, `/healthz`, `/readyz` and `/status`";
            problem(StatusCode::NOT_FOUND, paths)
        })
        .method_not_allowed_fallback(async || {
            problem(StatusCode::METHOD_NOT_ALLOWED, "use GET or HEAD")
        })
        .with_state(state)
}

async fn metrics(State(state): State<AdminState>) -> Response {
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
            problem(
                StatusCode::INTERNAL_SERVER_ERROR,
                "metrics could not be written",
            )
        }
    }
}

async fn healthz() -> Response {
    (HEADERS, "ok\n").into_response()
}

async fn readyz(State(state): State<AdminState>) -> Response {
    let reasons = obstacles(&(state.status)());
    if reasons.is_empty() {
        return pretty(StatusCode::OK, &json!({ "ready": true }));
    }
    let body = json!({ "ready": false, "reasons": reasons });
    pretty(StatusCode::SERVICE_UNAVAILABLE, &body)
}

/// Why no check should be sent here now.
fn obstacles(status: &Status) -> Vec<Json> {
    let draining = status.draining.then(|| json!({ "code": "draining" }));
    let keys = status.key_sets.iter().filter(|set| !set.loaded).map(|set| {
        let provider = set.provider.as_str();
        json!({ "code": "keys_not_loaded", "provider": provider, "error": set.last_error })
    });
    draining.into_iter().chain(keys).collect()
}

async fn status(State(state): State<AdminState>) -> Response {
    let status = (state.status)();
    let ready = obstacles(&status).is_empty();
    let Status {
        now,
        version,
        started,
        uptime,
        policy,
        key_sets,
        introspection,
        draining,
    } = status;
    let body = json!({
        "version": version,
        "time": moment(now),
        "started": moment(started),
        "uptime_seconds": uptime.as_secs(),
        "ready": ready,
        "draining": draining,
        "policy": policy_json(&policy),
        "key_sets": key_sets.iter().map(key_set_json).collect::<Vec<_>>(),
        "introspection": introspection.iter().map(introspection_json).collect::<Vec<_>>(),
        "in_flight": state.metrics.in_flight(),
        "shed": state.metrics.shed_total(),
    });
    pretty(StatusCode::OK, &body)
}

fn policy_json(policy: &PolicyStatus) -> Json {
    let PolicyStatus {
        version,
        loaded_at,
        rules,
        routes,
        reload,
    } = policy;
    let reload = match reload {
        ReloadStatus::Applied { since } => json!({ "state": "applied", "since": moment(*since) }),
        ReloadStatus::Refused { since, problems } => json!({
            "state": "refused",
            "since": moment(*since),
            "problems": problems,
        }),
    };
    json!({
        "version": &**version,
        "loaded_at": moment(*loaded_at),
        "rules": rules,
        "routes": routes,
        "reload": reload,
    })
}

fn key_set_json(set: &KeySetStatus) -> Json {
    let KeySetStatus {
        provider,
        loaded,
        age,
        last_success,
        failures,
        keys,
        last_error,
    } = set;
    json!({
        "provider": provider.as_str(),
        "loaded": loaded,
        "age_seconds": age.map(|age| age.as_secs()),
        "last_success": last_success.map(moment),
        "failures": failures,
        "keys": keys,
        "last_error": last_error,
    })
}

fn introspection_json(status: &IntrospectionStatus) -> Json {
    let IntrospectionStatus {
        provider,
        active,
        inactive,
        failed,
        shed,
        entries,
        last_success,
        last_error,
    } = status;
    json!({
        "provider": provider.as_str(),
        "last_success": last_success.map(moment),
        "active": active,
        "inactive": inactive,
        "failures": failed,
        "shed": shed,
        "entries": entries,
        "last_error": last_error,
    })
}

fn moment(at: Timestamp) -> String {
    at.to_string()
}

/// JSON for people and programs: members in a fixed order, indented.
fn pretty(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string_pretty(body) {
        Ok(text) => {
            let kind = [(header::CONTENT_TYPE, "application/json")];
            (status, HEADERS, kind, text + "\n").into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be encoded");
            problem(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the answer could not be encoded",
            )
        }
    }
}
