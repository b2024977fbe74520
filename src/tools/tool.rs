//! One tool of a server: what a policy needs of its definition, and a hash that changes with any part of it.

use std::fmt::Write as _;

use super::schema::Arguments;
use crate::json::{Json, Object, folds_to};
use crate::keys::sha256;

/// Longest name of a tool, in characters, as the protocol recommends and as actions take them.
const MAX_NAME: usize = 128;

/// The members that are read. One that another reader would take for such a member makes the tool unreadable.
const MEMBERS: [&str; 5] = ["name", "title", "description", "inputSchema", "annotations"];
/// The hints that are read (MCP 2025-11-25, `ToolAnnotations`).
const HINTS: [&str; 4] = [
    "readOnlyHint",
    "destructiveHint",
    "idempotentHint",
    "openWorldHint",
];

/// A tool as its server describes it. Every text in it is the server's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// What calls name.
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// What models are told that it does.
    pub description: Option<String>,
    /// What the server says about its effects.
    pub hints: Hints,
    /// Its arguments, as policies can declare them.
    pub arguments: Arguments,
    /// `sha256:` and the hash of the whole definition in its canonical form (RFC 8785), in hexadecimal.
    pub definition: String,
}

/// A server's hints about the effects of a tool (`ToolAnnotations`); nobody vouches for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// It changes nothing. Not so if absent.
    pub read_only: Option<bool>,
    /// What it changes may be lost. So if absent.
    pub destructive: Option<bool>,
    /// Calling it twice is like calling it once. Not so if absent.
    pub idempotent: Option<bool>,
    /// It reaches others than the server's own. So if absent.
    pub open_world: Option<bool>,
}

/// Why something is no tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// Not an object.
    #[error("it is no object")]
    NoObject,
    /// Without a name that could be called.
    #[error(
        "its `name` is no text of 1 to {MAX_NAME} characters, none of them a control character"
    )]
    Name,
    /// A member whose value is of another type than the protocol says.
    #[error("its `{0}` is of the wrong type")]
    Type(&'static str),
    /// A member that some readers take for another one.
    #[error("a member is `{0}` in other letters, which some readers take for it")]
    Folds(&'static str),
}

impl Tool {
    /// Reads one entry of `tools`.
    pub(super) fn read(json: &Json<'_>) -> Result<Self, ToolError> {
        let tool = json.as_object().ok_or(ToolError::NoObject)?;
        unmistakable(tool, &MEMBERS)?;
        let name = tool.get("name").and_then(Json::as_str);
        let name = name.filter(|name| is_name(name)).ok_or(ToolError::Name)?;
        let text = |member| match tool.get(member) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.as_ref().to_owned())),
            Some(_) => Err(ToolError::Type(member)),
        };
        let schema = tool.get("inputSchema").and_then(Json::as_object);
        let schema = schema.ok_or(ToolError::Type("inputSchema"))?;
        Ok(Self {
            name: name.to_owned(),
            title: text("title")?,
            description: text("description")?,
            hints: Hints::read(tool.get("annotations"))?,
            arguments: Arguments::of(schema),
            definition: definition(json),
        })
    }
}

impl Hints {
    fn read(annotations: Option<&Json<'_>>) -> Result<Self, ToolError> {
        let annotations = match annotations {
            None | Some(Json::Null) => return Ok(Self::default()),
            Some(Json::Object(annotations)) => annotations,
            Some(_) => return Err(ToolError::Type("annotations")),
        };
        unmistakable(annotations, &HINTS)?;
        let hint = |name| match annotations.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Bool(hint)) => Ok(Some(*hint)),
            Some(_) => Err(ToolError::Type(name)),
        };
        Ok(Self {
            read_only: hint("readOnlyHint")?,
            destructive: hint("destructiveHint")?,
            idempotent: hint("idempotentHint")?,
            open_world: hint("openWorldHint")?,
        })
    }
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.chars().count()) && !name.contains(char::is_control)
}

/// Whether no member differs from a known one in case only.
fn unmistakable(object: &Object<'_>, known: &[&'static str]) -> Result<(), ToolError> {
    for (name, _) in object.iter() {
        if let Some(meant) = known.iter().find(|known| folds_to(name, known)) {
            return Err(ToolError::Folds(meant));
        }
    }
    Ok(())
}

fn definition(json: &Json<'_>) -> String {
    let digest = json.digest().unwrap_or_else(|_no_canonical_form| {
        // The bounds of a 64 bit integer stand in schemas, and have no canonical form. Members are sorted here as well;
        // such integers are written out, so no two definitions meet.
        let mut value = serde_json::Value::from(json.clone());
        value.sort_all_objects();
        sha256(value.to_string().as_bytes())
    });
    let hash = digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    });
    format!("sha256:{hash}")
}
