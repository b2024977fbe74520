//! Operations as they are written, `POST /v1/{environment}/deployments` or `shop.Cart/Add`, read and checked.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::route::{McpOperation, Operation};

/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 2048;

/// Methods are upper-case letters and `-`: anything else is a typing mistake.
fn is_method(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 32
        && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
}

/// Reads `METHOD /path`; the error says what to write.
pub(super) fn parse_http(text: &str) -> Result<Operation, String> {
    let Some((method, pattern)) = text.split_once(' ') else {
        return Err(format!(
            "`{text}` is no operation: write a method and a path, for example `GET /v1/customers/{{id}}`"
        ));
    };
    let method = match method {
        "*" => None,
        name if is_method(name) => Some(name.to_owned()),
        other => {
            return Err(format!(
                "`{other}` is no method: write it in upper case, or `*` for any"
            ));
        }
    };
    check_pattern(pattern)?;
    Ok(Operation::Http {
        method,
        pattern: pattern.to_owned(),
    })
}

/// Reads `package.Service/Method` or `package.Service/*`.
pub(super) fn parse_grpc(text: &str) -> Result<Operation, String> {
    let wrong = || {
        format!("`{text}` is no gRPC method: write `package.Service/Method` or `package.Service/*`")
    };
    let (service, method) = text.split_once('/').ok_or_else(wrong)?;
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if !service.split('.').all(word) || (method != "*" && !word(method)) {
        return Err(wrong());
    }
    let method = if method == "*" {
        None
    } else {
        Some(method.to_owned())
    };
    Ok(Operation::Grpc {
        service: service.to_owned(),
        method,
    })
}

/// Checks a route's prefix: `/`, or literal segments without a slash at the end.
pub(super) fn check_prefix(prefix: &str) -> Result<(), String> {
    let literal = |segment: &str| !segment.is_empty() && !segment.contains('{');
    let whole = prefix == "/"
        || prefix
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(literal));
    if !whole {
        return Err(format!("`{prefix}` is no path prefix"));
    }
    check_pattern(prefix)
}

/// Patterns are compared with decoded paths, so they are written decoded, and have no segment that a canonical
/// path cannot have.
fn check_pattern(pattern: &str) -> Result<(), String> {
    let Some(rest) = pattern.strip_prefix('/') else {
        return Err(format!("`{pattern}` is no path: it starts with `/`"));
    };
    if pattern.len() > MAX_PATTERN {
        return Err(format!("the path is longer than {MAX_PATTERN} bytes"));
    }
    let segments: Vec<&str> = rest.split('/').collect();
    let mut names = BTreeSet::new();
    for (index, segment) in segments.iter().enumerate() {
        let last = index + 1 == segments.len();
        if segment.is_empty() && !last {
            return Err(format!(
                "`{pattern}` has an empty segment; no request with one is ever let through"
            ));
        }
        if let Some(name) = check_segment(segment, last)?
            && !names.insert(name)
        {
            return Err(format!("`{pattern}` names the parameter `{name}` twice"));
        }
    }
    Ok(())
}

/// A literal, `{name}`, or `{*name}` at the end; returns the parameter's name.
fn check_segment(segment: &str, last: bool) -> Result<Option<&str>, String> {
    if let Some(name) = segment
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        let plain = match name.strip_prefix('*') {
            Some(plain) if last => plain,
            Some(_) => {
                return Err(format!(
                    "`{segment}` takes the rest of the path: it can only stand at the end"
                ));
            }
            None => name,
        };
        let word = plain
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let starts = plain
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic());
        if word && starts {
            return Ok(Some(plain));
        }
        return Err(format!(
            "`{segment}` is no parameter: write `{{name}}` with letters, digits and `_`"
        ));
    }
    let forbidden = |c: char| "{}%?#;\\*".contains(c) || c.is_control();
    if segment.contains(forbidden) || segment == "." || segment == ".." {
        return Err(format!(
            "`{segment}` is no path segment: it is literal text (not percent-encoded), `{{name}}` or, last, `{{*name}}`"
        ));
    }
    Ok(None)
}

/// The path pattern of an operation, in the form that requests have.
pub(super) fn pattern_of(operation: &Operation) -> String {
    match operation {
        Operation::Http { pattern, .. } => pattern.clone(),
        Operation::Grpc {
            service,
            method: Some(method),
        } => format!("/{service}/{method}"),
        Operation::Grpc {
            service,
            method: None,
        } => format!("/{service}/{{grpc_method}}"),
        Operation::Mcp(_) => String::from("/"),
    }
}

/// The method of an operation; none is any.
pub(super) fn method_of(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::Http { method, .. } => method.as_deref(),
        Operation::Grpc { .. } | Operation::Mcp(_) => Some("POST"),
    }
}

/// Names of an operation's path parameters.
pub(super) fn parameters_of(operation: &Operation) -> BTreeSet<Arc<str>> {
    let pattern = match operation {
        Operation::Http { pattern, .. } => pattern,
        Operation::Mcp(McpOperation::Uri(_)) => return BTreeSet::from([Arc::from("uri")]),
        Operation::Grpc { .. } | Operation::Mcp(_) => return BTreeSet::new(),
    };
    let names = pattern
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| Arc::from(name.trim_start_matches('*')))
        .collect()
}
