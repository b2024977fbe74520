//! Why a call failed.

use std::error::Error;
use std::time::Duration;

/// Why a call failed. No message contains the URL or anything of the answer's body.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The TLS client cannot be made, most often because the machine has no root certificates.
    #[error("cannot set up TLS; install the system's root certificates (`ca-certificates`)")]
    Setup(#[source] reqwest::Error),
    /// What is to be trusted is no certificate.
    #[error("the certificates to trust are not certificates in PEM")]
    Roots(#[source] reqwest::Error),
    /// What is to be shown is no certificate with its key.
    #[error("the certificate to show and its key are not PEM")]
    Identity(#[source] reqwest::Error),
    /// No connection, no TLS session, or no answer that is HTTP.
    #[error("the request failed")]
    Connect(#[source] reqwest::Error),
    /// The whole answer did not arrive in time.
    #[error("no complete answer within {limit:?}")]
    Timeout {
        /// The time limit of the call.
        limit: Duration,
    },
    /// The answer is a redirect, and none is followed.
    #[error(
        "the answer is a redirect (status {status}); redirects are not followed, configure the final URL"
    )]
    Redirect {
        /// The status of the answer.
        status: u16,
    },
    /// The answer is neither a success nor a redirect.
    #[error("the answer has status {status}, not 200")]
    Status {
        /// The status of the answer.
        status: u16,
    },
    /// The answer does not say that it is JSON.
    #[error("the answer's `content-type` is not `application/json`")]
    NotJson,
    /// The answer is larger than the limit.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The size limit of the call.
        limit: usize,
    },
    /// The answer ended before it was complete.
    #[error("the answer broke off")]
    Body(#[source] reqwest::Error),
}

/// An error and its causes in one line.
pub fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
