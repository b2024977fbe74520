//! Names of headers and parameters that a guard may set or remove.

use std::sync::Arc;

use super::spec::QueryConstrainSpec;
use crate::model::finding::Finding;
use crate::model::list::OneOrMany;

/// Headers that Envoy or HTTP itself owns: setting or removing them breaks the request or does nothing.
const RESERVED: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

pub(super) fn header_names(list: &OneOrMany<String>, findings: &mut Vec<Finding>) -> Vec<Arc<str>> {
    for (index, name) in list.items().iter().enumerate() {
        if let Some(finding) = bad_header(name) {
            findings.push(list.place(index, finding).under("strip"));
        }
    }
    list.items()
        .iter()
        .map(|name| Arc::from(name.as_str()))
        .collect()
}

/// Envoy finds parameters by their raw name, so only a name with one raw form can be set or removed for certain (RFC
/// 3986, section 2.3).
pub(super) fn bad_parameters(spec: &QueryConstrainSpec) -> Vec<Finding> {
    let QueryConstrainSpec { remove, set, cap } = spec;
    let bad = |name: &str| {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let fit = (1..=128).contains(&name.len()) && name.bytes().all(unreserved);
        (!fit).then(|| {
            let message = format!("`{name}` cannot be found in a query for certain");
            Finding::error("invalid-parameter", message)
                .help("a parameter's name has letters, digits, `-`, `.`, `_` and `~`")
        })
    };
    let keyed = |key: &'static str, name: &String| Some(bad(name)?.under(name.as_str()).under(key));
    let removed = remove.items().iter().enumerate();
    removed
        .filter_map(|(index, name)| Some(remove.place(index, bad(name)?).under("remove")))
        .chain(set.keys().filter_map(|name| keyed("set", name)))
        .chain(cap.keys().filter_map(|name| keyed("cap", name)))
        .collect()
}

pub(super) fn bad_header(name: &str) -> Option<Finding> {
    let token =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > 128 || !name.bytes().all(token) {
        return Some(
            Finding::error("invalid-header", format!("`{name}` is no header name"))
                .help("write it in lower case"),
        );
    }
    let reserved = RESERVED.contains(&name) || name.starts_with("x-envoy-");
    reserved.then(|| Finding::error("reserved-header", format!("`{name}` belongs to Envoy")))
}
