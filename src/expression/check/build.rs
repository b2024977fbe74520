//! The nodes that the interpreter evaluates.

use cel::common::ast::{CallExpr, Expr, IdedExpr, ListExpr, LiteralValue, SelectExpr, operators};

pub(super) fn node(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

pub(super) fn variable(name: impl Into<String>) -> IdedExpr {
    node(Expr::Ident(name.into()))
}

pub(super) fn truth(value: bool) -> IdedExpr {
    node(Expr::Literal(LiteralValue::Boolean(value.into())))
}

pub(super) fn number(value: i64) -> IdedExpr {
    node(Expr::Literal(LiteralValue::Int(value.into())))
}

pub(super) fn list(items: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::List(ListExpr::new(items)))
}

pub(super) fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::Call(CallExpr {
        func_name: name.to_owned(),
        target: None,
        args,
    }))
}

pub(super) fn method(name: &str, target: IdedExpr, args: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::Call(CallExpr {
        func_name: name.to_owned(),
        target: Some(Box::new(target)),
        args,
    }))
}

pub(super) fn conditional(condition: IdedExpr, then: IdedExpr, otherwise: IdedExpr) -> IdedExpr {
    call(operators::CONDITIONAL, vec![condition, then, otherwise])
}

/// `!value`. A conditional, because the interpreter's own `!` prepares its error message before it knows of an error.
pub(super) fn not(value: IdedExpr) -> IdedExpr {
    conditional(value, truth(false), truth(true))
}

/// The member `name` of `operand`.
pub(super) fn member(operand: IdedExpr, name: &str) -> IdedExpr {
    let name = LiteralValue::String(name.to_owned().into());
    call(operators::INDEX, vec![operand, node(Expr::Literal(name))])
}

/// Whether `operand` has the member `name`.
pub(super) fn has_member(operand: IdedExpr, name: &str) -> IdedExpr {
    node(Expr::Select(SelectExpr {
        operand: Box::new(operand),
        field: name.to_owned(),
        test: true,
    }))
}
