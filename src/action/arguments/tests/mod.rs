//! What passes as which argument, and what is refused.

mod loading;
mod places;
mod properties;
mod types;

use serde_json::{Value as Json, json};

use super::{Arguments, Declarations, compile_arguments};
use crate::action::spec::ActionSpec;
use crate::json::{Limits, read};
use crate::model::finding::Finding;
use crate::model::route::Operation;
use crate::model::verdict::Denial;

/// Compiles `args` and `extra` of an action that is `POST /`.
fn declare(action: &Json) -> Result<Declarations, Vec<Finding>> {
    let post = Operation::Http {
        method: Some("POST".into()),
        pattern: "/".into(),
    };
    declare_for(action, &[post])
}

fn declare_for(action: &Json, operations: &[Operation]) -> Result<Declarations, Vec<Finding>> {
    let spec: ActionSpec = serde_json::from_value(action.clone()).unwrap();
    let mut findings = Vec::new();
    let extra = spec.extra.as_deref();
    let declared = compile_arguments(&spec.args, extra, operations, &mut findings);
    if findings.is_empty() {
        Ok(declared)
    } else {
        Err(findings)
    }
}

/// Types the arguments of a body.
fn arguments(action: &Json, body: &str) -> Result<Arguments, Denial> {
    let document = read(body.as_bytes(), &Limits::default()).unwrap();
    declare(action).unwrap().places.typed(Some(&document))
}

/// The outcome in one line: the arguments, or why there are none.
fn outcome(action: &Json, body: &str) -> String {
    match arguments(action, body) {
        Ok(Arguments { args, .. }) => {
            let shown = args.iter().map(|(name, value)| format!("{name}={value:?}"));
            shown.collect::<Vec<_>>().join(" ")
        }
        Err(denial) => {
            let cause = denial.cause.unwrap_or_default();
            format!("{}: {cause}", denial.reason.as_str())
        }
    }
}

/// One required argument `x` of this type.
fn x(of: &str) -> Json {
    json!({ "args": { "x": of } })
}
