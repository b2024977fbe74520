//! Names that a policy can have, made of names that a server has.

use std::collections::HashSet;

use crate::model::name::{MAX_NAME, is_identifier};

/// Longest name of an argument that is made, in bytes.
const MAX_IDENTIFIER: usize = 64;

/// The names that are taken in one place.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// These names are taken.
    pub(super) fn taking(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Takes `name`, or that name with a number behind it that makes it free.
    pub(super) fn free(&mut self, name: &str) -> String {
        let numbered = (2_usize..).map(|number| {
            let end = format!("_{number}");
            format!("{}{end}", cut(name, MAX_NAME - end.len()))
        });
        let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
        let free = candidates.find(|candidate| !self.0.contains(candidate));
        let free = free.unwrap_or_default();
        self.0.insert(free.clone());
        free
    }
}

/// The id of a tool's action: the server's name, and what is left of the tool's name. Ids below `mcp.` belong to the protocol's
/// own actions.
pub(super) fn action_id(server: &str, tool: &str) -> String {
    let mut id = format!("{server}.");
    for c in tool.chars() {
        let c = match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') => c,
            '/' | ':' => '.',
            _ => '_',
        };
        if !(c == '.' && id.ends_with('.')) {
            id.push(c);
        }
    }
    if id.ends_with('.') && id.len() == server.len() + 1 {
        id.push_str("tool");
    }
    let id = match id.strip_prefix("mcp.") {
        Some(rest) => format!("mcp-{rest}"),
        None => id,
    };
    cut(&id, MAX_NAME).trim_end_matches('.').to_owned()
}

/// Whether a member keeps its name: conditions can write it behind `args.`.
pub(super) fn keeps(name: &str) -> bool {
    name.len() <= MAX_IDENTIFIER && is_identifier(name)
}

/// What conditions can call the member at `path`.
pub(super) fn identifier(path: &[&str]) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = path.join("_").chars().map(word).collect();
    let name = name.trim_matches('_');
    let name = cut(name, MAX_IDENTIFIER - 2);
    if keeps(name) {
        name.to_owned()
    } else {
        format!("a_{name}")
    }
}

/// The JSON Pointer to the member at `path` (RFC 6901, section 3).
pub(super) fn pointer(path: &[&str]) -> String {
    let escaped = path
        .iter()
        .map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1")));
    escaped.collect()
}

/// At most `most` bytes of a name in ASCII.
fn cut(name: &str, most: usize) -> &str {
    name.get(..most).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::ActionId;

    #[test]
    fn every_tool_gets_an_id_that_policies_take() {
        let long = "x".repeat(500);
        for (tool, id) in [
            ("export_customers", "crm.export_customers"),
            ("admin/users:delete", "crm.admin.users.delete"),
            ("..a..b..", "crm.a.b"),
            ("delete all", "crm.delete_all"),
            ("", "crm.tool"),
            ("...", "crm.tool"),
            ("\u{202e}\n", "crm.__"),
            (&long, &format!("crm.{}", "x".repeat(124))),
        ] {
            assert_eq!(action_id("crm", tool), id);
            assert!(ActionId::new(id).is_ok(), "{id}");
        }
        assert_eq!(action_id("mcp", "ping"), "mcp-ping");
        assert_eq!(action_id("mcp.x", "ping"), "mcp-x.ping");
    }

    #[test]
    fn what_would_be_one_name_becomes_two() {
        let mut names = Names::default();
        let found = ["a", "a", "b", "a", "a_2"].map(|name| names.free(name));
        assert_eq!(found, ["a", "a_2", "b", "a_3", "a_2_2"]);
        let long = "x".repeat(MAX_NAME);
        assert_eq!(names.free(&long), long);
        let second = names.free(&long);
        assert!(
            second.len() == MAX_NAME && second.ends_with("_2"),
            "{second}"
        );
    }

    #[test]
    fn an_argument_is_called_what_a_condition_can_write() {
        for (path, name) in [
            (&["filter", "region"][..], "filter_region"),
            (&["customer-id"], "customer_id"),
            (&["in"], "a_in"),
            (&["2fa"], "a_2fa"),
            (&["\u{202e}"], "a_"),
        ] {
            assert_eq!(identifier(path), name);
            assert!(keeps(&identifier(path)), "{name}");
        }
        assert_eq!(pointer(&["a/b", "~c", ""]), "/a~1b/~0c/");
    }
}
