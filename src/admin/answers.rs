//! What the admin listener answers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use super::access::Operator;
use super::change::{Change, Outcome, carry_out};
use super::gate::Gate;
use super::json::{pretty, read};
use super::metrics::obstacles;
use super::problem::Problem;
use super::status::{
    IntrospectionStatus, KeySetStatus, PolicyStatus, ReloadStatus, Reloaded, StateStatus, Status,
    StreamStatus,
};
use super::{
    approvals, conditions, events, guard, hooks, inbox, keys, keys_end, offboard, openapi,
    replicas, revocations,
};
use crate::model::name::ConditionName;
use crate::model::time::Timestamp;

/// How long whoever asks for a reload waits for it; it goes on after that.
const RELOAD_WAIT: Duration = Duration::from_secs(10);

/// Every path that there is, behind what guards it; `get` answers HEAD too.
pub(super) fn router(gate: Gate) -> Router {
    let gate = Arc::new(gate);
    let readers = || from_fn_with_state(Arc::clone(&gate), guard::readers);
    let operators = || from_fn_with_state(Arc::clone(&gate), guard::operators);
    let pages = from_fn_with_state(Arc::clone(&gate), inbox::or_page);
    Router::new()
        .route("/status", get(status).route_layer(readers()))
        .route("/openapi.json", get(openapi::document))
        .route("/reload", post(reload).route_layer(operators()))
        .route(
            "/keys",
            get(keys::list).post(keys::issue).route_layer(operators()),
        )
        .route(
            "/keys/{id}/rotate",
            post(keys::rotate).route_layer(operators()),
        )
        .route(
            "/keys/{id}/revoke",
            post(keys_end::revoke).route_layer(operators()),
        )
        .route(
            "/revocations",
            get(revocations::list)
                .post(revocations::revoke)
                .route_layer(operators()),
        )
        .route(
            "/revocations/lift",
            post(revocations::lift).route_layer(operators()),
        )
        .route(
            "/offboard",
            post(offboard::offboard).route_layer(operators()),
        )
        .route(
            "/replicas",
            get(replicas::list).route_layer(operators()),
        )
        .route(
            "/conditions",
            get(conditions::list).route_layer(operators()),
        )
        .route(
            "/conditions/{name}",
            put(conditions::set)
                .delete(conditions::clear)
                .route_layer(operators()),
        )
        .route("/hooks/conditions/{name}", post(hooks::conditions))
        .route("/events/{stream}", post(events::receive))
        .merge(approvals::router().route_layer(pages))
        .merge(inbox::router())
        .fallback(async || {
            let detail = "`/openapi.json` names every path; `/metrics`, `/healthz` and `/readyz` are on the metrics listener";
            Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
        })
        .method_not_allowed_fallback(async || {
            let detail = "the header `allow` names the methods of this path";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        })
        .layer(from_fn_with_state(Arc::clone(&gate), guard::everybody))
        .with_state(gate)
}

/// A body without members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn reload(
    State(gate): State<Arc<Gate>>,
    Extension(operator): Extension<Operator>,
    request: Request,
) -> Response {
    if let Err(problem) = read::<Nothing>(request).await {
        return problem.into_response();
    }
    let asked = (gate.state.reload)();
    let reload = async move {
        match timeout(RELOAD_WAIT, asked).await {
            Ok(Some(reloaded)) => outcome(reloaded),
            Ok(None) => {
                let detail = "the server ends: nothing is reloaded any more";
                let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ending", detail);
                Outcome::new("failed", problem)
            }
            Err(_elapsed) => {
                let body = json!({ "result": "pending" });
                Outcome::new("pending", pretty(StatusCode::ACCEPTED, &body))
            }
        }
    };
    let change = Change {
        operator,
        action: "reload",
    };
    carry_out(gate, change, reload).await
}

fn outcome(reloaded: Reloaded) -> Outcome {
    let settled = |result: &'static str, version: &str| {
        let body = json!({ "result": result, "version": version });
        Outcome::new(result, pretty(StatusCode::OK, &body))
    };
    match reloaded {
        Reloaded::Applied { version } => settled("applied", &version),
        Reloaded::Unchanged { version } => settled("unchanged", &version),
        Reloaded::Refused { problems } => {
            let detail = "the files on disk are wrong: what was in force before still is";
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "reload_refused", detail);
            Outcome::new("refused", problem.listing(problems))
        }
    }
}

async fn status(State(gate): State<Arc<Gate>>) -> Response {
    let status = (gate.state.status)();
    let ready = obstacles(&status).is_empty();
    let Status {
        now,
        version,
        started,
        uptime,
        policy,
        key_sets,
        introspection,
        streams,
        conditions,
        state,
        draining,
    } = status;
    let metrics = &gate.state.metrics;
    let body = json!({
        "version": version,
        "time": moment(now),
        "started": moment(started),
        "uptime_seconds": uptime.as_secs(),
        "ready": ready,
        "draining": draining,
        "policy": policy_json(&policy),
        "key_sets": key_sets.iter().map(key_set_json).collect::<Vec<_>>(),
        "state": state_json(&state),
        "introspection": introspection.iter().map(introspection_json).collect::<Vec<_>>(),
        "streams": streams.iter().map(stream_json).collect::<Vec<_>>(),
        "conditions": conditions.iter().map(condition).collect::<serde_json::Map<_, _>>(),
        "in_flight": metrics.in_flight(),
        "shed": metrics.shed_total(),
    });
    pretty(StatusCode::OK, &body)
}

fn state_json(state: &StateStatus) -> Json {
    let StateStatus {
        replica,
        age,
        position,
    } = state;
    json!({
        "replica": &**replica,
        "staleness_seconds": age.map(|age| age.as_secs_f64()),
        "position": position.as_ref().map(ToString::to_string),
    })
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
        withdrawn: _,
        lookups: _,
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

fn condition((name, value): (&ConditionName, &bool)) -> (String, Json) {
    (name.to_string(), Json::from(*value))
}

fn stream_json(stream: &StreamStatus) -> Json {
    let StreamStatus {
        name,
        last,
        stale_after,
        stale,
    } = stream;
    json!({
        "name": &**name,
        "last": last.map(moment),
        "stale_after_seconds": stale_after.map(|bound| bound.as_secs_f64()),
        "stale": stale,
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
