//! Expressions as they are written: chains of names, literal texts, and how a path is shown.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

/// The names of a chain of members, root first, if all of them are written out.
pub(super) fn static_path(expr: &IdedExpr) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = expr;
    loop {
        rest = match &rest.expr {
            Expr::Ident(root) => {
                names.push(root.clone());
                names.reverse();
                return Some(names);
            }
            Expr::Select(select) => {
                names.push(select.field.clone());
                &select.operand
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let (operand, key) = pair(&call.args)?;
                names.push(text(key)?.to_owned());
                operand
            }
            _ => return None,
        };
    }
}

/// The literal text that `expr` is.
pub(super) fn text(expr: &IdedExpr) -> Option<&str> {
    match &expr.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

pub(super) fn pair(args: &[IdedExpr]) -> Option<(&IdedExpr, &IdedExpr)> {
    match args {
        [first, second] => Some((first, second)),
        _ => None,
    }
}

/// A path as it is written.
pub(super) fn show(path: &[String]) -> String {
    let parts = path.iter().enumerate().map(|(depth, name)| match depth {
        _ if !is_word(name) => format!("[{name:?}]"),
        0 => name.clone(),
        _ => format!(".{name}"),
    });
    parts.collect()
}

fn is_word(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The test that proves `path` present, as it is written.
pub(super) fn test_of(path: &[String]) -> String {
    match path.split_last() {
        Some((name, rest)) if !is_word(name) => format!("{name:?} in {}", show(rest)),
        _ => format!("has({})", show(path)),
    }
}
