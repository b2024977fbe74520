//! A client of the Model Context Protocol over streamable HTTP that asks one thing: which tools there are.
//!
//! It opens a session (revisions up to 2025-11-25), or asks without one where a server has none (2026-07-28), reads every page,
//! and ends the session. It calls no tool, answers no request of the server's, and takes nothing that the server says as an
//! address. Pages, tools, bytes and time are bounded together.

mod events;
mod exchange;
mod session;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::answer::{AnswerError, List, Message};
use super::tool::Tool;
use crate::json::JsonError;
use crate::keys::secret::Secret;
use crate::outbound::{HttpClient, HttpUrl, OutboundError};
use exchange::Exchange;
use session::Session;

/// How long the whole conversation may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// The most pages of a list.
const MAX_PAGES: usize = 200;

/// Why a server's tools are not known.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] OutboundError),
    /// The token cannot stand in a header.
    #[error("the token has characters that no bearer token has")]
    Token,
    /// The server wants to know who asks.
    #[error(
        "the server asks for a token (status {0}): pass `--token-file FILE` or `--token-env NAME`"
    )]
    TokenNeeded(u16),
    /// The server does not take the token.
    #[error("the server refuses the token (status {0})")]
    TokenRefused(u16),
    /// The server answers with an error of HTTP.
    #[error("the server answers `{method}` with status {status}")]
    Status {
        /// What was asked.
        method: &'static str,
        /// The status.
        status: u16,
    },
    /// The answer is neither JSON nor an event stream.
    #[error("the server answers `{0}` with neither `application/json` nor `text/event-stream`")]
    MediaType(&'static str),
    /// The stream ended first.
    #[error("the server's event stream ends without an answer to `{0}`")]
    NoAnswer(&'static str),
    /// The answer is no JSON that can be relied on.
    #[error("the server's answer to `{method}` cannot be read as JSON: {error}")]
    Json {
        /// What was asked.
        method: &'static str,
        /// What is wrong with it.
        error: JsonError,
    },
    /// The answer holds the token, which is never shown.
    #[error("the server's answer to `{0}` has the token in it, so nothing of it is shown")]
    Echo(&'static str),
    /// The answer is JSON, and no answer.
    #[error("the server's answer to `{0}` is none")]
    Shape(&'static str),
    /// The server speaks neither kind of revision.
    #[error(
        "the server opens no session ({session}), and answers no request without one ({alone})"
    )]
    NoRevision {
        /// Why there is no session.
        session: Box<ClientError>,
        /// Why it does not go without.
        alone: Box<ClientError>,
    },
    /// The server answers in a revision that nobody here knows.
    #[error("the server speaks revision `{0}` of the protocol, which is not known here")]
    Revision(String),
    /// The session's id cannot be sent back.
    #[error("the server's `Mcp-Session-Id` is no text of visible ASCII")]
    SessionId,
    /// The server refused the request.
    #[error("the server answers `{method}` with the error {code}: {message}")]
    Refused {
        /// What was asked.
        method: &'static str,
        /// The code.
        code: i64,
        /// The server's words, made harmless.
        message: String,
    },
    /// The list itself.
    #[error("the server's list of tools")]
    List(#[from] AnswerError),
    /// The list does not end.
    #[error(
        "the server's list has more than {MAX_PAGES} pages, or leads back to a page that was read"
    )]
    Endless,
}

/// How far a conversation is, for whoever waits for it.
#[derive(Debug, Default)]
pub struct Progress {
    tools: AtomicUsize,
}

impl Progress {
    /// How many tools have been listed so far.
    pub fn tools(&self) -> usize {
        self.tools.load(Ordering::Relaxed)
    }
}

/// An MCP server, and what it is told about who asks.
#[derive(Debug)]
pub struct Server {
    exchange: Exchange,
    session: Option<Session>,
}

impl Server {
    /// A server at `url`; nothing is sent yet.
    pub fn new(url: HttpUrl, token: Option<&Secret>) -> Result<Self, ClientError> {
        Ok(Self {
            exchange: Exchange::new(HttpClient::new()?, url, token, PATIENCE)?,
            session: None,
        })
    }

    /// Asks for every tool. A session that is opened stays open until [`Server::end`], also if this fails or is dropped.
    pub async fn tools(&mut self, progress: &Progress) -> Result<Vec<Tool>, ClientError> {
        match Session::open(&mut self.exchange).await {
            Ok(session) => {
                let session = self.session.insert(session);
                session.confirm(&mut self.exchange).await?;
                list(&mut self.exchange, session, progress).await
            }
            Err(refused) if refused.is_about_the_protocol() => {
                let alone = Session::none();
                let listed = list(&mut self.exchange, &alone, progress).await;
                listed.map_err(|error| match error {
                    error if error.is_about_the_protocol() => ClientError::NoRevision {
                        session: Box::new(refused),
                        alone: Box::new(error),
                    },
                    error => error,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Ends the session, if there is one. A server that keeps none refuses that, so nothing is made of a failure.
    pub async fn end(&mut self) {
        if let Some(session) = self.session.take() {
            session.end(&mut self.exchange).await;
        }
    }
}

impl ClientError {
    /// Whether another revision of the protocol may be the cure.
    const fn is_about_the_protocol(&self) -> bool {
        match self {
            Self::Status { status, .. } => {
                matches!(status, 400 | 404 | 405 | 406 | 415 | 422 | 501)
            }
            Self::Refused { .. } => true,
            _ => false,
        }
    }
}

async fn list(
    exchange: &mut Exchange,
    session: &Session,
    progress: &Progress,
) -> Result<Vec<Tool>, ClientError> {
    let mut list = List::default();
    let mut cursors: Vec<String> = Vec::new();
    while cursors.len() < MAX_PAGES {
        let page = session
            .page(exchange, cursors.last().map(String::as_str))
            .await?;
        list.add(page.tools)?;
        progress.tools.store(list.tools.len(), Ordering::Relaxed);
        match page.next {
            None => return Ok(list.tools),
            Some(cursor) if cursors.contains(&cursor) => break,
            Some(cursor) => cursors.push(cursor),
        }
    }
    Err(ClientError::Endless)
}
