//! What the answer to a JSON-RPC message needs to know of it.

use std::sync::Arc;

/// A message as far as it could be read; its method and name are the caller's words and may name nothing that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcFacts {
    /// Whether somebody waits for an answer to it.
    pub kind: RpcKind,
    /// Its method.
    pub method: Option<Arc<str>>,
    /// The tool or prompt that it names.
    pub name: Option<Arc<str>>,
}

/// What kind of message it is (JSON-RPC 2.0, sections 4 and 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RpcKind {
    /// A request: its answer has the same id.
    Request(RpcId),
    /// A notification: its answer has no id.
    Notification,
    /// The answer to a request of the server's.
    Response,
}

/// The id of a request. `null` and fractions are no ids in MCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RpcId {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(Arc<str>),
}
