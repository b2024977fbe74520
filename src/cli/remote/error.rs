//! Why a server could not be asked, or does not do what it was asked for.

use std::fmt;

use serde_json::Value;

use crate::outbound::{OutboundError, UrlError};
use crate::tools::shown;

/// Why a server could not be asked, or does not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum RemoteError {
    /// What was to be asked for cannot stand in a URL.
    #[error("that cannot be asked for")]
    Url(#[source] UrlError),
    /// The token cannot be sent.
    #[error("the token has characters that no token has: it is one line of visible ASCII")]
    Token,
    /// No whole answer came.
    #[error("`{base}` did not answer; is the server up, and is this its `admin.listen`?")]
    Unheard {
        base: String,
        #[source]
        source: OutboundError,
    },
    /// Something else answers there.
    #[error(
        "what answers at `{base}` (status {status}) is not the admin listener of countersign: see `admin.listen`"
    )]
    Foreign { base: String, status: u16 },
    /// The server says no.
    #[error("{0}")]
    Refused(Box<Refused>),
}

/// A no, in the server's words and ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Refused {
    /// The status of the answer.
    pub(in crate::cli) status: u16,
    /// The server's code, which stays the same.
    pub(in crate::cli) code: String,
    detail: String,
    problems: Vec<String>,
    /// What to do about it.
    advice: Option<String>,
}

impl RemoteError {
    pub(super) fn refused(
        status: u16,
        problem: &Value,
        challenge: Option<&str>,
        with_token: bool,
    ) -> Self {
        let text = |name: &str| problem.get(name).and_then(Value::as_str).map(shown);
        let problems = problem.get("problems").and_then(Value::as_array);
        let problems = problems.into_iter().flatten().filter_map(Value::as_str);
        let code = text("code").unwrap_or_default();
        let advice = advice(status, challenge, with_token);
        Self::Refused(Box::new(Refused {
            status,
            detail: text("detail").or_else(|| text("title")).unwrap_or_default(),
            problems: problems.map(shown).collect(),
            advice,
            code,
        }))
    }
}

/// What a caller can do about a no.
fn advice(status: u16, challenge: Option<&str>, with_token: bool) -> Option<String> {
    let challenge = challenge.unwrap_or_default();
    let asked = |name: &str| parameter(challenge, name).map(|value| shown(&value));
    if challenge.contains("insufficient_user_authentication") {
        let acr = asked("acr_values").map(|acr| format!(" with `acr_values={acr}`"));
        let age = asked("max_age").map(|age| format!(" not longer than {age} s ago"));
        let how = [acr, age].into_iter().flatten().collect::<String>();
        return Some(format!("sign in again{how}, and use the new token"));
    }
    if challenge.contains("insufficient_scope") {
        let scope = asked("scope")?;
        return Some(format!("use a token with the scope `{scope}`"));
    }
    match (status, with_token) {
        (401, false) => Some("say who you are: `--token-file FILE`, or `COUNTERSIGN_TOKEN`".to_owned()),
        (401, true) => Some("the server does not take this token: is it over, or meant for somebody else than `admin.audience`?".to_owned()),
        _ => None,
    }
}

/// A quoted parameter of a challenge (RFC 9110, section 11.2).
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let start = format!("{name}=\"");
    let (_, rest) = challenge.split_once(&start)?;
    Some(rest.split_once('"')?.0.to_owned())
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            code,
            detail,
            problems,
            advice,
        } = self;
        write!(f, "{detail} ({status} {code})")?;
        for problem in problems {
            write!(f, "\n  {problem}")?;
        }
        match advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}
