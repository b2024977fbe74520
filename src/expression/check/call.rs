//! Operators and functions by name.

use cel::common::ast::{CallExpr, IdedExpr, operators};

use super::{Checker, Typed, build, functions};
use crate::expression::limits::TEXT_COST;
use crate::expression::place::Known;
use crate::expression::typing::article;
use crate::model::value::Type;

impl Checker<'_> {
    /// An operator or a function.
    pub(super) fn call(
        &mut self,
        expr: &IdedExpr,
        call: &CallExpr,
        known: &Known,
    ) -> Option<Typed> {
        let (name, args) = (call.func_name.as_str(), call.args.as_slice());
        match name {
            operators::LOGICAL_AND => self.and(args, known),
            operators::LOGICAL_OR => self.or(args, known),
            operators::LOGICAL_NOT => self.not(args, known),
            operators::CONDITIONAL => self.choice(expr, args, known),
            operators::EQUALS | operators::NOT_EQUALS => self.equality(expr, name, args, known),
            operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS => self.order(expr, name, args, known),
            operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO => self.arithmetic(expr, name, args, known),
            operators::NEGATE => self.negate(expr, args, known),
            operators::IN => self.contains(expr, args, known),
            _ => match &call.target {
                Some(target) => self.method(expr, name, target, args, known),
                None => self.function(expr, name, args, known),
            },
        }
    }

    fn function(
        &mut self,
        expr: &IdedExpr,
        name: &str,
        args: &[IdedExpr],
        known: &Known,
    ) -> Option<Typed> {
        match (name, args) {
            ("has", _) => self.has(expr, args, known),
            ("size", [value]) => self.size(expr, value, known),
            ("timestamp" | "duration", [value]) => self.time(expr, name, value),
            ("matches", [value, pattern]) => self.matches(value, pattern, known),
            (_, [value]) if functions::is_conversion(name) => {
                self.conversion(expr, name, value, known)
            }
            _ => self.unknown(expr, name, false),
        }
    }

    fn method(
        &mut self,
        expr: &IdedExpr,
        name: &str,
        target: &IdedExpr,
        args: &[IdedExpr],
        known: &Known,
    ) -> Option<Typed> {
        match (name, args) {
            ("all" | "exists" | "exists_one" | "filter" | "map", _) => {
                self.macro_call(expr, name, target, args, known)
            }
            ("size", []) => self.size(expr, target, known),
            ("matches", [pattern]) => self.matches(target, pattern, known),
            _ if functions::is_method(name) => self.plain_method(expr, name, target, args, known),
            _ => self.unknown(expr, name, true),
        }
    }

    fn plain_method(
        &mut self,
        expr: &IdedExpr,
        name: &str,
        target: &IdedExpr,
        args: &[IdedExpr],
        known: &Known,
    ) -> Option<Typed> {
        let receiver = self.node(target, known);
        let checked: Vec<Option<Typed>> = args.iter().map(|arg| self.node(arg, known)).collect();
        let receiver = receiver?;
        let checked: Vec<Typed> = checked.into_iter().collect::<Option<_>>()?;
        let types: Vec<&Type> = checked.iter().map(|arg| &arg.of).collect();
        let Some(result) = functions::method(name, &receiver.of, &types) else {
            let given: Vec<String> = types.iter().map(ToString::to_string).collect();
            let message = format!(
                "`{name}` cannot be called on {} with ({})",
                article(&receiver.of),
                given.join(", ")
            );
            return self.refuse(expr, message);
        };
        let cost = receiver.cost + checked.iter().map(|arg| arg.cost).sum::<u64>() + TEXT_COST;
        let args = checked.into_iter().map(|arg| arg.expr).collect();
        Some(Typed::scalar(
            build::method(name, receiver.expr, args),
            result,
            cost,
        ))
    }

    fn conversion(
        &mut self,
        expr: &IdedExpr,
        name: &str,
        value: &IdedExpr,
        known: &Known,
    ) -> Option<Typed> {
        let value = self.node(value, known)?;
        let Some(to) = functions::conversion(name, &value.of) else {
            let message = format!("`{name}` does not take {}", article(&value.of));
            return self.refuse(expr, message);
        };
        let cost = value.cost + TEXT_COST;
        let converted = build::call(name, vec![value.expr]);
        Some(Typed::scalar(converted, to, cost))
    }

    fn size(&mut self, expr: &IdedExpr, value: &IdedExpr, known: &Known) -> Option<Typed> {
        let value = self.node(value, known)?;
        match &value.of {
            Type::String | Type::List(_) | Type::Map(_) | Type::Dyn => {
                let cost = value.cost + TEXT_COST;
                Some(Typed::scalar(
                    build::call("size", vec![value.expr]),
                    Type::Int,
                    cost,
                ))
            }
            other => self.refuse(expr, format!("`size` does not take {}", article(other))),
        }
    }
}
