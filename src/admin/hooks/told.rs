//! What a signed message says: of which condition, and since when. The path is not signed, and the time that is signed is that of
//! the sending: so both stand in the body.

use axum::http::StatusCode;
use serde::Deserialize;

use super::TOLERANCE;
use crate::admin::conditions::Said;
use crate::admin::problem::Problem;
use crate::model::time::Timestamp;

/// The body of a message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    /// The condition that it is about.
    name: String,
    /// When what it says became so (RFC 3339).
    at: String,
    value: bool,
    reason: String,
    expires: Option<String>,
}

impl Told {
    /// What is said, and since when it is so, if it is said of the condition that the path names.
    pub(super) fn about(self, path: &str, now: Timestamp) -> Result<(Said, Timestamp), Problem> {
        let Self {
            name,
            at,
            value,
            reason,
            expires,
        } = self;
        if name != path {
            return Err(invalid(
                "`name` is another condition than the path's: post the message to the path of its own",
            ));
        }
        // A sender's clock may be a little ahead.
        let at = Timestamp::parse_date_time(&at).filter(|at| *at <= now.plus(TOLERANCE));
        let at = at.ok_or_else(|| {
            invalid(
                "`at` is when it became so, such as `2026-01-31T12:00:00Z`, and no time to come",
            )
        })?;
        let said = Said {
            value,
            reason,
            expires,
        };
        Ok((said, at))
    }
}

fn invalid(detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "condition_invalid", detail)
}
