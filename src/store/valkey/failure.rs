//! What went wrong between here and the server, in words that hold nothing of what was sent.

use std::fmt::Display;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::super::StoreError;

/// Codes whose explanation says something of the server and nothing of what was sent.
const EXPLAINED: [&str; 9] = [
    "NOPERM",
    "NOAUTH",
    "WRONGPASS",
    "NOREPLICAS",
    "OOM",
    "MISCONF",
    "READONLY",
    "LOADING",
    "MASTERDOWN",
];

/// Longest explanation that is passed on.
const MAX_EXPLANATION: usize = 200;

/// A command that failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// What its caller is told.
    pub(super) error: StoreError,
    /// Whether the connection is of no use any more.
    pub(super) is_final: bool,
}

impl Failure {
    /// A failure of the server `at`.
    pub(super) fn new(at: &impl Display, error: &RedisError) -> Self {
        let error_kind = error.kind();
        if error.is_timeout() {
            return Self {
                error: StoreError::Late,
                is_final: true,
            };
        }
        match error_kind {
            ErrorKind::Server(kind) => Self {
                error: StoreError::Failed(Arc::from(said(error))),
                is_final: is_elsewhere(kind),
            },
            ErrorKind::Extension => Self {
                error: StoreError::Failed(Arc::from(said(error))),
                is_final: false,
            },
            _ => Self {
                error: unreachable(at, &words(error, error_kind)),
                is_final: true,
            },
        }
    }
}

/// The server `at` cannot be reached.
pub(super) fn unreachable(at: &impl Display, message: &impl Display) -> StoreError {
    StoreError::Unreachable {
        at: Arc::from(at.to_string()),
        message: Arc::from(message.to_string()),
    }
}

/// Whether another server, or the same one later, is the one to ask.
fn is_elsewhere(kind: ServerErrorKind) -> bool {
    matches!(
        kind,
        ServerErrorKind::ReadOnly
            | ServerErrorKind::BusyLoading
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask
    )
}

fn words(error: &RedisError, kind: ErrorKind) -> String {
    match kind {
        // What the system or TLS says.
        ErrorKind::Io => error.to_string(),
        ErrorKind::AuthenticationFailed => {
            "it does not accept our user or password (`store.valkey.username`, `password`)"
                .to_owned()
        }
        _ => error.category().to_owned(),
    }
}

fn said(error: &RedisError) -> String {
    let code = error.code().unwrap_or("ERR");
    match error.detail().filter(|_| EXPLAINED.contains(&code)) {
        Some(detail) => {
            let short: String = detail.chars().take(MAX_EXPLANATION).collect();
            format!("{code} {short}")
        }
        None => format!("it answers {code}"),
    }
}
