//! From what the user wrote to declared arguments. Every mistake is reported.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::spec::ParameterSpec;
use crate::model::finding::Finding;
use crate::model::route::Argument;
use crate::model::value::{Type, TypeError};

/// Reads the declarations; every mistake is reported, under `args`.
pub(in crate::action) fn compile_arguments(
    declared: &BTreeMap<String, ParameterSpec>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<Arc<str>, Argument> {
    let mut arguments = BTreeMap::new();
    for (name, ParameterSpec { of, optional, at }) in declared {
        match argument_type(of) {
            Ok(of) => {
                let argument = Argument {
                    of,
                    optional: *optional,
                    at: at.as_deref().map(Arc::from),
                };
                arguments.insert(Arc::from(name.as_str()), argument);
            }
            Err(finding) => findings.push(finding.under(name.as_str()).under("args")),
        }
    }
    arguments
}

/// `any` is JSON of any shape; an argument has no other type than those that JSON can carry.
fn argument_type(text: &str) -> Result<Type, Finding> {
    match text {
        "any" => Ok(Type::Dyn),
        _ => text.parse().map_err(|error: TypeError| {
            Finding::error("invalid-type", error.to_string()).help("`any` is JSON of any shape")
        }),
    }
}

/// Whether arguments that are not declared may be there.
pub(in crate::action) fn compile_extra(extra: Option<&str>, findings: &mut Vec<Finding>) -> bool {
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
