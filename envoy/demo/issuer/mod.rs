//! The demo's authorization server. **It gives a token to anybody who asks, saying whatever they ask for.** For the demo only.
//!
//! Two issuers live in one process, `…/corp` (people and their agents) and `…/ci` (machines), each with keys of its own that are made
//! when it starts: `/.well-known/openid-configuration`, `/jwks.json`, and `/token`, which takes the claims as query parameters
//! (see [`claims`]) and answers a GET with the bare token, a POST with the JSON of RFC 6749 section 5.1. At `/authorize` whoever
//! comes chooses a person to be (see [`sign_in`]).

mod claims;
mod keys;
mod people;
mod sign_in;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::clock;
use keys::{Keys, Kind};
use sign_in::Codes;

/// The issuers that there are; what stands behind the external URL of each.
const NAMES: [&str; 2] = ["corp", "ci"];

/// One issuer: its exact `iss`, and its keys.
struct Issuer {
    name: &'static str,
    iss: String,
    keys: Keys,
    codes: Codes,
}

type Shared = Arc<Vec<Issuer>>;

/// A refusal, boxed because it is much larger than what succeeds.
struct Refusal(Box<Response>);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// Builds the service. `external_url` is what stands in `iss` and in the discovery documents, before `/corp` and `/ci`.
pub(crate) fn router(external_url: &str) -> anyhow::Result<Router> {
    let base = external_url.trim_end_matches('/');
    let issuers = NAMES
        .into_iter()
        .map(|name| {
            Ok(Issuer {
                name,
                iss: format!("{base}/{name}"),
                keys: Keys::generate()?,
                codes: Codes::default(),
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Router::new()
        .route("/{issuer}/.well-known/openid-configuration", get(discovery))
        .route("/{issuer}/jwks.json", get(jwks))
        .route("/{issuer}/token", get(token).post(posted))
        .route(
            "/{issuer}/authorize",
            get(sign_in::page).post(sign_in::chosen),
        )
        .with_state(Arc::new(issuers)))
}

fn find<'a>(issuers: &'a Shared, name: &str) -> Result<&'a Issuer, Refusal> {
    let unknown = || {
        refuse(
            StatusCode::NOT_FOUND,
            &format!("no issuer `{name}`; there are `corp` and `ci`"),
        )
    };
    issuers
        .iter()
        .find(|issuer| issuer.name == name)
        .ok_or_else(unknown)
}

async fn discovery(
    State(issuers): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let iss = &find(&issuers, &name)?.iss;
    Ok(Json(json!({
        "issuer": iss,
        "jwks_uri": format!("{iss}/jwks.json"),
        "authorization_endpoint": format!("{iss}/authorize"),
        "token_endpoint": format!("{iss}/token"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "acr_values_supported": people::STRONG,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
    })))
}

async fn jwks(
    State(issuers): State<Shared>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(find(&issuers, &name)?.keys.public()))
}

async fn token(
    State(issuers): State<Shared>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
) -> Result<Response, Refusal> {
    let issuer = find(&issuers, &name)?;
    let order = claims::Order::parse(&query.unwrap_or_default()).map_err(bad)?;
    let lifetime = order.lifetime;
    let token = issuer
        .keys
        .sign(
            Kind::Access,
            &order.into_draft(&issuer.iss, clock::unix_seconds()),
        )
        .map_err(bad)?;
    let no_store = (header::CACHE_CONTROL, "no-store");
    if method == Method::POST {
        let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": lifetime });
        return Ok(([no_store], Json(body)).into_response());
    }
    Ok(([no_store], token).into_response())
}

/// A code is exchanged where the body says so; else the query says what the token shall be.
async fn posted(
    issuers: State<Shared>,
    name: Path<String>,
    query: RawQuery,
    body: String,
) -> Result<Response, Refusal> {
    if body.is_empty() {
        return token(issuers, name, query, Method::POST).await;
    }
    sign_in::exchanged(find(&issuers, &name)?, &body).map_err(bad)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` takes"
)]
fn bad(cause: anyhow::Error) -> Refusal {
    refuse(StatusCode::BAD_REQUEST, &format!("{cause:#}"))
}

fn refuse(status: StatusCode, description: &str) -> Refusal {
    let body = json!({ "error": "invalid_request", "error_description": description });
    Refusal(Box::new((status, Json(body)).into_response()))
}
