//! A `tools/list` answer, as a server gives it or a file keeps it.

use std::collections::HashSet;

use super::text::shown;
use super::tool::{Tool, ToolError};
use crate::json::{self, Json, JsonError, Limits, Object, folds_to};

/// The largest answer that is read, all pages together, in bytes.
pub const MAX_BYTES: usize = 16 << 20;
/// The most tools of one server.
pub const MAX_TOOLS: usize = 2_000;
/// Bounds within the answer.
const LIMITS: Limits = Limits {
    depth: 64,
    nodes: 1_000_000,
    text: 1 << 20,
};

/// Why there are no tools to speak of.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The document itself.
    #[error("it cannot be read as JSON: {0}")]
    Json(#[from] JsonError),
    /// An event stream, kept as it came.
    #[error("it is an event stream: keep only the JSON behind `data:`")]
    EventStream,
    /// Something else.
    #[error(
        "it is no answer to `tools/list`: expected a JSON-RPC response, `{{\"tools\": […]}}`, or an array of them"
    )]
    Shape,
    /// The server refused to answer.
    #[error("the server answered with the error {code}: {message}")]
    Refused {
        /// The code, of JSON-RPC or the server's own.
        code: i64,
        /// What it says about it, made harmless.
        message: String,
    },
    /// The list goes on.
    #[error(
        "the list goes on after its last page (`nextCursor`): add the pages that follow, in one JSON array"
    )]
    Incomplete,
    /// More tools than anybody reviews.
    #[error("it lists more than {MAX_TOOLS} tools")]
    TooMany,
    /// One tool that is none.
    #[error("tool {number} ({name}): {flaw}")]
    Tool {
        /// Its place in the list, from 1.
        number: usize,
        /// Its name, made harmless.
        name: String,
        /// What is wrong with it.
        flaw: ToolError,
    },
    /// One name for two tools: nobody knows which of them a call means.
    #[error("it lists two tools of the name `{0}`")]
    Duplicate(String),
    /// Names that somebody takes for one another, and policies refuse beside each other.
    #[error("it lists tools whose names differ in case only: `{0}` and `{1}`")]
    Lookalike(String, String),
}

/// One page of a list.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) tools: Vec<Tool>,
    /// Where the list goes on.
    pub(super) next: Option<String>,
}

/// A JSON-RPC message from a server, as far as somebody who waits for one answer cares.
#[derive(Debug)]
pub(super) enum Message<'j, 'a> {
    /// The result of a request.
    Result(&'j Object<'a>),
    /// The request was refused.
    Error { code: i64, message: String },
    /// A request or a notification of the server's own, or the answer to somebody else.
    Other,
}

/// A list as its pages arrive.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) tools: Vec<Tool>,
    names: HashSet<String>,
}

impl List {
    /// Adds a page; no name may stand in the list twice.
    pub(super) fn add(&mut self, tools: Vec<Tool>) -> Result<(), AnswerError> {
        if tools.len() > MAX_TOOLS.saturating_sub(self.tools.len()) {
            return Err(AnswerError::TooMany);
        }
        for tool in tools {
            if !self.names.insert(tool.name.clone()) {
                return Err(AnswerError::Duplicate(shown(&tool.name)));
            }
            let mut before = self.tools.iter();
            if let Some(other) = before.find(|other| folds_to(&other.name, &tool.name)) {
                let (one, two) = (shown(&other.name), shown(&tool.name));
                return Err(AnswerError::Lookalike(one, two));
            }
            self.tools.push(tool);
        }
        Ok(())
    }
}

/// Reads what was saved of a server's answers: one page, or all of them in an array.
pub fn read(bytes: &[u8]) -> Result<Vec<Tool>, AnswerError> {
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"event:") || text.starts_with(b"data:") {
        return Err(AnswerError::EventStream);
    }
    let document = json::read(bytes, &LIMITS)?;
    let pages = document
        .as_array()
        .unwrap_or(std::slice::from_ref(&document));
    let mut list = List::default();
    let mut next = None;
    for page in pages {
        let page = saved_page(page)?;
        next = page.next;
        list.add(page.tools)?;
    }
    match next {
        Some(_) => Err(AnswerError::Incomplete),
        None if pages.is_empty() => Err(AnswerError::Shape),
        None => Ok(list.tools),
    }
}

fn saved_page(page: &Json<'_>) -> Result<Page, AnswerError> {
    let object = page.as_object().ok_or(AnswerError::Shape)?;
    if object.get("jsonrpc").is_none() && object.get("result").is_none() {
        return read_result(object);
    }
    match message(page, None) {
        Message::Result(result) => read_result(result),
        Message::Error { code, message } => Err(AnswerError::Refused { code, message }),
        Message::Other => Err(AnswerError::Shape),
    }
}

/// What a message is; with `id`, only an answer to that request is an answer.
pub(super) fn message<'j, 'a>(json: &'j Json<'a>, id: Option<u64>) -> Message<'j, 'a> {
    let Some(object) = json.as_object() else {
        return Message::Other;
    };
    let own = |id| {
        let found = object.get("id").and_then(Json::as_number);
        found.and_then(json::Number::as_safe_integer) == i64::try_from(id).ok()
    };
    // An error about a request that could not be read has no id (JSON-RPC 2.0, section 5).
    let nobody = matches!(object.get("id"), None | Some(Json::Null));
    match (object.get("result"), object.get("error")) {
        (Some(Json::Object(result)), None) if id.is_none_or(own) => Message::Result(result),
        (None, Some(Json::Object(error))) if nobody || id.is_none_or(own) => {
            let code = error.get("code").and_then(Json::as_number);
            let message = error.get("message").and_then(Json::as_str);
            Message::Error {
                code: code
                    .and_then(json::Number::as_safe_integer)
                    .unwrap_or_default(),
                message: shown(message.unwrap_or("no message")),
            }
        }
        _ => Message::Other,
    }
}

/// Reads one document of a conversation.
pub(super) fn parse(bytes: &[u8]) -> Result<Json<'_>, JsonError> {
    json::read(bytes, &LIMITS)
}

/// Reads a result of `tools/list`.
pub(super) fn read_result(result: &Object<'_>) -> Result<Page, AnswerError> {
    let listed = result.get("tools").and_then(Json::as_array);
    let listed = listed.ok_or(AnswerError::Shape)?;
    if listed.len() > MAX_TOOLS {
        return Err(AnswerError::TooMany);
    }
    let mut tools = Vec::new();
    for (index, json) in listed.iter().enumerate() {
        tools.push(Tool::read(json).map_err(|flaw| AnswerError::Tool {
            number: index + 1,
            name: named(json),
            flaw,
        })?);
    }
    let next = match result.get("nextCursor") {
        None | Some(Json::Null) => None,
        Some(cursor) => Some(cursor.as_str().ok_or(AnswerError::Shape)?.to_owned()),
    };
    Ok(Page { tools, next })
}

fn named(json: &Json<'_>) -> String {
    let name = json.as_object().and_then(|tool| tool.get("name"));
    match name.and_then(Json::as_str) {
        Some(name) => format!("`{}`", shown(name)),
        None => "without a name".to_owned(),
    }
}
