//! What the answer to a JSON-RPC message needs to know of it.

use std::sync::Arc;

/// The name under which a client is asked to send somebody to an approval, and under which it says what came of that.
pub const APPROVAL_INPUT: &str = "authz_approval";

/// A message as far as it could be read; its method and name are the caller's words and may name nothing that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcFacts {
    /// Whether somebody waits for an answer to it.
    pub kind: RpcKind,
    /// Its method.
    pub method: Option<Arc<str>>,
    /// The tool, prompt, resource or task that it names.
    pub name: Option<Arc<str>>,
    /// The revision of the protocol that it says it is written in.
    pub revision: Option<Arc<str>>,
    /// Whether it declares that its client sends people to a URL when it is asked to (MCP 2026-07-28, "Elicitation"), and
    /// nobody there has just refused to go. It says how an answer looks, and nothing else.
    pub elicits_url: bool,
}

/// A revision of the Model Context Protocol that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revision {
    /// The first.
    V20241105,
    /// With one endpoint for everything; what a request is written in that does not say.
    V20250326,
    /// Without batches.
    V20250618,
    /// With elicitation by URL.
    V20251125,
    /// Without sessions: every message stands for itself.
    V20260728,
}

impl Revision {
    /// Every revision, the oldest first.
    pub const ALL: [Self; 5] = [
        Self::V20241105,
        Self::V20250326,
        Self::V20250618,
        Self::V20251125,
        Self::V20260728,
    ];

    /// The date that messages name it by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V20241105 => "2024-11-05",
            Self::V20250326 => "2025-03-26",
            Self::V20250618 => "2025-06-18",
            Self::V20251125 => "2025-11-25",
            Self::V20260728 => "2026-07-28",
        }
    }

    /// The revision of that date, if it is one that is understood.
    pub fn of(date: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|revision| revision.as_str() == date)
    }

    /// Whether a client and a server open a session first.
    pub const fn has_sessions(self) -> bool {
        match self {
            Self::V20241105 | Self::V20250326 | Self::V20250618 | Self::V20251125 => true,
            Self::V20260728 => false,
        }
    }
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
