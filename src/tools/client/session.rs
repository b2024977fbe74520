//! A session with a server, or none.

use serde_json::{Map, Value, json};

use super::exchange::{Exchange, Reply};
use super::{ClientError, Message};
use crate::json::Object;
use crate::tools::answer::{Page, message, parse, read_result};
use crate::tools::text::shown;

/// The revision that a session is asked for.
const ASKED: &str = "2025-11-25";
/// The revisions that open sessions, by what a server may answer.
const SESSIONS: [&str; 4] = [ASKED, "2025-06-18", "2025-03-26", "2024-11-05"];
/// The revision without sessions.
const ALONE: &str = "2026-07-28";
/// Longest id of a session.
const MAX_ID: usize = 1024;

/// What every request of a conversation carries.
#[derive(Debug)]
pub(super) struct Session {
    revision: &'static str,
    id: Option<String>,
}

fn client() -> Value {
    json!({ "name": "countersign", "version": env!("CARGO_PKG_VERSION") })
}

impl Session {
    /// No session: every request says for itself what an opening would have said.
    pub(super) const fn none() -> Self {
        Self {
            revision: ALONE,
            id: None,
        }
    }

    /// Asks for a session, in whichever revision the server prefers.
    pub(super) async fn open(exchange: &mut Exchange) -> Result<Self, ClientError> {
        let method = "initialize";
        let request = json!({
            "jsonrpc": "2.0",
            "method": method,
            "params": { "protocolVersion": ASKED, "capabilities": {}, "clientInfo": client() },
        });
        let Reply { body, session } = exchange.ask(method, request, &[]).await?;
        if session.as_deref().is_some_and(|id| !is_id(id)) {
            return Err(ClientError::SessionId);
        }
        let answered = result(method, &body, |result| {
            let revision = result.get("protocolVersion").and_then(|it| it.as_str());
            revision
                .map(str::to_owned)
                .ok_or(ClientError::Shape(method))
        })?;
        let known = SESSIONS.into_iter().find(|known| *known == answered);
        Ok(Self {
            revision: known.ok_or_else(|| ClientError::Revision(shown(&answered)))?,
            id: session,
        })
    }

    /// Tells the server that its answer was understood; before that it need not answer anything else.
    pub(super) async fn confirm(&self, exchange: &mut Exchange) -> Result<(), ClientError> {
        let method = "notifications/initialized";
        let told = json!({ "jsonrpc": "2.0", "method": method });
        exchange.tell(method, &told, &self.headers()).await
    }

    /// Asks for one page of the tools.
    pub(super) async fn page(
        &self,
        exchange: &mut Exchange,
        cursor: Option<&str>,
    ) -> Result<Page, ClientError> {
        let method = "tools/list";
        let mut params = Map::new();
        if let Some(cursor) = cursor {
            params.insert("cursor".to_owned(), cursor.into());
        }
        let mut headers = self.headers();
        if self.revision == ALONE {
            headers.push(("mcp-method", method));
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": ALONE,
                "io.modelcontextprotocol/clientInfo": client(),
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            params.insert("_meta".to_owned(), meta);
        }
        let request = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        let Reply { body, .. } = exchange.ask(method, request, &headers).await?;
        result(method, &body, |result| Ok(read_result(result)?))
    }

    /// Ends it, if the server gave it an id.
    pub(super) async fn end(self, exchange: &mut Exchange) {
        if self.id.is_some() {
            exchange.delete(&self.headers()).await;
        }
    }

    fn headers(&self) -> Vec<(&'static str, &str)> {
        let id = self.id.as_deref().map(|id| ("mcp-session-id", id));
        let revision = ("mcp-protocol-version", self.revision);
        id.into_iter().chain([revision]).collect()
    }
}

fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Reads the result in a message that is known to have one.
fn result<T>(
    method: &'static str,
    body: &[u8],
    read: impl FnOnce(&Object<'_>) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let json = parse(body).map_err(|error| ClientError::Json { method, error })?;
    match message(&json, None) {
        Message::Result(result) => read(result),
        Message::Error { .. } | Message::Other => Err(ClientError::Shape(method)),
    }
}
