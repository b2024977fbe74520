//! The end of API keys, which every replica hears of as it hears of any revocation.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::access::Operator;
use super::change::{Change, Outcome, carry_out};
use super::gate::Gate;
use super::json::{pretty, read};
use super::keys::{ended, unavailable, unknown};
use super::problem::Problem;
use super::revocations::{has_room, put};
use crate::model::revocation::Revocation;
use crate::store::{ApiKeyRecord, Revoked};

/// Longest reason, in characters.
const MAX_REASON: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    reason: Option<String>,
}

/// Ends a key at once and for good.
pub(super) async fn revoke(
    State(gate): State<Arc<Gate>>,
    Extension(operator): Extension<Operator>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let asked: Revoke = match read(request).await {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(),
    };
    let (own, by) = (Arc::clone(&gate), operator.label());
    let act = async move { ended(revoked(&own, id, asked, by).await) };
    let action = "keys.revoke";
    carry_out(gate, Change { operator, action }, act).await
}

async fn revoked(gate: &Gate, id: String, asked: Revoke, by: Arc<str>) -> Result<Outcome, Problem> {
    let reason: Option<String> = asked
        .reason
        .map(|text| text.chars().take(MAX_REASON).collect());
    let keys = gate.state.store.api_keys().await;
    let keys = keys.map_err(|error| unavailable(&error))?.keys;
    let now = (gate.state.clock)();
    // Every replica hears of it first, and gives it back where the store loses it.
    if let Some(key) = keys.iter().find(|key| key.id == id) {
        let because = reason.as_deref().unwrap_or_default();
        let block = blocks(gate, std::slice::from_ref(key), &by, because)?;
        put(gate, block).await?;
    }
    let revoked = gate.state.store.revoke_api_key(&id, now, reason).await;
    let (result, at) = match revoked.map_err(|error| unavailable(&error))? {
        Revoked::Now => ("revoked", now),
        Revoked::Before(at) => ("unchanged", at),
        Revoked::Unknown => return Err(unknown()),
    };
    let body = json!({ "id": id, "revoked": at.to_string(), "already": result == "unchanged" });
    Ok(Outcome::new(result, pretty(StatusCode::OK, &body)).on(id))
}

/// What ends keys on every replica, also where the store loses that it ended them.
pub(super) fn blocks(
    gate: &Gate,
    keys: &[ApiKeyRecord],
    by: &Arc<str>,
    because: &str,
) -> Result<Vec<Revocation>, Problem> {
    let now = (gate.state.clock)();
    let block = |key: &ApiKeyRecord| {
        let block = key.block(now, by, because);
        has_room(gate, &block.target)?;
        Ok(block)
    };
    keys.iter().map(block).collect()
}
