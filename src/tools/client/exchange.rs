//! One request to a server and its answer, as JSON or as a stream of events.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::events::Events;
use super::{ClientError, Message};
use crate::json::Json;
use crate::keys::secret::Secret;
use crate::outbound::{Answer, Headers, HttpClient, HttpUrl, Limits, OutboundError};
use crate::tools::answer::{MAX_BYTES, message, parse};

/// How long the end of a session may take: nobody waits for it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Shortest token that is looked for in answers, in bytes.
const SHORTEST_SECRET: usize = 8;

/// A server's address and what is left of what all calls together may cost.
#[derive(Debug)]
pub(super) struct Exchange {
    http: HttpClient,
    url: HttpUrl,
    base: Headers,
    token: Option<Secret>,
    patience: Duration,
    started: Instant,
    bytes_left: usize,
    last_id: u64,
}

/// What was answered: the message's bytes, and the session that the server opened with it.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) body: Vec<u8>,
    pub(super) session: Option<String>,
}

impl Exchange {
    pub(super) fn new(
        http: HttpClient,
        url: HttpUrl,
        token: Option<&Secret>,
        patience: Duration,
    ) -> Result<Self, ClientError> {
        let mut base = Headers::default();
        let accept = "application/json, text/event-stream";
        let mut sound = base.set("accept", accept) && base.set("content-type", "application/json");
        if let Some(token) = token {
            sound &=
                token.expose().iter().all(u8::is_ascii_graphic) && base.set_bearer(token.expose());
        }
        if !sound {
            return Err(ClientError::Token);
        }
        Ok(Self {
            http,
            url,
            base,
            token: token.cloned(),
            patience,
            started: Instant::now(),
            bytes_left: MAX_BYTES,
            last_id: 0,
        })
    }

    /// Sends a request and waits for the result. Its `id` is added here.
    pub(super) async fn ask(
        &mut self,
        method: &'static str,
        mut request: Value,
        headers: &[(&'static str, &str)],
    ) -> Result<Reply, ClientError> {
        self.last_id += 1;
        let id = self.last_id;
        if let Some(request) = request.as_object_mut() {
            request.insert("id".to_owned(), id.into());
        }
        let mut answer = self.post(&request, headers).await?;
        let session = answer.header("mcp-session-id").map(str::to_owned);
        let body = self.read(method, id, &mut answer).await;
        Ok(Reply {
            body: body?,
            session,
        })
    }

    /// Sends a notification, which has no answer.
    pub(super) async fn tell(
        &mut self,
        method: &'static str,
        notification: &Value,
        headers: &[(&'static str, &str)],
    ) -> Result<(), ClientError> {
        let answer = self.post(notification, headers).await?;
        match answer.status() {
            200..=299 => Ok(()),
            status => Err(self.refusal(method, status)),
        }
    }

    /// Ends a session, whatever comes of it.
    pub(super) async fn delete(&self, headers: &[(&'static str, &str)]) {
        let limits = Limits {
            timeout: LAST_WORDS,
            max_bytes: 0,
        };
        if let Ok(headers) = self.headers(headers) {
            drop(self.http.delete(&self.url, headers, limits).await);
        }
    }

    async fn post(
        &self,
        message: &Value,
        headers: &[(&'static str, &str)],
    ) -> Result<Answer, ClientError> {
        let left = self.patience.saturating_sub(self.started.elapsed());
        let limits = Limits {
            timeout: left,
            max_bytes: self.bytes_left,
        };
        let headers = self.headers(headers)?;
        let body = message.to_string().into_bytes();
        let posted = self.http.post(&self.url, headers, body, limits).await;
        posted.map_err(|error| self.whole(error))
    }

    fn headers(&self, more: &[(&'static str, &str)]) -> Result<Headers, ClientError> {
        let mut headers = self.base.clone();
        let sound = more.iter().all(|(name, value)| headers.set(name, value));
        sound.then_some(headers).ok_or(ClientError::SessionId)
    }

    /// Errors name the limits of the whole conversation, not what was left of them.
    fn whole(&self, error: OutboundError) -> ClientError {
        ClientError::Call(match error {
            OutboundError::Timeout { .. } => OutboundError::Timeout {
                limit: self.patience,
            },
            OutboundError::TooLarge { .. } => OutboundError::TooLarge { limit: MAX_BYTES },
            other => other,
        })
    }

    async fn read(
        &mut self,
        method: &'static str,
        id: u64,
        answer: &mut Answer,
    ) -> Result<Vec<u8>, ClientError> {
        let status = answer.status();
        if matches!(status, 401 | 403) {
            return Err(self.refusal(method, status));
        }
        let media_type = answer.media_type();
        if media_type.as_deref() == Some("text/event-stream") && status == 200 {
            return self.read_events(method, id, answer).await;
        }
        let body = answer.whole().await.map_err(|error| self.whole(error))?;
        self.bytes_left = self.bytes_left.saturating_sub(body.len());
        if media_type.as_deref() != Some("application/json") {
            return Err(match status {
                200 => ClientError::MediaType(method),
                status => self.refusal(method, status),
            });
        }
        match self.judge(method, id, &body) {
            Ok(true) if status == 200 => Ok(body),
            Ok(false) if status == 200 => Err(ClientError::Shape(method)),
            // An error's body says more than its status, if it can be read.
            Err(refused @ ClientError::Refused { .. }) => Err(refused),
            Err(unreadable) if status == 200 => Err(unreadable),
            Ok(_) | Err(_) => Err(self.refusal(method, status)),
        }
    }

    /// Waits for the answer among whatever else the server has to say.
    async fn read_events(
        &mut self,
        method: &'static str,
        id: u64,
        answer: &mut Answer,
    ) -> Result<Vec<u8>, ClientError> {
        let mut events = Events::default();
        while let Some(piece) = answer.next().await.map_err(|error| self.whole(error))? {
            self.bytes_left = self.bytes_left.saturating_sub(piece.len());
            for message in events.read(&piece) {
                if self.judge(method, id, &message)? {
                    return Ok(message);
                }
            }
        }
        Err(ClientError::NoAnswer(method))
    }

    const fn refusal(&self, method: &'static str, status: u16) -> ClientError {
        match (status, self.token.is_some()) {
            (401, false) => ClientError::TokenNeeded(status),
            (401 | 403, true) => ClientError::TokenRefused(status),
            _ => ClientError::Status { method, status },
        }
    }

    /// Whether a message is the result of this request; an error if it is the refusal. A message with the token in it is
    /// neither: its texts are shown, and written to files.
    fn judge(&self, method: &'static str, id: u64, bytes: &[u8]) -> Result<bool, ClientError> {
        let json: Json<'_> = parse(bytes).map_err(|error| ClientError::Json { method, error })?;
        if self
            .token
            .as_ref()
            .is_some_and(|token| echoes(&json, token))
        {
            return Err(ClientError::Echo(method));
        }
        match message(&json, Some(id)) {
            Message::Result(_) => Ok(true),
            Message::Other => Ok(false),
            Message::Error { code, message } => Err(ClientError::Refused {
                method,
                code,
                message,
            }),
        }
    }
}

/// Whether a text of the message holds the token. A very short one stands in texts by chance.
fn echoes(json: &Json<'_>, token: &Secret) -> bool {
    let token = str::from_utf8(token.expose()).unwrap_or_default();
    token.len() >= SHORTEST_SECRET && holds(json, token)
}

fn holds(json: &Json<'_>, token: &str) -> bool {
    match json {
        Json::String(text) => text.contains(token),
        Json::Array(items) => items.iter().any(|item| holds(item, token)),
        Json::Object(object) => {
            let mut members = object.iter();
            members.any(|(name, value)| name.contains(token) || holds(value, token))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}
