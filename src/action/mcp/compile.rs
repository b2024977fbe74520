//! Actions of an MCP route, from what the user wrote.

use std::sync::Arc;

use super::super::spec::ActionSpec;
use super::builtin::RESERVED;
use super::uri;
use crate::model::finding::Finding;
use crate::model::list::OneOrMany;
use crate::model::route::{McpOperation, Operation};

/// Longest name of a tool or prompt, in characters.
const MAX_NAME: usize = 128;

/// Keys that belong on routes of the other kind, and an id that is the protocol's.
pub(in crate::action) fn check_keys(
    id: &str,
    spec: &ActionSpec,
    is_mcp: bool,
    findings: &mut Vec<Finding>,
) {
    if id.starts_with(RESERVED) {
        let message = format!("`{id}` is a name of the protocol's own actions");
        let finding = Finding::error("reserved-action", message);
        findings.push(finding.help("name it by what it does, for example `customers.list`"));
    }
    let of_mcp = [
        ("tool", spec.tool.is_some()),
        ("prompt", spec.prompt.is_some()),
        ("uri", spec.uri.is_some()),
        ("definition", spec.definition.is_some()),
    ];
    let of_http = [
        ("http", spec.http.is_some()),
        ("grpc", spec.grpc.is_some()),
        ("params", !spec.params.is_empty()),
        ("query", !spec.query.is_empty()),
    ];
    let (misplaced, message, help) = if is_mcp {
        let help = "on an MCP route an action has `tool`, `prompt` or `uri`, and `args`";
        (of_http, "is for HTTP and gRPC", help)
    } else {
        let help = "add `protocol: mcp` to the route";
        (of_mcp, "is for MCP routes", help)
    };
    for (key, _) in misplaced.into_iter().filter(|(_, written)| *written) {
        let finding = Finding::error("misplaced-key", format!("`{key}` {message}"));
        findings.push(finding.help(help).under(key));
    }
}

/// The messages that an action stands for.
pub(in crate::action) fn compile_messages(
    spec: &ActionSpec,
    findings: &mut Vec<Finding>,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut each =
        |key, list: &Option<OneOrMany<String>>, of: fn(Arc<str>) -> McpOperation, check: Check| {
            let Some(list) = list else { return };
            for (index, text) in list.items().iter().enumerate() {
                match check(text) {
                    Ok(()) => operations.push(Operation::Mcp(of(Arc::from(text.as_str())))),
                    Err(finding) => findings.push(list.place(index, finding).under(key)),
                }
            }
        };
    each("tool", &spec.tool, McpOperation::Tool, check_name);
    each("prompt", &spec.prompt, McpOperation::Prompt, check_name);
    each("uri", &spec.uri, McpOperation::Uri, check_uri);
    check_uri_alone(spec, findings);
    check_definition(spec, findings);
    if operations.is_empty() && findings.is_empty() {
        let finding = Finding::error("no-operation", "the action stands for no message");
        let help =
            "write `tool: list_customers`, `prompt: summarise` or `uri: \"file:///reports/*\"`";
        findings.push(finding.help(help));
    }
    operations
}

type Check = fn(&str) -> Result<(), Finding>;

fn check_name(name: &str) -> Result<(), Finding> {
    let length = name.chars().count();
    if (1..=MAX_NAME).contains(&length) && !name.contains(char::is_control) {
        return Ok(());
    }
    let message =
        format!("a name has 1 to {MAX_NAME} characters, none of them a control character");
    Err(Finding::error("invalid-operation", message).help("write it as `tools/list` shows it"))
}

fn check_uri(pattern: &str) -> Result<(), Finding> {
    uri::check_pattern(pattern).map_err(|why| {
        let finding = Finding::error(
            "invalid-operation",
            format!("`{pattern}` matches no URI: {why}"),
        );
        finding.help("write for example `file:///reports/*`; `*` stays within a segment")
    })
}

/// Only reading a resource has a URI, which can say what is touched.
fn check_uri_alone(spec: &ActionSpec, findings: &mut Vec<Finding>) {
    if spec.uri.is_some() && (spec.tool.is_some() || spec.prompt.is_some()) {
        let finding = Finding::error(
            "misplaced-key",
            "an action that reads resources does nothing else",
        );
        findings.push(
            finding
                .help("write an action of its own for `uri`")
                .under("uri"),
        );
    }
}

fn check_definition(spec: &ActionSpec, findings: &mut Vec<Finding>) {
    let Some(definition) = &spec.definition else {
        return;
    };
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let hash = definition.strip_prefix("sha256:");
    let place = |finding: Finding| finding.under("definition");
    if !hash.is_some_and(|hash| hash.len() == 64 && hash.bytes().all(lower_hex)) {
        let finding = Finding::error("invalid-definition", "this is no hash of a definition");
        findings.push(place(finding.help(
            "write `sha256:` and 64 lower-case hexadecimal digits, as `import mcp` does",
        )));
    }
    if spec
        .tool
        .as_ref()
        .is_none_or(|tools| tools.items().len() != 1)
    {
        let finding = Finding::error("misplaced-key", "a definition is that of one tool");
        findings.push(place(finding.help("write one `tool`, or remove the key")));
    }
}
