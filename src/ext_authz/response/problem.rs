//! The body of a refusal: a problem document (RFC 9457) that names no rule, no claim and no secret.

use serde::Serialize;

use super::MAX_BODY;
use super::approval::ApprovalDocument;
use super::remedy::RemedyDocument;
use super::told::Told;
use crate::model::verdict::Remedy;

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: i32,
    reason: &'a str,
    decision_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<RemedyDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalDocument<'a>>,
}

/// The body: JSON, shorter than 4 KiB. A remedy that would make it longer is left out as a whole.
pub(super) fn body(told: &Told<'_>) -> String {
    let whole = json(told, told.remedy);
    if whole.len() < MAX_BODY {
        whole
    } else {
        json(told, None)
    }
}

fn json(told: &Told<'_>, remedy: Option<&Remedy>) -> String {
    let document = Document {
        r#type: format!("urn:countersign:reason:{}", told.reason),
        title: told.title,
        status: told.status.into(),
        reason: told.reason,
        decision_id: told.decision.as_str(),
        remedy: remedy.map(RemedyDocument::from),
        approval: ApprovalDocument::of(told),
    };
    // Texts and numbers under fixed keys always serialise; an object without members is a problem document too.
    serde_json::to_string(&document).unwrap_or_else(|_error| String::from("{}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use envoy_types::pb::envoy::r#type::v3::StatusCode;

    use super::super::condition::Condition;
    use super::*;
    use crate::model::decision::DecisionId;
    use crate::model::verdict::StepUp;

    fn of(remedy: Option<&Remedy>) -> String {
        body(&Told {
            decision: &DecisionId::new("d-1"),
            status: StatusCode::Forbidden,
            reason: "insufficient_scope",
            title: "The access token lacks a scope",
            remedy,
            ticket: None,
            retry_after: None,
            condition: Condition::Scope,
            hidden: false,
            rpc: None,
            method: "GET",
        })
    }

    #[test]
    fn a_problem_reads_like_rfc_9457() {
        let missing = vec![Arc::from("a"), Arc::from("b\"\n")];
        assert_eq!(
            of(Some(&Remedy::Scope {
                needed: missing.clone(),
                missing
            })),
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
        let text = of(Some(&Remedy::Scope {
            needed: missing.clone(),
            missing,
        }));
        assert!(text.len() < MAX_BODY);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["decision_id"], "d-1");
        assert!(value.get("remedy").is_none());
    }
}
