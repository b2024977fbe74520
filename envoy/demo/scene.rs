//! What a scene is made of: one request, and what must come of it.

use std::fmt;

/// The issuer, and what to ask it for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token {
    /// A caller without a credential.
    Absent,
    Corp(&'static str),
    Ci(&'static str),
}

/// One request, and what must come of it.
pub(crate) struct Scene {
    /// The scene of the mission that this belongs to.
    pub(crate) id: &'static str,
    pub(crate) who: &'static str,
    pub(crate) what: &'static str,
    pub(crate) door: Door,
    pub(crate) token: Token,
    pub(crate) shown: Shown,
    pub(crate) asks: Asks,
    /// Which revision an agent asks in.
    pub(crate) talk: Talk,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) expect: Expect,
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Asks {
    /// Method, host and target, as `GET host/target`.
    Http(&'static str),
    /// An agent asks the MCP server, with the client of the official SDK.
    Mcp(Step),
}

/// One step of a conversation with the MCP server.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    Connect,
    List,
    /// A tool, and its arguments as JSON.
    Call(&'static str, &'static str),
}

/// How an agent talks to the MCP server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// In a session, of the revision 2025-11-25.
    Sessions,
    /// In the newest revision that both speak: 2026-07-28, without a session.
    Newest,
}

/// How the token is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Bearer,
    /// Bound to a key, with a DPoP proof for this request; the first one learns a nonce.
    Proven,
    /// The same, and then once more, word for word.
    Replayed,
}

/// Which of Envoy's listeners is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Plain,
    /// Mutual TLS, as the workload `spiffe://example.org/ci/runner`.
    Runner,
    /// Mutual TLS, as the workload `spiffe://example.org/vault-bot`.
    VaultBot,
}

/// What came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// An HTTP answer.
    Status(u16),
    /// What the agent asked for.
    Result,
    /// The SDK's own error, with this code.
    Error(i64),
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Result => f.write_str("result"),
            Self::Error(code) => write!(f, "MCPError {code}"),
        }
    }
}

impl Asks {
    /// In words, for the table's document.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Http(request) => (*request).to_owned(),
            Self::Mcp(Step::Connect) => "MCP connect".to_owned(),
            Self::Mcp(Step::List) => "MCP tools/list".to_owned(),
            Self::Mcp(Step::Call(tool, arguments)) => format!("MCP tools/call {tool} {arguments}"),
        }
    }
}

/// What must come, the reason that it gives, and more.
pub(crate) struct Expect {
    pub(crate) came: Came,
    pub(crate) reason: Option<&'static str>,
    pub(crate) proofs: &'static [Proof],
}

/// Something that must be true of the answer.
#[derive(Clone, Copy)]
pub(crate) enum Proof {
    /// The answer has this header, with this text in it.
    Answer(&'static str, &'static str),
    /// The upstream saw this header with exactly this value.
    Upstream(&'static str, &'static str),
    /// The upstream saw no such header.
    UpstreamLacks(&'static str),
    /// The upstream saw exactly this query.
    Query(&'static str),
    /// The result that an agent got has this text in it.
    Says(&'static str),
}

pub(crate) const fn allowed(proofs: &'static [Proof]) -> Expect {
    Expect {
        came: Came::Status(200),
        reason: None,
        proofs,
    }
}

pub(crate) const fn denied(status: u16, reason: &'static str, proofs: &'static [Proof]) -> Expect {
    Expect {
        came: Came::Status(status),
        reason: Some(reason),
        proofs,
    }
}

/// An agent gets a result with this text in it.
pub(crate) const fn says(proofs: &'static [Proof]) -> Expect {
    Expect {
        came: Came::Result,
        reason: None,
        proofs,
    }
}

/// An agent gets the SDK's own error, with our code and our reason.
pub(crate) const fn refused(code: i64, reason: &'static str) -> Expect {
    Expect {
        came: Came::Error(code),
        reason: Some(reason),
        proofs: &[],
    }
}

pub(crate) const fn plain(
    id: &'static str,
    who: &'static str,
    what: &'static str,
    token: Token,
    request: &'static str,
    expect: Expect,
) -> Scene {
    Scene {
        id,
        who,
        what,
        door: Door::Plain,
        token,
        shown: Shown::Bearer,
        asks: Asks::Http(request),
        talk: Talk::Newest,
        headers: &[],
        expect,
    }
}

pub(crate) const fn mesh(
    door: Door,
    id: &'static str,
    who: &'static str,
    what: &'static str,
    token: Token,
    request: &'static str,
    expect: Expect,
) -> Scene {
    Scene {
        door,
        ..plain(id, who, what, token, request, expect)
    }
}

pub(crate) const fn sending(
    headers: &'static [(&'static str, &'static str)],
    scene: Scene,
) -> Scene {
    Scene { headers, ..scene }
}

pub(crate) const fn shown(shown: Shown, scene: Scene) -> Scene {
    Scene { shown, ..scene }
}

pub(crate) const fn agent(
    id: &'static str,
    who: &'static str,
    what: &'static str,
    token: Token,
    step: Step,
    expect: Expect,
) -> Scene {
    Scene {
        asks: Asks::Mcp(step),
        ..plain(id, who, what, token, "", expect)
    }
}

pub(crate) const fn in_session(scene: Scene) -> Scene {
    Scene {
        talk: Talk::Sessions,
        ..scene
    }
}
