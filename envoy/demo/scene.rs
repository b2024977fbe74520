//! What a scene is made of: one request, and what must come of it.

use std::fmt;

/// The issuer, and what to ask it for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token {
    /// A caller without a credential.
    Absent,
    Corp(&'static str),
    Ci(&'static str),
    /// The operator of this demo's countersign.
    Operator,
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
    /// Whether it is asked again for a moment until it comes as expected: a clock, or another part, has to follow first.
    pub(crate) soon: bool,
    pub(crate) expect: Expect,
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Asks {
    /// Method, host and target, as `GET host/target`.
    Http(&'static str),
    /// An agent asks the MCP server, with the client of the official SDK.
    Mcp(Step),
    /// Somebody asks countersign's admin listener: method and path, in which `{id}` is the approval that was last waited for,
    /// and a body as JSON.
    Desk(&'static str, &'static str),
    /// An operator off-boards this owner while somebody calls, as `GET host/target`: what comes is the first refusal.
    Leave(&'static str, &'static str),
    /// What that revoked is lifted again.
    Return,
}

/// One step of a conversation with the MCP server.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    Connect,
    List,
    /// A tool, and its arguments as JSON.
    Call(&'static str, &'static str),
    /// The person who was sent to a URL has been there: the SDK makes its call again.
    Accept,
    /// The person does not go there.
    Decline,
}

/// How an agent talks to the MCP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// In a session, of the revision 2025-11-25, and able to send its person to a URL.
    Sessions,
    /// In the newest revision that both speak: 2026-07-28, without a session.
    Newest,
    /// The same, and able to send its person to a URL.
    Asking,
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
    /// The SDK sends its person to a URL (MCP 2026-07-28, `input_required`).
    Question,
    /// The SDK's own error, with this code.
    Error(i64),
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Result => f.write_str("result"),
            Self::Question => f.write_str("input_required"),
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
            Self::Mcp(Step::Accept) => "MCP authz_approval accept".to_owned(),
            Self::Mcp(Step::Decline) => "MCP authz_approval decline".to_owned(),
            Self::Desk(request, body) => format!("admin {request} {body}"),
            Self::Leave(owner, request) => {
                format!("admin POST /offboard {owner}, during {request}")
            }
            Self::Return => "admin POST /revocations/lift".to_owned(),
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
    /// The upstream saw this header, and its value begins so.
    UpstreamBegins(&'static str, &'static str),
    /// The upstream saw no such header.
    UpstreamLacks(&'static str),
    /// The upstream saw exactly this query.
    Query(&'static str),
    /// The result that an agent got, or where it is sent, has this text in it.
    Says(&'static str),
    /// What is at this place of the body (RFC 6901) has this text in it.
    Body(&'static str, &'static str),
    /// It took no more milliseconds.
    Within(u128),
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

/// The SDK sends its person to the page of an approval.
pub(crate) const fn asks() -> Expect {
    Expect {
        came: Came::Question,
        reason: None,
        proofs: &[Proof::Says("http://127.0.0.1:9193/approvals/apr_")],
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
        soon: false,
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

/// Somebody asks countersign's admin listener.
pub(crate) const fn desk(
    id: &'static str,
    who: &'static str,
    what: &'static str,
    token: Token,
    (request, body): (&'static str, &'static str),
    expect: Expect,
) -> Scene {
    Scene {
        asks: Asks::Desk(request, body),
        ..plain(id, who, what, token, "", expect)
    }
}

/// An owner leaves while somebody who is theirs calls, with this token.
pub(crate) const fn leaves(
    id: &'static str,
    who: &'static str,
    what: &'static str,
    token: Token,
    (owner, request): (&'static str, &'static str),
    expect: Expect,
) -> Scene {
    Scene {
        asks: Asks::Leave(owner, request),
        ..plain(id, who, what, token, "", expect)
    }
}

/// Whoever has left is back.
pub(crate) const fn returns(
    id: &'static str,
    who: &'static str,
    what: &'static str,
    expect: Expect,
) -> Scene {
    Scene {
        asks: Asks::Return,
        ..plain(id, who, what, Token::Operator, "", expect)
    }
}

pub(crate) const fn soon(scene: Scene) -> Scene {
    Scene {
        soon: true,
        ..scene
    }
}

pub(crate) const fn asking(scene: Scene) -> Scene {
    Scene {
        talk: Talk::Asking,
        ..scene
    }
}

pub(crate) const fn in_session(scene: Scene) -> Scene {
    Scene {
        talk: Talk::Sessions,
        ..scene
    }
}
