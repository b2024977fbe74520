//! A call that waits for an approval, as a question to the client: whether it sends somebody to a URL.
//!
//! The URL names the approval and opens nothing: whoever comes there has to sign in, and is shown what was asked for. What the
//! client answers is never believed (it knows only that somebody went there); the same call is looked up again. There is no
//! `requestState`: the call comes through countersign and reaches a server that could not verify it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::approval::ApprovalDocument;
use super::rpc::Id;
use super::told::Told;
use super::unknown::words;
use crate::model::rpc::{APPROVAL_INPUT, Revision, RpcId};

/// The methods whose answer may ask for more (MCP 2026-07-28, "Multi Round-Trip Requests").
const ASKING: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];

/// Sends a person to a URL (`ElicitRequestURLParams`).
#[derive(Serialize)]
pub(super) struct Elicitation<'a> {
    mode: &'static str,
    /// Revision 2025-11-25 demands it, and 2026-07-28 does not have it.
    #[serde(rename = "elicitationId", skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    url: &'a str,
    message: String,
}

#[derive(Serialize)]
struct Message<'a> {
    jsonrpc: &'static str,
    id: Id<'a>,
    result: InputRequired<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InputRequired<'a> {
    result_type: &'static str,
    input_requests: BTreeMap<&'static str, InputRequest<'a>>,
}

#[derive(Serialize)]
struct InputRequest<'a> {
    method: &'static str,
    params: Elicitation<'a>,
}

/// Whether a client that writes `revision` can be asked by the answer to this message: what it waits for has a URL, and the
/// method is one whose answer may ask.
pub(super) fn may_ask(told: &Told<'_>, revision: Revision) -> bool {
    let Some(rpc) = told.rpc else { return false };
    let written = rpc.revision.as_deref().and_then(Revision::of);
    let method = rpc.method.as_deref().unwrap_or_default();
    written == Some(revision) && ASKING.contains(&method) && Elicitation::of(told).is_some()
}

/// The result that asks (MCP 2026-07-28, `InputRequiredResult`).
pub(super) fn body(told: &Told<'_>, id: &RpcId) -> String {
    let params = Elicitation::of(told).map(|elicitation| Elicitation {
        id: None,
        ..elicitation
    });
    let request = params.map(|params| {
        let method = "elicitation/create";
        (APPROVAL_INPUT, InputRequest { method, params })
    });
    let message = Message {
        jsonrpc: "2.0",
        id: Id::Echoed(id),
        result: InputRequired {
            result_type: "input_required",
            input_requests: request.into_iter().collect(),
        },
    };
    // Texts under fixed keys always serialise.
    serde_json::to_string(&message).unwrap_or_else(|_error| String::from("{}"))
}

impl<'a> Elicitation<'a> {
    /// The question; none where there is no URL to send anybody to.
    pub(super) fn of(told: &Told<'a>) -> Option<Self> {
        let ApprovalDocument { id, url, .. } = ApprovalDocument::of(told)?;
        let name = told.rpc.and_then(|rpc| rpc.name.as_deref());
        let call = name.map_or_else(
            || "This call".to_owned(),
            |name| format!("The call of `{}`", words(name)),
        );
        Some(Self {
            mode: "url",
            id: Some(id),
            url: url?,
            message: format!(
                "{call} needs an approval. The page says what was asked for; whoever may approve it signs in there and \
                 decides. Then the call can be made again."
            ),
        })
    }
}
