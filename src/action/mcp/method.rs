//! The methods of the protocol: which revisions have them, what their `params` hold, and which built-in action they are.

use super::revision::Revision;

/// What a member of `params` has to be. What it holds is nobody's business here unless it is the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Object,
}

/// A member that `params` may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
}

const fn must(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        shape,
        required: true,
    }
}

const fn may(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        shape,
        required: false,
    }
}

/// Which revisions have a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// Those with sessions.
    Sessions,
    /// Those without.
    Stateless,
    /// Every one.
    Ever,
}

/// What a message asks the server to do.
#[derive(Debug)]
pub(super) struct Method {
    /// As messages write it.
    pub(super) name: &'static str,
    /// The built-in action that it is; a called tool is never one.
    pub(super) action: Option<&'static str>,
    /// The member of `params` that says what it is about, and the type of resource that it names.
    pub(super) target: Option<(&'static str, &'static str)>,
    /// Whether the header `Mcp-Name` repeats its target, as the revision without sessions demands.
    pub(super) named: bool,
    pub(super) since: Since,
    /// What its `params` may have beside `_meta`.
    pub(super) members: &'static [Member],
}

/// `tools/call`.
pub(super) const TOOL: &str = "tools/call";
/// `prompts/get`.
pub(super) const PROMPT: &str = "prompts/get";
/// `resources/read`.
pub(super) const READ: &str = "resources/read";
/// `resources/subscribe`.
pub(super) const SUBSCRIBE: &str = "resources/subscribe";
/// `resources/unsubscribe`.
pub(super) const UNSUBSCRIBE: &str = "resources/unsubscribe";
/// `subscriptions/listen`.
pub(super) const STREAM: &str = "subscriptions/listen";
/// `notifications/…`, all of them.
pub(super) const NOTIFY: &str = "notifications/*";
/// The answer of a client to a request of the server's.
pub(super) const RESPOND: &str = "a response";
/// The stream of a session (GET).
pub(super) const LISTEN: &str = "GET";
/// The end of a session (DELETE).
pub(super) const END: &str = "DELETE";

/// What a client brings when it comes back with what the server asked it for.
const RETRY: [Member; 2] = [
    may("inputResponses", Shape::Object),
    may("requestState", Shape::Text),
];
const CURSOR: &[Member] = &[may("cursor", Shape::Text)];
const URI: &[Member] = &[must("uri", Shape::Text)];
const TASK: &[Member] = &[must("taskId", Shape::Text)];

const fn protocol(name: &'static str, action: &'static str, members: &'static [Member]) -> Method {
    Method {
        name,
        action: Some(action),
        target: None,
        named: false,
        since: Since::Ever,
        members,
    }
}

impl Method {
    const fn about(mut self, member: &'static str, resource: &'static str) -> Self {
        self.target = Some((member, resource));
        self
    }

    const fn named(mut self) -> Self {
        self.named = true;
        self
    }

    const fn since(mut self, since: Since) -> Self {
        self.since = since;
        self
    }

    /// Whether this revision has it.
    pub(super) fn is_in(&self, revision: Revision) -> bool {
        match self.since {
            Since::Ever => true,
            Since::Sessions => revision.has_sessions(),
            Since::Stateless => !revision.has_sessions(),
        }
    }

    /// The method of this name; every notification is one.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        let name = if is_notification(name) { NOTIFY } else { name };
        let written = METHODS.iter().find(|method| method.name == name)?;
        (!matches!(written.name, RESPOND | LISTEN | END)).then_some(written)
    }

    /// What is no method in a message: a response, and the requests without a message.
    pub(super) fn without_name(name: &'static str) -> Option<&'static Self> {
        METHODS.iter().find(|method| method.name == name)
    }
}

/// Whether nobody waits for an answer to it (`notifications/cancelled`).
pub(super) fn is_notification(name: &str) -> bool {
    name.strip_prefix("notifications/")
        .is_some_and(|rest| !rest.is_empty())
}

/// Every method that is understood. The rest is denied.
pub(super) static METHODS: &[Method] = &[
    Method {
        name: TOOL,
        action: None,
        target: Some(("name", "mcp_tool")),
        named: true,
        since: Since::Ever,
        members: &[
            must("name", Shape::Text),
            may("arguments", Shape::Object),
            may("task", Shape::Object),
            RETRY[0],
            RETRY[1],
        ],
    },
    protocol(
        PROMPT,
        "mcp.prompts.get",
        &[
            must("name", Shape::Text),
            may("arguments", Shape::Object),
            RETRY[0],
            RETRY[1],
        ],
    )
    .about("name", "mcp_prompt")
    .named(),
    protocol(
        READ,
        "mcp.resources.read",
        &[must("uri", Shape::Text), RETRY[0], RETRY[1]],
    )
    .about("uri", "mcp_resource")
    .named(),
    protocol(SUBSCRIBE, "mcp.resources.subscribe", URI).about("uri", "mcp_resource"),
    protocol(UNSUBSCRIBE, "mcp.resources.unsubscribe", URI).about("uri", "mcp_resource"),
    protocol("tools/list", "mcp.list_tools", CURSOR),
    protocol("resources/list", "mcp.list_resources", CURSOR),
    protocol(
        "resources/templates/list",
        "mcp.list_resource_templates",
        CURSOR,
    ),
    protocol("prompts/list", "mcp.list_prompts", CURSOR),
    protocol(
        "completion/complete",
        "mcp.completions.complete",
        &[
            must("ref", Shape::Object),
            must("argument", Shape::Object),
            may("context", Shape::Object),
        ],
    ),
    protocol("tasks/get", "mcp.tasks.get", TASK).about("taskId", "mcp_task"),
    protocol(
        "tasks/update",
        "mcp.tasks.update",
        &[must("taskId", Shape::Text), RETRY[0], RETRY[1]],
    )
    .about("taskId", "mcp_task"),
    protocol("tasks/cancel", "mcp.tasks.cancel", TASK).about("taskId", "mcp_task"),
    protocol("ping", "mcp.ping", &[]),
    protocol(
        "logging/setLevel",
        "mcp.set_log_level",
        &[must("level", Shape::Text)],
    ),
    protocol(
        "initialize",
        "mcp.initialize",
        &[
            must("protocolVersion", Shape::Text),
            must("capabilities", Shape::Object),
            must("clientInfo", Shape::Object),
        ],
    )
    .since(Since::Sessions),
    protocol("server/discover", "mcp.discover", &[]).since(Since::Stateless),
    protocol(
        STREAM,
        "mcp.listen",
        &[must("notifications", Shape::Object)],
    )
    .since(Since::Stateless),
    protocol(NOTIFY, "mcp.notify", &[]),
    protocol(RESPOND, "mcp.respond", &[]).since(Since::Sessions),
    protocol(LISTEN, "mcp.listen", &[]).since(Since::Sessions),
    protocol(END, "mcp.end_session", &[]).since(Since::Sessions),
];
