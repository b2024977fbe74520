//! What an endpoint says about a token (RFC 7662, section 2.2), read strictly.

use std::sync::Arc;

use crate::json::{Json, Object};
use crate::keys::{JsonError, borrow_object};

/// The members of an answer.
pub(in crate::identity) type Members = Object<'static>;

/// What a token is worth.
#[derive(Clone)]
pub(in crate::identity) enum Standing {
    /// It is good, and this is what is known about it.
    Active(Arc<Members>),
    /// It is not good, for whatever reason; nothing else that the answer says is of interest.
    Inactive,
}

/// Why an answer cannot be believed. The messages contain nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::identity) enum AnswerError {
    #[error("the answer cannot be read: {0}")]
    Json(#[from] JsonError),
    #[error("the answer's `active` is missing, or neither `true` nor `false`")]
    Active,
}

/// Reads an answer; the caller bounds its size.
pub(super) fn read(body: &[u8]) -> Result<Standing, AnswerError> {
    let members = borrow_object(body)?;
    match members.get("active") {
        Some(Json::Bool(true)) => Ok(Standing::Active(Arc::new(members.into_owned()))),
        Some(Json::Bool(false)) => Ok(Standing::Inactive),
        _ => Err(AnswerError::Active),
    }
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Active(_) => "Active(…)",
            Self::Inactive => "Inactive",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_true_is_active_and_only_false_is_inactive() {
        for (text, active) in [
            (r#"{"active":true}"#, true),
            (r#"{"active":true,"sub":"s3cret"}"#, true),
            (r#"{"active":false}"#, false),
            (r#"{"active":false,"sub":"alice"}"#, false),
        ] {
            let standing = read(text.as_bytes()).unwrap();
            assert_eq!(matches!(standing, Standing::Active(_)), active, "{text}");
            assert!(!format!("{standing:?}").contains("s3cret"));
        }
        for text in [
            "{}",
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"active":null}"#,
            r#"{"Active":true}"#,
            r#"{"active":[true]}"#,
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err(), AnswerError::Active);
        }
    }

    #[test]
    fn what_is_not_one_plain_object_is_not_believed() {
        let deep = format!(
            r#"{{"active":true,"a":{}1{}}}"#,
            "[".repeat(16),
            "]".repeat(16)
        );
        for text in [
            "",
            "true",
            "[{\"active\":true}]",
            "{\"active\":true} {\"active\":true}",
            "eyJhbGciOiJSUzI1NiJ9.eyJhY3RpdmUiOnRydWV9.c2ln",
            r#"{"active":false,"active":true}"#,
            r#"{"active":true,"sub":"a","sub":"b"}"#,
            r#"{"active":true,"a":{"b":1,"b":2}}"#,
            &deep,
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(matches!(error, AnswerError::Json(_)), "{text}");
        }
    }
}
