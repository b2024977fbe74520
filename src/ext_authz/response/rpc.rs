//! A refusal as a JSON-RPC error (JSON-RPC 2.0, section 5.1).

use envoy_types::pb::envoy::r#type::v3::StatusCode;
use serde::{Serialize, Serializer};

use super::MAX_BODY;
use super::approval::ApprovalDocument;
use super::condition::Condition;
use super::elicitation::Elicitation;
use super::remedy::RemedyDocument;
use super::told::Told;
use super::unknown::{Unknown, has_sessions, words};
use crate::model::rpc::{Revision, RpcId};
use crate::model::verdict::Remedy;

/// Longest id that is echoed, in bytes of its JSON: it must not make an answer longer than Envoy passes on.
const MAX_ID: usize = 1024;

/// The code that asks a client to send somebody to a URL (MCP 2025-11-25, "URL Elicitation Required Error").
const URL_REQUIRED: i32 = -32_042;

/// The id of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Id<'a> {
    /// The request's own.
    Echoed(&'a RpcId),
    /// The request has none that could be read: JSON-RPC says `null` (section 5). A client that waits finds by the
    /// connection what it is about; one that gets no `id` at all drops the error for one of its own.
    Null,
    /// There is no request.
    Absent,
}

#[derive(Serialize)]
struct Message<'a> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Id::is_absent")]
    id: Id<'a>,
    error: Failure<'a>,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: i32,
    message: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    decision_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<RemedyDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elicitations: Option<[Elicitation<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supported: Option<[&'static str; 5]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested: Option<String>,
}

impl Id<'_> {
    const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl Serialize for Id<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Echoed(RpcId::Number(number)) => serializer.serialize_i64(*number),
            Self::Echoed(RpcId::Text(text)) => serializer.serialize_str(text),
            Self::Null | Self::Absent => serializer.serialize_unit(),
        }
    }
}

/// Whether an id is short enough to be echoed.
pub(super) fn is_echoed(id: &RpcId) -> bool {
    serde_json::to_string(&Id::Echoed(id)).is_ok_and(|text| text.len() <= MAX_ID)
}

/// The HTTP status of what is told in the HTTP status.
pub(super) fn status(told: &Told<'_>) -> StatusCode {
    if told.condition == Condition::Unknown {
        Unknown::of(told.rpc, told.method).status
    } else {
        told.status
    }
}

/// The body: JSON, shorter than 4 KiB. A remedy that would make it longer is left out as a whole.
pub(super) fn body(told: &Told<'_>, id: Id<'_>) -> String {
    let whole = json(told, id, told.remedy);
    if whole.len() < MAX_BODY {
        whole
    } else {
        json(told, id, None)
    }
}

/// The body that asks a client to send somebody to the approval; JSON, shorter than 4 KiB.
pub(super) fn asking(told: &Told<'_>, id: &RpcId) -> String {
    let data = Data {
        elicitations: Elicitation::of(told).map(|elicitation| [elicitation]),
        ..data(told, None)
    };
    let error = Failure {
        code: URL_REQUIRED,
        message: told.title.to_owned(),
        data,
    };
    text(Id::Echoed(id), error)
}

fn json(told: &Told<'_>, id: Id<'_>, remedy: Option<&Remedy>) -> String {
    let mut data = data(told, remedy);
    let (mut code, message) = if let Some(code) = told.condition.code() {
        (code, told.title.to_owned())
    } else {
        let unknown = Unknown::of(told.rpc, told.method);
        data.uri = unknown.uri;
        (unknown.code, unknown.message)
    };
    if told.condition == Condition::Version {
        let requested = told.rpc.and_then(|rpc| rpc.revision.as_deref());
        data.supported = Some(Revision::ALL.map(Revision::as_str));
        data.requested = Some(words(requested.unwrap_or_default()));
    }
    // The code is newer than sessions are.
    if told.condition == Condition::Disagreement && told.rpc.is_some_and(has_sessions) {
        code = -32_600;
    }
    let error = Failure {
        code,
        message,
        data,
    };
    text(id, error)
}

fn data<'a>(told: &Told<'a>, remedy: Option<&'a Remedy>) -> Data<'a> {
    Data {
        reason: (!told.hidden).then_some(told.reason),
        decision_id: told.decision.as_str(),
        remedy: remedy.map(RemedyDocument::from),
        approval: ApprovalDocument::of(told),
        elicitations: None,
        uri: None,
        supported: None,
        requested: None,
    }
}

fn text(id: Id<'_>, error: Failure<'_>) -> String {
    let message = Message {
        jsonrpc: "2.0",
        id,
        error,
    };
    // Texts and numbers under fixed keys always serialise.
    serde_json::to_string(&message).unwrap_or_else(|_error| String::from("{}"))
}
