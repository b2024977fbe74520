//! Which form an answer has: the one place that chooses it, and the one that fills it in.

#![deny(clippy::wildcard_enum_match_arm)]

use envoy_types::pb::envoy::r#type::v3::StatusCode;

use super::rpc::{self, Id};
use super::told::Told;
use super::{line, problem, tool};
use crate::model::decision::Decision;
use crate::model::route::{DenyStyle, Protocol};
use crate::model::rpc::{RpcId, RpcKind};

/// How a refusal looks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// A problem document (RFC 9457), under its HTTP status.
    Problem,
    /// One line, that Envoy makes a gRPC status of.
    Line,
    /// A JSON-RPC error, under its HTTP status.
    Error(Id<'a>),
    /// A JSON-RPC error, under HTTP 200: whoever asked has to find it by its id.
    OkError(&'a RpcId),
    /// The result of a tool that failed, under HTTP 200.
    ToolResult(&'a RpcId),
}

/// Status and body of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// None leaves it to Envoy.
    pub(super) content_type: Option<&'static str>,
    pub(super) body: String,
}

impl Form<'_> {
    /// The form of the answer to `decision`.
    pub(super) fn of<'a>(decision: &'a Decision, told: &Told<'_>) -> Form<'a> {
        if decision.grpc {
            return Form::Line;
        }
        let style = match decision.route.as_ref().map(|route| &route.protocol) {
            None | Some(Protocol::Http) => return Form::Problem,
            Some(Protocol::Mcp(mcp)) => mcp.deny_style,
        };
        let Some(message) = &decision.rpc else {
            return Form::Error(Id::Null);
        };
        let id = match &message.kind {
            RpcKind::Request(id) if rpc::is_echoed(id) => id,
            // A client finds no request of its own by `null`, so such an answer never comes under 200.
            RpcKind::Request(_) => return Form::Error(Id::Null),
            // Nobody waits for one (MCP 2025-11-25, "Sending Messages to the Server").
            RpcKind::Notification | RpcKind::Response => return Form::Error(Id::Absent),
        };
        if told.condition.is_of_transport() {
            return Form::Error(Id::Echoed(id));
        }
        match style {
            DenyStyle::Http => Form::Error(Id::Echoed(id)),
            // Only a tool's result can say that it failed.
            DenyStyle::ToolError if message.method.as_deref() == Some("tools/call") => {
                Form::ToolResult(id)
            }
            DenyStyle::JsonRpc | DenyStyle::ToolError => Form::OkError(id),
        }
    }

    /// The answer in this form.
    pub(super) fn answer(&self, told: &Told<'_>) -> Answer {
        const JSON: Option<&str> = Some("application/json");
        let (status, content_type, body) = match self {
            Self::Problem => (
                told.status,
                Some("application/problem+json"),
                problem::body(told),
            ),
            Self::Line => (told.status_for_grpc(), None, line::body(told)),
            Self::Error(id) => (rpc::status(told), JSON, rpc::body(told, *id)),
            Self::OkError(id) => (StatusCode::Ok, JSON, rpc::body(told, Id::Echoed(id))),
            Self::ToolResult(id) => (StatusCode::Ok, JSON, tool::body(told, id)),
        };
        Answer {
            status,
            content_type,
            body,
        }
    }
}
