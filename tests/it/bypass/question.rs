//! What is asked: by one, with a signed approval or without, or by a crowd.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// A request. Without anything it is alice who opens box 7.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ask {
    #[serde(rename = "as")]
    pub(super) who: String,
    /// Who acts for her.
    pub(super) actor: Option<String>,
    pub(super) method: String,
    pub(super) host: String,
    pub(super) path: String,
    /// A tool that is called; then `host` and `path` are those of the MCP server.
    pub(super) tool: Option<String>,
    /// Other members of `params` of that call.
    pub(super) params: Value,
    /// The arguments.
    pub(super) args: Value,
    /// The body as it is, instead of `args`.
    pub(super) body: Option<String>,
    pub(super) headers: BTreeMap<String, String>,
    /// The client certificate that is shown, and that the token is bound to.
    pub(super) key: Option<String>,
    /// Other claims of the token.
    pub(super) claims: BTreeMap<String, Value>,
    /// The key that signs it.
    pub(super) signed_by: Option<String>,
    /// Her token says nothing itself.
    pub(super) opaque: bool,
    /// A signed approval.
    pub(super) presents: Option<Presents>,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            who: "alice".to_owned(),
            actor: None,
            method: "POST".to_owned(),
            host: "vault.example.com".to_owned(),
            path: "/boxes/7/open".to_owned(),
            tool: None,
            params: json!({}),
            args: json!({ "cents": 4200, "to": "bob" }),
            body: None,
            headers: BTreeMap::new(),
            key: None,
            claims: BTreeMap::new(),
            signed_by: None,
            opaque: false,
            presents: None,
        }
    }
}

/// A signed approval of what was waited for last, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Presents {
    /// `own`, `board` (which is accepted), `stranger` (who says to be the board) or `corp`.
    pub(super) by: String,
    #[serde(default = "typ")]
    pub(super) typ: String,
    /// Laid over what it says.
    #[serde(default)]
    pub(super) claims: Value,
    /// When it ends, seen from now.
    #[serde(default = "soon")]
    pub(super) ends_in: i64,
    /// When it begins, seen from now.
    #[serde(default)]
    pub(super) begins_in: i64,
}

fn typ() -> String {
    "authz-approval+jwt".to_owned()
}

const fn soon() -> i64 {
    300
}

/// Many who ask at once, over all replicas in turn.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crowd {
    pub(super) size: usize,
    /// What they ask, in turn, and how it may end.
    pub(super) each: Vec<InCrowd>,
    /// How many of them pass, at least and at most.
    pub(super) passes: Option<(usize, usize)>,
    /// Most memory that the server has had after it, in MiB.
    pub(super) memory: Option<u64>,
}

/// A question in a crowd.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InCrowd {
    #[serde(default)]
    pub(super) ask: Ask,
    pub(super) may: Vec<String>,
}
