//! Sends the HTTP request of a scene through Envoy.

use anyhow::Context as _;
use reqwest::header::HOST;
use reqwest::{Client, Method};
use serde_json::Value;

use super::Got;
use crate::possession::{About, Key};
use crate::scene::{Came, Door, Scene, Shown, Token};
use crate::{token, up};

/// The ways into Envoy.
pub(super) struct Doors {
    pub(super) plain: Client,
    pub(super) runner: Client,
    pub(super) vault_bot: Client,
}

/// Method, host and target of a request.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    method: &'a str,
    pub(super) host: &'a str,
    target: &'a str,
}

impl<'a> Parts<'a> {
    /// Reads `GET host/target`.
    pub(super) fn of(request: &'a str) -> anyhow::Result<Self> {
        let (method, rest) = request
            .split_once(' ')
            .context("a request without a method")?;
        let (host, target) = rest.split_once('/').context("a request without a target")?;
        Ok(Self {
            method,
            host,
            target,
        })
    }
}

/// Sends it, with the scene's token.
pub(super) async fn send(doors: &Doors, scene: &Scene, parts: Parts<'_>) -> anyhow::Result<Got> {
    let (issuer, query) = match scene.token {
        // An operator has no business behind Envoy.
        Token::Absent | Token::Operator => return ask(doors, scene, parts, &[]).await,
        Token::Corp(query) => ("corp", query),
        Token::Ci(query) => ("ci", query),
    };
    match scene.shown {
        Shown::Bearer => {
            let token = token::mint(issuer, query).await?;
            let credential = format!("Bearer {token}");
            ask(doors, scene, parts, &[("authorization", &credential)]).await
        }
        Shown::Proven | Shown::Replayed => {
            let key = Key::generate()?;
            let query = format!("{query}&jkt={}", key.thumbprint()?);
            let token = token::mint(issuer, &query).await?;
            prove(doors, scene, parts, (&token, &key)).await
        }
    }
}

/// Sends a request with a proof of the token's key: once to be told a nonce, and again with it.
async fn prove(
    doors: &Doors,
    scene: &Scene,
    parts: Parts<'_>,
    (token, key): (&str, &Key),
) -> anyhow::Result<Got> {
    let url = format!("https://{}/{}", parts.host, parts.target);
    let about = |nonce| About {
        method: parts.method,
        url: &url,
        token,
        nonce,
    };
    let credential = format!("DPoP {token}");
    let first = key.proof(about(None))?;
    let shown = [("authorization", &*credential), ("dpop", &*first)];
    let refused = ask(doors, scene, parts, &shown).await?;
    let Some(nonce) = refused.headers.get("dpop-nonce") else {
        return Ok(refused);
    };
    let second = key.proof(about(Some(nonce.to_str()?)))?;
    let shown = [("authorization", &*credential), ("dpop", &*second)];
    let got = ask(doors, scene, parts, &shown).await?;
    if scene.shown == Shown::Replayed {
        return ask(doors, scene, parts, &shown).await;
    }
    Ok(got)
}

/// Sends one request with these credentials.
pub(super) async fn ask(
    doors: &Doors,
    scene: &Scene,
    parts: Parts<'_>,
    credentials: &[(&str, &str)],
) -> anyhow::Result<Got> {
    let Parts {
        method,
        host,
        target,
    } = parts;
    let method = Method::from_bytes(method.as_bytes())?;
    let over_tls = format!("https://{host}:{}/{target}", up::MESH.port());
    let mut request = match scene.door {
        Door::Plain => doors
            .plain
            .request(method, format!("http://{}/{target}", up::ENVOY))
            .header(HOST, host),
        Door::Runner => doors.runner.request(method, over_tls),
        Door::VaultBot => doors.vault_bot.request(method, over_tls),
    };
    for (name, value) in credentials.iter().chain(scene.headers) {
        request = request.header(*name, *value);
    }
    let answer = request.send().await?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null);
    Ok(Got {
        came: Came::Status(status),
        headers,
        body,
        took: None,
    })
}
