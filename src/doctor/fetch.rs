//! A configuration as a running Envoy shows it.

use std::time::Duration;

use crate::outbound::{HttpClient, HttpUrl, Limits, OutboundError, UrlError};

/// Envoy writes the dump on its main thread, beside everything else that it does.
const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(30),
    max_bytes: super::examine::MAX_BYTES,
};

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Plain text to another machine.
    #[error(
        "plain `http` is for loopback only: ask on Envoy's own machine, or save `/config_dump` to a file there"
    )]
    PlainHttp,
    /// The URL is none that may be called.
    #[error("{0}")]
    Url(UrlError),
    /// The call failed.
    #[error(transparent)]
    Call(#[from] OutboundError),
    /// Not a text.
    #[error("the answer is not UTF-8")]
    NotText,
}

/// Fetches `/config_dump`: `https`, or plain `http` on loopback, with no redirect, at most 64 MiB and 30 s.
pub async fn fetch(url: &str) -> Result<String, FetchError> {
    let url = HttpUrl::parse(url, false).map_err(|error| match error {
        UrlError::PlainHttp => FetchError::PlainHttp,
        other => FetchError::Url(other),
    })?;
    let body = HttpClient::new()?.get(&url, LIMITS).await?;
    String::from_utf8(body).map_err(|_not_text| FetchError::NotText)
}
