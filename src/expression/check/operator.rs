//! Comparisons and arithmetic.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::written::pair;
use super::{Checker, Typed, build};
use crate::expression::error::ExpressionError;
use crate::expression::library;
use crate::expression::limits::TEXT_COST;
use crate::expression::place::Known;
use crate::expression::typing::{Relation, article, ordered, relate, size_of};
use crate::model::value::Type;

/// The error of comparing values that are never of one type.
pub(super) fn mismatch(operator: &str, at: usize, left: &Typed, right: &Typed) -> ExpressionError {
    let (a, b) = (article(&left.of), article(&right.of));
    let error = ExpressionError::new(at, format!("`{operator}` compares {a} with {b}"));
    match (&left.of, &right.of) {
        (Type::Int, Type::Double) => error.help(as_double(left)),
        (Type::Double, Type::Int) => error.help(as_double(right)),
        (Type::String, Type::Int) | (Type::Int, Type::String) => {
            error.help("declare it as an `int`, or convert it with `int(…)`")
        }
        (Type::Timestamp, Type::String) | (Type::String, Type::Timestamp) => {
            error.help("write a moment as `timestamp(\"2026-01-31T00:00:00Z\")`")
        }
        _ => error,
    }
}

fn as_double(int: &Typed) -> String {
    match &int.expr.expr {
        Expr::Literal(LiteralValue::Int(value)) => format!("write `{}.0`", value.inner()),
        _ => "convert it with `double(…)`".to_owned(),
    }
}

/// The operator as it is written.
fn written(function: &str) -> &str {
    function.trim_matches('_')
}

/// The function that orders two values of which one may have any type.
fn checked_order(function: &str) -> &'static str {
    match function {
        operators::LESS => library::LESS,
        operators::LESS_EQUALS => library::LESS_EQUALS,
        operators::GREATER => library::GREATER,
        _ => library::GREATER_EQUALS,
    }
}

/// The type of `left function right`, or `None` if there is none.
fn arithmetic(function: &str, left: &Type, right: &Type) -> Option<Type> {
    use Type::{Double, Duration, Dyn, Int, List, String, Timestamp};
    match (function, left, right) {
        (_, Dyn, Dyn | Int | Double | String | Timestamp | Duration)
        | (_, Int | Double | String | Timestamp | Duration, Dyn) => Some(Dyn),
        (_, Int, Int) => Some(Int),
        (operators::MODULO, _, _) => None,
        (_, Double, Double) => Some(Double),
        (operators::ADD, String, String) => Some(String),
        (operators::ADD, List(a), List(b)) => match relate(a, b) {
            Relation::Same => Some(left.clone()),
            Relation::Unknown => Some(List(Box::new(Dyn))),
            Relation::Different => None,
        },
        (operators::ADD | operators::SUBSTRACT, Timestamp, Duration)
        | (operators::ADD, Duration, Timestamp) => Some(Timestamp),
        (operators::SUBSTRACT, Timestamp, Timestamp)
        | (operators::ADD | operators::SUBSTRACT, Duration, Duration) => Some(Duration),
        _ => None,
    }
}

impl Checker<'_> {
    fn operands(&mut self, args: &[IdedExpr], known: &Known) -> Option<(Typed, Typed)> {
        let (left, right) = pair(args)?;
        let (left, right) = (self.node(left, known), self.node(right, known));
        Some((left?, right?))
    }

    /// `==` and `!=`.
    pub(super) fn equality(
        &mut self,
        expr: &IdedExpr,
        function: &str,
        args: &[IdedExpr],
        known: &Known,
    ) -> Option<Typed> {
        let (left, right) = self.operands(args, known)?;
        let cost = left.cost + right.cost + left.size.min(right.size);
        let test = match relate(&left.of, &right.of) {
            Relation::Different => {
                let error = mismatch(written(function), self.parsed.at(expr), &left, &right);
                return self.report(error);
            }
            Relation::Same => build::call(function, vec![left.expr, right.expr]),
            Relation::Unknown => {
                let equal = build::call(library::EQUALS, vec![left.expr, right.expr]);
                if function == operators::EQUALS {
                    equal
                } else {
                    build::not(equal)
                }
            }
        };
        Some(Typed::scalar(test, Type::Bool, cost))
    }

    /// `<`, `<=`, `>` and `>=`.
    pub(super) fn order(
        &mut self,
        expr: &IdedExpr,
        function: &str,
        args: &[IdedExpr],
        known: &Known,
    ) -> Option<Typed> {
        let (left, right) = self.operands(args, known)?;
        let (operator, at) = (written(function), self.parsed.at(expr));
        let name = match relate(&left.of, &right.of) {
            Relation::Different => return self.report(mismatch(operator, at, &left, &right)),
            _ if !ordered(&left.of) || !ordered(&right.of) => {
                let message = format!("`{operator}` does not order {}", article(&left.of));
                return self.report(ExpressionError::new(at, message));
            }
            Relation::Same => function,
            Relation::Unknown => checked_order(function),
        };
        let cost = left.cost + right.cost;
        Some(Typed::scalar(
            build::call(name, vec![left.expr, right.expr]),
            Type::Bool,
            cost,
        ))
    }

    pub(super) fn arithmetic(
        &mut self,
        expr: &IdedExpr,
        function: &str,
        args: &[IdedExpr],
        known: &Known,
    ) -> Option<Typed> {
        let (left, right) = self.operands(args, known)?;
        let Some(of) = arithmetic(function, &left.of, &right.of) else {
            let (a, b) = (article(&left.of), article(&right.of));
            let message = format!("`{}` does not take {a} and {b}", written(function));
            let mut error = ExpressionError::new(self.parsed.at(expr), message);
            error.help = mismatch(function, 0, &left, &right).help;
            return self.report(error);
        };
        let size = left.size + right.size;
        let copied = match of {
            Type::Int | Type::Double | Type::Timestamp | Type::Duration => 0,
            _ => TEXT_COST.max(size),
        };
        let cost = left.cost + right.cost + copied;
        let size = if size_of(&of) == 1 { 1 } else { size };
        Some(Typed {
            size,
            ..Typed::scalar(build::call(function, vec![left.expr, right.expr]), of, cost)
        })
    }

    /// `-a`.
    pub(super) fn negate(
        &mut self,
        expr: &IdedExpr,
        args: &[IdedExpr],
        known: &Known,
    ) -> Option<Typed> {
        let value = self.node(args.first()?, known)?;
        match &value.of {
            Type::Int | Type::Double | Type::Dyn => {
                let negated = build::call(operators::NEGATE, vec![value.expr]);
                Some(Typed::scalar(negated, value.of, value.cost))
            }
            other => self.refuse(expr, format!("`-` does not take {}", article(other))),
        }
    }
}
