//! The body of a refusal: a problem document (RFC 9457) that names no rule, no claim and no secret.

use serde::Serialize;

use crate::model::decision::DecisionId;
use crate::model::verdict::{Remedy, StepUp};

/// Size that a body stays below, so that Envoy's `max_denied_response_body_bytes` need not cut it.
const MAX_BODY: usize = 4096;

/// What the client is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem<'a> {
    /// The HTTP status.
    pub(super) status: i32,
    /// The stable code.
    pub(super) reason: &'a str,
    /// What people read.
    pub(super) title: &'a str,
    /// The decision's id, for asking about it.
    pub(super) decision: &'a DecisionId,
    /// What the caller can add to be let in.
    pub(super) remedy: Option<&'a Remedy>,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: i32,
    reason: &'a str,
    decision_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<RemedyDocument<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum RemedyDocument<'a> {
    Authenticate,
    Scope {
        scope: Vec<&'a str>,
    },
    StepUp {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        acr_values: Vec<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        max_age: Option<u64>,
    },
    Proof {
        proof: Vec<&'static str>,
    },
}

impl<'a> From<&'a Remedy> for RemedyDocument<'a> {
    fn from(remedy: &'a Remedy) -> Self {
        match remedy {
            Remedy::Authenticate => Self::Authenticate,
            Remedy::Scope { missing } => Self::Scope {
                scope: missing.iter().map(AsRef::as_ref).collect(),
            },
            Remedy::StepUp(StepUp { acr, max_age }) => Self::StepUp {
                acr_values: acr.iter().map(AsRef::as_ref).collect(),
                max_age: *max_age,
            },
            Remedy::Proof(kinds) => Self::Proof {
                proof: kinds.iter().map(|kind| kind.as_str()).collect(),
            },
        }
    }
}

/// The body: JSON, shorter than 4 KiB. A remedy that would make it longer is left out as a whole.
pub(super) fn body(problem: &Problem<'_>) -> String {
    let whole = json(problem, problem.remedy);
    if whole.len() < MAX_BODY {
        whole
    } else {
        json(problem, None)
    }
}

fn json(problem: &Problem<'_>, remedy: Option<&Remedy>) -> String {
    let document = Document {
        r#type: format!("urn:countersign:reason:{}", problem.reason),
        title: problem.title,
        status: problem.status,
        reason: problem.reason,
        decision_id: problem.decision.as_str(),
        remedy: remedy.map(RemedyDocument::from),
    };
    // Texts and numbers under fixed keys always serialise; an object without members is a problem document too.
    serde_json::to_string(&document).unwrap_or_else(|_error| String::from("{}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn of(remedy: Option<&Remedy>) -> String {
        body(&Problem {
            status: 403,
            reason: "insufficient_scope",
            title: "The access token lacks a scope",
            decision: &DecisionId::new("d-1"),
            remedy,
        })
    }

    #[test]
    fn a_problem_reads_like_rfc_9457() {
        let missing = vec![Arc::from("a"), Arc::from("b\"\n")];
        assert_eq!(
            of(Some(&Remedy::Scope { missing })),
            concat!(
                r#"{"type":"urn:countersign:reason:insufficient_scope","title":"The access token lacks a scope","#,
                r#""status":403,"reason":"insufficient_scope","decision_id":"d-1","#,
                r#""remedy":{"kind":"scope","scope":["a","b\"\n"]}}"#
            )
        );
    }

    #[test]
    fn remedies_name_their_kind() {
        assert!(of(Some(&Remedy::Authenticate)).ends_with(r#""remedy":{"kind":"authenticate"}}"#));
        let step_up = |acr, max_age| Remedy::StepUp(StepUp { acr, max_age });
        let both = of(Some(&step_up(vec![Arc::from("phr")], Some(300))));
        assert!(both.ends_with(r#"{"kind":"step_up","acr_values":["phr"],"max_age":300}}"#));
        assert!(of(Some(&step_up(vec![], None))).ends_with(r#"{"kind":"step_up"}}"#));
    }

    #[test]
    fn a_body_is_short_and_still_json() {
        let missing = vec![Arc::from("\u{1}".repeat(1000))];
        let text = of(Some(&Remedy::Scope { missing }));
        assert!(text.len() < MAX_BODY);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["decision_id"], "d-1");
        assert!(value.get("remedy").is_none());
    }
}
