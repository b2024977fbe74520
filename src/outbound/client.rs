//! The HTTP client.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity, RequestBuilder, Response};

use super::{Form, HttpUrl, OutboundError};

/// The longest time that a connection (name, TCP, TLS) may take, whatever the call's own limit is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// The most unused connections that are kept per host.
const IDLE_PER_HOST: usize = 2;
/// The most header lines that an answer may have.
const MAX_HEADERS: usize = 64;

/// What one call may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte of the name lookup to the last byte of the body.
    pub timeout: Duration,
    /// The largest body in bytes, counted as it arrives.
    pub max_bytes: usize,
}

/// A client that follows no redirect, keeps no cookie, uses no proxy and retries nothing. Clones share connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    plain: Client,
    /// Made by the first `https` call: a machine without root certificates can still call plain loopback URLs.
    tls: Arc<OnceLock<Client>>,
}

impl HttpClient {
    /// Makes a client. It opens no connection.
    pub fn new() -> Result<Self, OutboundError> {
        let plain = builder().tls_certs_only([]).build();
        Ok(Self {
            plain: plain.map_err(OutboundError::Setup)?,
            tls: Arc::default(),
        })
    }

    /// Makes a client that vouches and is vouched for otherwise: it trusts the certificates in `roots` (PEM) and no others, and shows
    /// the certificate in `identity` (PEM, with its key) to servers that ask. It opens no connection.
    pub fn with_tls(roots: Option<&[u8]>, identity: Option<&[u8]>) -> Result<Self, OutboundError> {
        let mut tls = builder().https_only(true);
        if let Some(roots) = roots {
            let roots = Certificate::from_pem_bundle(roots).map_err(OutboundError::Roots)?;
            tls = tls.tls_certs_only(roots);
        }
        if let Some(identity) = identity {
            tls = tls.identity(Identity::from_pem(identity).map_err(OutboundError::Identity)?);
        }
        let client = Self::new()?;
        let tls = tls.build().map_err(OutboundError::Setup)?;
        client.tls.get_or_init(|| tls);
        Ok(client)
    }

    /// Fetches a small document. Anything but a complete 200 answer within the limits is an error.
    pub async fn get(&self, url: &HttpUrl, limits: Limits) -> Result<Vec<u8>, OutboundError> {
        let request = self.client(url)?.get(url.get());
        exchange(request, limits, |_response| Ok(())).await
    }

    /// Posts a form. Anything but a complete 200 answer of type `application/json` within the limits is an error.
    pub async fn post_form(
        &self,
        url: &HttpUrl,
        form: &Form<'_>,
        limits: Limits,
    ) -> Result<Vec<u8>, OutboundError> {
        let encoded = HeaderValue::from_static("application/x-www-form-urlencoded");
        let mut request = self.client(url)?.post(url.get());
        request = request.header(CONTENT_TYPE, encoded).body(form.body());
        if let Some((id, secret)) = form.basic() {
            request = request.basic_auth(id, Some(secret));
        }
        exchange(request, limits, check_json).await
    }

    pub(super) fn client(&self, url: &HttpUrl) -> Result<&Client, OutboundError> {
        if !url.is_https() {
            return Ok(&self.plain);
        }
        if let Some(client) = self.tls.get() {
            return Ok(client);
        }
        let client = builder()
            .https_only(true)
            .build()
            .map_err(OutboundError::Setup)?;
        Ok(self.tls.get_or_init(|| client))
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http1_max_headers(MAX_HEADERS)
}

/// Sends a request and reads the answer, if its head is accepted, all within the limits.
async fn exchange(
    request: RequestBuilder,
    limits: Limits,
    accept: fn(&Response) -> Result<(), OutboundError>,
) -> Result<Vec<u8>, OutboundError> {
    let Limits { timeout, max_bytes } = limits;
    let request = request.header(ACCEPT, HeaderValue::from_static("application/json"));
    let call = async {
        let response = request.send().await;
        let response = response.map_err(|error| OutboundError::Connect(error.without_url()))?;
        check_status(&response)?;
        accept(&response)?;
        read_body(response, max_bytes).await
    };
    match tokio::time::timeout(timeout, call).await {
        Ok(result) => result,
        Err(_) => Err(OutboundError::Timeout { limit: timeout }),
    }
}

fn check_status(response: &Response) -> Result<(), OutboundError> {
    let status = response.status();
    match status.as_u16() {
        200 => Ok(()),
        status @ 300..=399 => Err(OutboundError::Redirect { status }),
        status => Err(OutboundError::Status { status }),
    }
}

/// Whether the answer says that it is `application/json`, whatever its parameters.
fn check_json(response: &Response) -> Result<(), OutboundError> {
    let mut types = response.headers().get_all(CONTENT_TYPE).iter();
    let (Some(one), None) = (types.next(), types.next()) else {
        return Err(OutboundError::NotJson);
    };
    let name = one.to_str().unwrap_or_default().split(';').next();
    if name.is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json")) {
        Ok(())
    } else {
        Err(OutboundError::NotJson)
    }
}

/// Reads at most `limit` bytes. The declared length only shortens the wait: what counts is what arrives.
async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, OutboundError> {
    let too_large = || OutboundError::TooLarge { limit };
    let declared = response.content_length().unwrap_or(0);
    if usize::try_from(declared).map_or(true, |declared| declared > limit) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    let broken = |error: reqwest::Error| OutboundError::Body(error.without_url());
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if chunk.len() > limit.saturating_sub(body.len()) {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
