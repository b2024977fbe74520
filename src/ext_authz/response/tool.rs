//! A refusal as the result of a tool that failed: what the model behind the client reads, so that it can do something else.

use serde::Serialize;

use super::MAX_BODY;
use super::approval::ApprovalDocument;
use super::condition::Condition;
use super::remedy::RemedyDocument;
use super::rpc::Id;
use super::told::Told;
use super::unknown::{Unknown, words};
use crate::model::rpc::RpcId;
use crate::model::verdict::{Remedy, StepUp};

#[derive(Serialize)]
struct Message<'a> {
    jsonrpc: &'static str,
    id: Id<'a>,
    result: Outcome<'a>,
}

/// `CallToolResult`. Revisions before 2026-07-28 ignore `resultType`; that one demands it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    result_type: &'static str,
    is_error: bool,
    content: [Content; 1],
    structured_content: Structured<'a>,
}

#[derive(Serialize)]
struct Content {
    r#type: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Structured<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    decision_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<RemedyDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalDocument<'a>>,
}

/// The body: JSON, shorter than 4 KiB. A remedy that would make it longer is left out as a whole.
pub(super) fn body(told: &Told<'_>, id: &RpcId) -> String {
    let whole = json(told, id, told.remedy);
    if whole.len() < MAX_BODY {
        whole
    } else {
        json(told, id, None)
    }
}

fn json(told: &Told<'_>, id: &RpcId, remedy: Option<&Remedy>) -> String {
    let message = Message {
        jsonrpc: "2.0",
        id: Id::Echoed(id),
        result: Outcome {
            result_type: "complete",
            is_error: true,
            content: [Content {
                r#type: "text",
                text: text(told, remedy),
            }],
            structured_content: Structured {
                reason: (!told.hidden).then_some(told.reason),
                decision_id: told.decision.as_str(),
                remedy: remedy.map(RemedyDocument::from),
                approval: ApprovalDocument::of(told),
            },
        },
    };
    // Texts under fixed keys always serialise.
    serde_json::to_string(&message).unwrap_or_else(|_error| String::from("{}"))
}

/// What was refused, why, and what would help.
fn text(told: &Told<'_>, remedy: Option<&Remedy>) -> String {
    if told.condition == Condition::Unknown {
        return Unknown::of(told.rpc, told.method).message;
    }
    let name = told.rpc.and_then(|rpc| rpc.name.as_deref());
    let tool = name.map_or_else(String::new, |name| format!(" of `{}`", words(name)));
    if let Some(approval) = ApprovalDocument::of(told) {
        return waits(told, &tool, &approval);
    }
    let help = match remedy {
        Some(remedy) => helps(remedy),
        None if told.condition == Condition::Arguments => {
            "Call it again with the arguments that its definition names.".to_owned()
        }
        None if told.condition == Condition::Approval => {
            "Make the same call again once it is approved.".to_owned()
        }
        None if told.retry_after.is_some() => {
            "It can be asked for again once one of the others is decided.".to_owned()
        }
        None => "The same call will be refused again.".to_owned(),
    };
    let Told {
        title, decision, ..
    } = told;
    format!("The call{tool} was refused: {title}. {help} (decision {decision})")
}

/// What is waited for, where, and what to do then.
fn waits(told: &Told<'_>, tool: &str, approval: &ApprovalDocument<'_>) -> String {
    let ApprovalDocument {
        id,
        status_url: _,
        url,
        expires,
        retry_after,
    } = approval;
    let place = url.map_or_else(String::new, |url| format!(" at {url}"));
    let until = expires
        .as_ref()
        .map_or_else(String::new, |until| format!(" until {until}"));
    let soonest = retry_after.map_or_else(String::new, |seconds| {
        format!(", not sooner than in {seconds} seconds")
    });
    format!(
        "The call{tool} was not carried out: it waits for the approval {id}. Tell the user that somebody who may approve it can \
         do so{place}{until}. Once it is approved, make exactly the same call again{soonest}; another call would need an \
         approval of its own. (decision {decision})",
        decision = told.decision
    )
}

fn helps(remedy: &Remedy) -> String {
    match remedy {
        Remedy::Authenticate => "It needs a valid credential.".to_owned(),
        Remedy::Scope { missing, .. } => {
            let list = missing.join(" ");
            format!("It needs an access token that has the scope `{list}` too.")
        }
        Remedy::StepUp(StepUp { acr, max_age }) => {
            let class = if acr.is_empty() {
                String::new()
            } else {
                format!(" in one of these ways: `{}`", acr.join("`, `"))
            };
            let age = max_age.map_or_else(String::new, |seconds| {
                format!(", not more than {seconds} seconds before the call")
            });
            format!("The user has to authenticate again{class}{age}.")
        }
        Remedy::Proof(kinds) => {
            let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
            format!(
                "It needs an access token that is bound to a key, and a proof of having the key: `{}`.",
                kinds.join("` or `")
            )
        }
    }
}
