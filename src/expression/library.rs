//! The functions that expressions are evaluated with: the standard library, and the strict ones that a checked
//! expression calls instead of standard operators when the type of an operand is known only at run time.

use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};
use cel::common::types::{DYN_TYPE, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{Context, Env, Value};

use super::pattern::{PATTERN, matches};
use super::strict::{contains, equals, order, truth};

pub(super) const EQUALS: &str = "@eq";
pub(super) const LESS: &str = "@lt";
pub(super) const LESS_EQUALS: &str = "@le";
pub(super) const GREATER: &str = "@gt";
pub(super) const GREATER_EQUALS: &str = "@ge";
pub(super) const IN: &str = "@contains";
pub(super) const BOOL: &str = "@bool";
pub(super) const MATCHES: &str = "@matches";

/// Made once: it holds some two hundred overloads. Should one of ours not be accepted, expressions that use it would
/// fail, never pass.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    let two = || vec![DYN_TYPE, DYN_TYPE];
    let declared = [
        env.add_overload(EQUALS, EQUALS, two(), equals),
        env.add_overload(LESS, LESS, two(), |args| {
            order(LESS, &args, Ordering::is_lt)
        }),
        env.add_overload(LESS_EQUALS, LESS_EQUALS, two(), |args| {
            order(LESS_EQUALS, &args, Ordering::is_le)
        }),
        env.add_overload(GREATER, GREATER, two(), |args| {
            order(GREATER, &args, Ordering::is_gt)
        }),
        env.add_overload(GREATER_EQUALS, GREATER_EQUALS, two(), |args| {
            order(GREATER_EQUALS, &args, Ordering::is_ge)
        }),
        env.add_overload(IN, IN, two(), contains),
        env.add_overload(BOOL, BOOL, vec![DYN_TYPE], truth),
        env.add_overload(MATCHES, MATCHES, vec![STRING_TYPE, PATTERN], matches),
    ];
    debug_assert!(declared.iter().all(Result::is_ok));
    Arc::new(env)
});

/// The shared environment.
pub(super) fn env() -> Arc<Env> {
    Arc::clone(&ENV)
}

/// The operator behind one of our functions, as it is written, and what it takes.
pub(super) fn written(function: &str) -> Option<(&'static str, &'static str)> {
    let one_type = "values of one type";
    Some(match function {
        EQUALS => ("==", one_type),
        LESS => ("<", one_type),
        LESS_EQUALS => ("<=", one_type),
        GREATER => (">", one_type),
        GREATER_EQUALS => (">=", one_type),
        IN => ("in", "a list of values of that type, or a map"),
        BOOL => ("&&", "true or false"),
        MATCHES => ("matches", "a `string`"),
        _ => return None,
    })
}

/// The value of `timestamp("…")` or `duration("…")`.
pub(super) fn constant_time(function: &str, text: &str) -> Option<Box<dyn Val>> {
    let text = LiteralValue::String(text.to_owned().into());
    let call = IdedExpr {
        id: 0,
        expr: Expr::Call(CallExpr {
            func_name: function.to_owned(),
            target: None,
            args: vec![IdedExpr {
                id: 0,
                expr: Expr::Literal(text),
            }],
        }),
    };
    let context = Context::with_env(env());
    Value::resolve_val(&call, &context)
        .ok()
        .map(CowVal::into_owned)
}
