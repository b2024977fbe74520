//! A call whose headers the caller chooses, and an answer that is read as it arrives.

use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response};
use tokio::time::{Instant, timeout_at};

use super::client::HttpClient;
use super::{HttpUrl, Limits, OutboundError};

/// Headers of a call. Their values are never printed.
#[derive(Clone, Default)]
pub struct Headers(HeaderMap);

impl Headers {
    /// Sets a header; false if `value` cannot stand in one.
    #[must_use]
    pub fn set(&mut self, name: &'static str, value: &str) -> bool {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_str(value);
        value.is_ok_and(|value| {
            self.0.insert(name, value);
            true
        })
    }

    /// Sends `token` as the bearer of a credential (RFC 6750, section 2.1); false if it cannot stand in a header.
    #[must_use]
    pub fn set_bearer(&mut self, token: &[u8]) -> bool {
        let value = HeaderValue::from_bytes(&[b"Bearer ", token].concat());
        value.is_ok_and(|mut value| {
            value.set_sensitive(true);
            self.0.insert(AUTHORIZATION, value);
            true
        })
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// An answer whose head has arrived; whatever its status is, if it is no redirect.
#[derive(Debug)]
pub struct Answer {
    response: Response,
    limits: Limits,
    deadline: Instant,
    read: usize,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// To be shown something.
    Get,
    /// To do something.
    Post,
    /// To put something in a place.
    Put,
    /// To delete something.
    Delete,
}

impl HttpClient {
    /// Sends a request, with a body where there is one. The limits count for the whole answer, however long its reader takes.
    pub async fn send(
        &self,
        method: Method,
        url: &HttpUrl,
        headers: Headers,
        body: Option<Vec<u8>>,
        limits: Limits,
    ) -> Result<Answer, OutboundError> {
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let request = self.client(url)?.request(method, url.get());
        let request = request.headers(headers.0);
        let request = match body {
            Some(body) => request.body(body),
            None => request,
        };
        send(request, limits).await
    }

    /// Posts `body`. The limits count for the whole answer, however long its reader takes.
    pub async fn post(
        &self,
        url: &HttpUrl,
        headers: Headers,
        body: Vec<u8>,
        limits: Limits,
    ) -> Result<Answer, OutboundError> {
        let request = self.client(url)?.post(url.get());
        send(request.headers(headers.0).body(body), limits).await
    }

    /// Asks for something to be deleted.
    pub async fn delete(
        &self,
        url: &HttpUrl,
        headers: Headers,
        limits: Limits,
    ) -> Result<Answer, OutboundError> {
        let request = self.client(url)?.delete(url.get());
        send(request.headers(headers.0), limits).await
    }
}

async fn send(request: RequestBuilder, limits: Limits) -> Result<Answer, OutboundError> {
    let deadline = Instant::now() + limits.timeout;
    let sent = timeout_at(deadline, request.send()).await;
    let response = sent
        .map_err(|_elapsed| late(limits.timeout))?
        .map_err(|error| OutboundError::Connect(error.without_url()))?;
    let status = response.status().as_u16();
    if matches!(status, 300..=399) {
        return Err(OutboundError::Redirect { status });
    }
    Ok(Answer {
        response,
        limits,
        deadline,
        read: 0,
    })
}

const fn late(limit: Duration) -> OutboundError {
    OutboundError::Timeout { limit }
}

impl Answer {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// A header that stands there once and is visible ASCII.
    pub fn header(&self, name: &'static str) -> Option<&str> {
        let mut values = self.response.headers().get_all(name).iter();
        let (Some(one), None) = (values.next(), values.next()) else {
            return None;
        };
        one.to_str().ok()
    }

    /// The media type of the body in lower case, without its parameters.
    pub fn media_type(&self) -> Option<String> {
        let name = self.header(CONTENT_TYPE.as_str())?.split(';').next()?;
        Some(name.trim().to_ascii_lowercase())
    }

    /// The next piece of the body; none at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, OutboundError> {
        let Limits { timeout, max_bytes } = self.limits;
        let chunk = timeout_at(self.deadline, self.response.chunk()).await;
        let chunk = chunk
            .map_err(|_elapsed| late(timeout))?
            .map_err(|error| OutboundError::Body(error.without_url()))?;
        let Some(chunk) = chunk else { return Ok(None) };
        if chunk.len() > max_bytes.saturating_sub(self.read) {
            return Err(OutboundError::TooLarge { limit: max_bytes });
        }
        self.read += chunk.len();
        Ok(Some(chunk.to_vec()))
    }

    /// The whole body.
    pub async fn whole(&mut self) -> Result<Vec<u8>, OutboundError> {
        let mut body = Vec::new();
        while let Some(piece) = self.next().await? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}
