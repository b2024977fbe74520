//! From what the user wrote to declared arguments. Every mistake is reported.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Places;
use super::pointer::{steps, written};
use crate::action::spec::ParameterSpec;
use crate::model::finding::Finding;
use crate::model::name::is_identifier;
use crate::model::route::{Argument, McpOperation, Operation};
use crate::model::value::{Type, TypeError};

/// Methods whose requests have no body, or one without a meaning (RFC 9110, section 9.3).
const WITHOUT_BODY: [&str; 4] = ["GET", "HEAD", "CONNECT", "TRACE"];

/// `args` and `extra` of one action, checked.
pub(in crate::action) struct Declarations {
    pub(in crate::action) args: BTreeMap<Arc<str>, Argument>,
    pub(in crate::action) extra: bool,
    pub(in crate::action) places: Places,
}

/// Reads the declarations of an action that stands for these operations.
pub(in crate::action) fn compile_arguments(
    declared: &BTreeMap<String, ParameterSpec>,
    extra: Option<&str>,
    operations: &[Operation],
    findings: &mut Vec<Finding>,
) -> Declarations {
    let extra_allowed = compile_extra(extra, findings);
    let mut args = BTreeMap::new();
    let mut places = Places::new(extra_allowed);
    for (name, spec) in declared {
        match compile_argument(name, spec, operations, &mut places) {
            Ok((name, argument)) => {
                args.insert(name, argument);
            }
            Err(finding) => findings.push(finding.under(name.as_str()).under("args")),
        }
    }
    if !declared.is_empty() {
        findings.extend(operations.iter().find_map(without_arguments));
    } else if extra.is_some() && operations.iter().any(|it| !matches!(it, Operation::Mcp(_))) {
        let finding = Finding::error(
            "misplaced-key",
            "without `args` nobody looks at the body, and everything passes in it",
        );
        findings.push(
            finding
                .help("declare `args`, or remove `extra`")
                .under("extra"),
        );
    }
    Declarations {
        args,
        extra: extra_allowed,
        places,
    }
}

fn compile_argument(
    name: &str,
    spec: &ParameterSpec,
    operations: &[Operation],
    places: &mut Places,
) -> Result<(Arc<str>, Argument), Finding> {
    let ParameterSpec { of, optional, at } = spec;
    if !is_identifier(name) {
        let finding = Finding::error("invalid-name", format!("`args.{name}` is no attribute"));
        let at = at.clone().unwrap_or_else(|| written([name]));
        let help = format!("choose a name of letters, digits and `_`, and add `at: \"{at}\"`");
        return Err(finding.help(help));
    }
    let argument = Argument {
        of: argument_type(of, operations)?,
        optional: *optional,
        at: at.as_deref().map(Arc::from),
    };
    let name: Arc<str> = Arc::from(name);
    let way = match at {
        Some(at) => steps(at).ok_or_else(|| no_pointer(at))?,
        None => vec![Arc::clone(&name)],
    };
    places.add(&name, &argument, &way).map_err(|other| {
        let message = format!("`{other}` stands there too, or inside it, or around it");
        let finding = Finding::error("argument-conflict", message);
        finding.help("an argument has its place for itself: move one with `at`, or remove it")
    })?;
    Ok((name, argument))
}

fn no_pointer(at: &str) -> Finding {
    let message = format!("`{at}` is no JSON Pointer");
    Finding::error("invalid-pointer", message)
        .help(
            "write for example `/payment/amount`; in a name, `~1` stands for `/` and `~0` for `~`",
        )
        .under("at")
}

/// `any` is JSON of any shape; an argument has no other type than those that JSON can carry.
fn argument_type(text: &str, operations: &[Operation]) -> Result<Type, Finding> {
    if text == "any" {
        return Ok(Type::Dyn);
    }
    let of: Type = text.parse().map_err(|error: TypeError| {
        Finding::error("invalid-type", error.to_string()).help("`any` is JSON of any shape")
    })?;
    let of_prompt = |it: &Operation| matches!(it, Operation::Mcp(McpOperation::Prompt(_)));
    if operations.iter().any(of_prompt) && !matches!(of, Type::String | Type::Timestamp) {
        let message = "arguments of prompts are texts";
        return Err(Finding::error("invalid-type", message).help("write `string`"));
    }
    Ok(of)
}

/// Why requests of this operation bring no arguments, if they do not.
fn without_arguments(operation: &Operation) -> Option<Finding> {
    let (why, help) = match operation {
        Operation::Grpc { .. } => ("a gRPC message is no JSON", "remove `args`"),
        Operation::Http { method, .. } => {
            let method = method.as_deref().unwrap_or_default();
            if !WITHOUT_BODY.contains(&method) {
                return None;
            }
            let why = "the body of such a request has no meaning (RFC 9110, section 9.3)";
            (why, "declare `query` instead, or take another method")
        }
        Operation::Mcp(McpOperation::Uri(_)) => {
            ("a resource is read without arguments", "remove `args`")
        }
        Operation::Mcp(_) => return None,
    };
    let message = format!("`{operation}` has no arguments: {why}");
    Some(
        Finding::error("misplaced-key", message)
            .help(help)
            .under("args"),
    )
}

/// Whether arguments that are not declared may be there.
fn compile_extra(extra: Option<&str>, findings: &mut Vec<Finding>) -> bool {
    match extra {
        None | Some("deny") => false,
        Some("allow") => true,
        Some(other) => {
            let finding = Finding::error("unknown-name", format!("`{other}` says neither"));
            findings.push(
                finding
                    .help("write `extra: allow`, or leave it out")
                    .under("extra"),
            );
            false
        }
    }
}
