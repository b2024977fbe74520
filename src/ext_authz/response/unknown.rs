//! What is not there, in the words of the protocol. All of it follows from the message, and nothing from what there is: so
//! what is forbidden and what does not exist can look the same.

use envoy_types::pb::envoy::r#type::v3::StatusCode;

use crate::model::rpc::{Revision, RpcFacts};

/// Most bytes of a caller's own words that an answer repeats.
const MAX_WORDS: usize = 128;

/// How the absence of what a message asks for is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown<'a> {
    pub(super) code: i32,
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// The resource that is not there.
    pub(super) uri: Option<&'a str>,
}

impl<'a> Unknown<'a> {
    /// Of what a message asks for; of what an HTTP `method` asks for where there is no message.
    pub(super) fn of(rpc: Option<&'a RpcFacts>, method: &str) -> Self {
        let Some(rpc) = rpc else {
            return Self::without_message(method);
        };
        let name = rpc.name.as_deref();
        let of = |kind: &str| match name {
            Some(name) => format!("Unknown {kind}: {}", words(name)),
            None => format!("Unknown {kind}"),
        };
        let asked = rpc.method.as_deref().unwrap_or_default();
        match asked {
            "tools/call" => Self::arguments(of("tool")),
            "prompts/get" => Self::arguments(of("prompt")),
            "tasks/get" | "tasks/update" | "tasks/cancel" => Self::arguments(of("task")),
            "completion/complete" => Self::arguments("Unknown reference".to_owned()),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => Self {
                code: if has_sessions(rpc) { -32_002 } else { -32_602 },
                uri: name.filter(|uri| uri.len() <= MAX_WORDS),
                ..Self::arguments(of("resource"))
            },
            // In a session, 404 means that the session is gone.
            _ => Self {
                code: -32_601,
                status: if has_sessions(rpc) {
                    StatusCode::BadRequest
                } else {
                    StatusCode::NotFound
                },
                message: format!("Method not found: {}", words(asked)),
                uri: None,
            },
        }
    }

    const fn arguments(message: String) -> Self {
        Self {
            code: -32_602,
            status: StatusCode::BadRequest,
            message,
            uri: None,
        }
    }

    /// A server without a stream for its own messages, or without sessions to end, says 405 (MCP 2025-11-25, "Listening
    /// for Messages from the Server", "Session Management").
    fn without_message(method: &str) -> Self {
        let status = if matches!(method, "POST" | "") {
            StatusCode::NotFound
        } else {
            StatusCode::MethodNotAllowed
        };
        Self {
            code: -32_601,
            status,
            message: "Method not found".to_owned(),
            uri: None,
        }
    }
}

/// Whether the message belongs to a session; one that does not say does (MCP 2025-06-18, "Protocol Version Header").
pub(super) fn has_sessions(rpc: &RpcFacts) -> bool {
    let revision = rpc.revision.as_deref().and_then(Revision::of);
    revision.is_none_or(Revision::has_sessions)
}

/// The caller's own words, cut.
pub(super) fn words(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_WORDS);
    let start = text.get(..end).unwrap_or(text);
    if start.len() < text.len() {
        format!("{start}…")
    } else {
        text.to_owned()
    }
}
