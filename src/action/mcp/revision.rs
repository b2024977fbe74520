//! Revisions of the protocol, and which one a request is written in.

use crate::model::header;
use crate::model::reason::Reason;
use crate::model::request::Headers;
use crate::model::rpc::Revision as Known;
use crate::model::verdict::Denial;

/// Longest session id, in bytes.
const MAX_SESSION: usize = 1024;

/// The revision that a request is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Revision {
    known: Known,
    /// Whether the request says so itself.
    stated: bool,
}

/// What a request without the header is written in: the last revision that did not have it.
const ASSUMED: Known = Known::V20250326;

/// The revision that the headers name, known or not.
pub(super) fn stated(headers: &Headers) -> Option<&str> {
    headers.get(header::MCP_PROTOCOL_VERSION)
}

impl Revision {
    /// The revision that the headers name.
    pub(super) fn of(headers: &Headers) -> Result<Self, Denial> {
        let stated = stated(headers);
        let known = stated.map_or(Some(ASSUMED), Known::of).ok_or_else(|| {
            Denial::new(Reason::ProtocolVersion)
                .because("`MCP-Protocol-Version` names no revision that is known")
        })?;
        Ok(Self {
            known,
            stated: stated.is_some(),
        })
    }

    /// Whether it has sessions, streams on GET, and answers of the client's.
    pub(super) const fn has_sessions(self) -> bool {
        self.known.has_sessions()
    }

    /// As requests write it.
    pub(super) const fn name(self) -> &'static str {
        self.known.as_str()
    }

    /// Whether the header names the revision that another place names.
    pub(super) fn is_stated_as(self, name: &str) -> bool {
        self.stated && self.name() == name
    }

    /// A session's id is visible ASCII, and one; without sessions there is none.
    pub(super) fn check_session(self, headers: &Headers) -> Result<(), Denial> {
        let Some(id) = headers.get(header::MCP_SESSION_ID) else {
            return Ok(());
        };
        let wrong = |cause: &str| Err(Denial::new(Reason::MessageMalformed).because(cause));
        if !self.has_sessions() {
            return wrong("`Mcp-Session-Id` is no part of a revision without sessions");
        }
        if id.contains(',') {
            let cause = "`Mcp-Session-Id` has a comma: there may be two of them";
            return Err(Denial::new(Reason::HeaderRepeated).because(cause));
        }
        let visible = id.bytes().all(|byte| byte.is_ascii_graphic());
        if id.is_empty() || id.len() > MAX_SESSION || !visible {
            return wrong("`Mcp-Session-Id` is no id of a session");
        }
        Ok(())
    }

    /// Ending a session names it.
    pub(super) fn must_name_session(headers: &Headers) -> Result<(), Denial> {
        headers
            .get(header::MCP_SESSION_ID)
            .map(|_| ())
            .ok_or_else(|| {
                Denial::new(Reason::MessageMalformed).because("DELETE without `Mcp-Session-Id`")
            })
    }
}
