//! Which form an answer has: the one place that chooses it, and the one that fills it in.

#![deny(clippy::wildcard_enum_match_arm)]

use envoy_types::pb::envoy::r#type::v3::StatusCode;

use super::rpc::{self, Id};
use super::told::Told;
use super::{elicitation, line, problem, tool};
use crate::model::decision::Decision;
use crate::model::route::{DenyStyle, Mcp, Protocol};
use crate::model::rpc::{Revision, RpcFacts, RpcId, RpcKind};

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
    /// A result that asks for more, under HTTP 200 (MCP 2026-07-28).
    InputRequired(&'a RpcId),
    /// A JSON-RPC error that asks for more, under HTTP 200 (MCP 2025-11-25).
    UrlRequired(&'a RpcId),
}

/// Status and body of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// None leaves it to Envoy.
    pub(super) content_type: Option<&'static str>,
    pub(super) body: String,
}

impl<'a> Form<'a> {
    /// The form of the answer to `decision`.
    pub(super) fn of(decision: &'a Decision, told: &Told<'_>) -> Self {
        if decision.grpc {
            return Self::Line;
        }
        let mcp = match decision.route.as_ref().map(|route| &route.protocol) {
            None | Some(Protocol::Http) => return Self::Problem,
            Some(Protocol::Mcp(mcp)) => mcp,
        };
        let Some(message) = &decision.rpc else {
            return Self::Error(Id::Null);
        };
        let id = match &message.kind {
            RpcKind::Request(id) if rpc::is_echoed(id) => id,
            // A client finds no request of its own by `null`, so such an answer never comes under 200.
            RpcKind::Request(_) => return Self::Error(Id::Null),
            // Nobody waits for one (MCP 2025-11-25, "Sending Messages to the Server").
            RpcKind::Notification | RpcKind::Response => return Self::Error(Id::Absent),
        };
        if told.condition.is_of_transport() {
            return Self::Error(Id::Echoed(id));
        }
        let waits = told.ticket.is_some();
        if waits && let Some(asks) = Self::asking(message, mcp, told, id) {
            return asks;
        }
        let is_tool = message.method.as_deref() == Some("tools/call");
        match mcp.deny_style {
            // Only a tool's result can say that it failed. That a call has to wait is not refused for good, and it is the model
            // that makes it again, so it reads of it in every style.
            DenyStyle::Http | DenyStyle::JsonRpc if is_tool && waits => Self::ToolResult(id),
            DenyStyle::ToolError if is_tool => Self::ToolResult(id),
            DenyStyle::Http => Self::Error(Id::Echoed(id)),
            DenyStyle::JsonRpc | DenyStyle::ToolError => Self::OkError(id),
        }
    }

    /// The form that asks a client to send somebody to the approval, if it can be asked. Only a message of the newest revision
    /// says whether its client does that; and that revision has no `-32042` any more.
    fn asking(message: &RpcFacts, mcp: &Mcp, told: &Told<'_>, id: &'a RpcId) -> Option<Self> {
        if message.elicits_url && elicitation::may_ask(told, Revision::V20260728) {
            return Some(Self::InputRequired(id));
        }
        let asks = mcp.elicits_url && elicitation::may_ask(told, Revision::V20251125);
        asks.then_some(Self::UrlRequired(id))
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
            Self::InputRequired(id) => (StatusCode::Ok, JSON, elicitation::body(told, id)),
            Self::UrlRequired(id) => (StatusCode::Ok, JSON, rpc::asking(told, id)),
        };
        Answer {
            status,
            content_type,
            body,
        }
    }
}
