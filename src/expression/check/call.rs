//! Operators and functions by name: what there is, what it takes, what it gives.

use cel::common::ast::{CallExpr, IdedExpr, operators};

use super::path::text;
use super::{Checker, Typed, build};
use crate::expression::error::ExpressionError;
use crate::expression::library;
use crate::expression::limits::TEXT_COST;
use crate::expression::place::Known;
use crate::expression::typing::{Relation, article, relate};
use crate::model::suggest::suggest;
use crate::model::value::Type;

/// The functions that are called on a value: what they are called on, and their argument.
const METHODS: &[(&str, Type, Option<Type>, Type)] = &[
    ("startsWith", Type::String, Some(Type::String), Type::Bool),
    ("endsWith", Type::String, Some(Type::String), Type::Bool),
    ("contains", Type::String, Some(Type::String), Type::Bool),
    ("getFullYear", Type::Timestamp, None, Type::Int),
    ("getMonth", Type::Timestamp, None, Type::Int),
    ("getDate", Type::Timestamp, None, Type::Int),
    ("getDayOfMonth", Type::Timestamp, None, Type::Int),
    ("getDayOfWeek", Type::Timestamp, None, Type::Int),
    ("getDayOfYear", Type::Timestamp, None, Type::Int),
    ("getHours", Type::Timestamp, None, Type::Int),
    ("getMinutes", Type::Timestamp, None, Type::Int),
    ("getSeconds", Type::Timestamp, None, Type::Int),
    ("getMilliseconds", Type::Timestamp, None, Type::Int),
    ("getHours", Type::Duration, None, Type::Int),
    ("getMinutes", Type::Duration, None, Type::Int),
    ("getSeconds", Type::Duration, None, Type::Int),
    ("getMilliseconds", Type::Duration, None, Type::Int),
];

/// The functions that convert a value.
const CONVERSIONS: &[(&str, Type, Type)] = &[
    ("int", Type::Int, Type::Int),
    ("int", Type::Double, Type::Int),
    ("int", Type::String, Type::Int),
    ("int", Type::Timestamp, Type::Int),
    ("double", Type::Double, Type::Double),
    ("double", Type::Int, Type::Double),
    ("double", Type::String, Type::Double),
    ("string", Type::String, Type::String),
    ("string", Type::Bool, Type::String),
    ("string", Type::Int, Type::String),
    ("string", Type::Double, Type::String),
    ("string", Type::Timestamp, Type::String),
];

/// Functions that are checked one by one.
const OTHERS: &[&str] = &[
    "all",
    "exists",
    "exists_one",
    "filter",
    "map",
    "has",
    "size",
    "matches",
    "timestamp",
    "duration",
];

/// Every function that there is.
fn names() -> Vec<&'static str> {
    let methods = METHODS.iter().map(|(name, ..)| *name);
    let conversions = CONVERSIONS.iter().map(|(name, ..)| *name);
    let mut names: Vec<_> = OTHERS
        .iter()
        .copied()
        .chain(methods)
        .chain(conversions)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

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
            (_, [value])
                if CONVERSIONS
                    .iter()
                    .any(|(conversion, ..)| *conversion == name) =>
            {
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
            _ if METHODS.iter().any(|(method, ..)| *method == name) => {
                self.plain_method(expr, name, target, args, known)
            }
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
        let fits = |value: &Type, of: &Type| relate(value, of) != Relation::Different;
        let overload = METHODS.iter().find(|(method, of, arg, _)| {
            let arg_fits = match (arg, checked.as_slice()) {
                (None, []) => true,
                (Some(arg), [given]) => fits(&given.of, arg),
                _ => false,
            };
            *method == name && fits(&receiver.of, of) && arg_fits
        });
        let Some((_, _, _, result)) = overload else {
            let given: Vec<String> = checked.iter().map(|arg| arg.of.to_string()).collect();
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
            result.clone(),
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
        let overload = CONVERSIONS.iter().find(|(conversion, of, _)| {
            *conversion == name && relate(&value.of, of) != Relation::Different
        });
        match overload {
            Some((_, _, to)) => {
                let cost = value.cost + TEXT_COST;
                Some(Typed::scalar(
                    build::call(name, vec![value.expr]),
                    to.clone(),
                    cost,
                ))
            }
            None => self.refuse(
                expr,
                format!("`{name}` does not take {}", article(&value.of)),
            ),
        }
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

    /// `timestamp("…")` and `duration("…")`: read once, here.
    fn time(&mut self, expr: &IdedExpr, name: &str, value: &IdedExpr) -> Option<Typed> {
        let Some(written) = text(value) else {
            let message = format!("`{name}` takes a literal text");
            return self.refuse(expr, message);
        };
        let (of, sample) = match name {
            "timestamp" => (Type::Timestamp, "2026-01-31T08:00:00Z"),
            _ => (Type::Duration, "1h30m"),
        };
        match library::constant_time(name, written) {
            Some(value) => {
                let name = self.draft.constant(value);
                Some(Typed::scalar(build::variable(name), of, 0))
            }
            None => {
                let error = ExpressionError::new(
                    self.parsed.start(value),
                    format!("{written:?} is not a {of}"),
                );
                self.report(error.help(format!("write it like `{name}(\"{sample}\")`")))
            }
        }
    }

    /// `matches`: its pattern is compiled once, here.
    fn matches(&mut self, value: &IdedExpr, pattern: &IdedExpr, known: &Known) -> Option<Typed> {
        let value_checked = self.node(value, known);
        let Some(written) = text(pattern) else {
            return self.refuse(pattern, "`matches` takes a literal pattern");
        };
        let pattern = match library::Pattern::compile(written) {
            Ok(pattern) => self.draft.constant(Box::new(pattern)),
            Err(error) => {
                let message = format!("this pattern cannot be used: {error}");
                return self.refuse(pattern, message);
            }
        };
        let subject = value_checked?;
        if relate(&subject.of, &Type::String) == Relation::Different {
            return self.refuse(
                value,
                format!("`matches` does not take {}", article(&subject.of)),
            );
        }
        let args = vec![subject.expr, build::variable(pattern)];
        Some(Typed::scalar(
            build::call(library::MATCHES, args),
            Type::Bool,
            subject.cost + TEXT_COST,
        ))
    }

    /// No function of this name can be called this way.
    fn unknown(&mut self, expr: &IdedExpr, name: &str, as_method: bool) -> Option<Typed> {
        let all = names();
        let at = if as_method {
            self.parsed.at(expr)
        } else {
            self.parsed.start(expr)
        };
        if all.contains(&name) {
            let message = format!("`{name}` is not called this way");
            return self.report(ExpressionError::new(at, message).help(usage(name)));
        }
        let meant = suggest(name, all.iter().copied());
        let hint = meant
            .map(|meant| format!(", did you mean `{meant}`?"))
            .unwrap_or_default();
        let error = ExpressionError::new(at, format!("there is no function `{name}`{hint}"));
        self.report(error.help(format!("there is: {}", all.join(", "))))
    }
}

fn usage(name: &str) -> String {
    match name {
        "all" | "exists" | "exists_one" | "filter" | "map" => format!("write `list.{name}(x, …)`"),
        "has" => "write `has(a.b)`".to_owned(),
        "size" | "timestamp" | "duration" => format!("write `{name}(x)`"),
        "matches" => "write `text.matches(\"pattern\")`".to_owned(),
        _ if CONVERSIONS
            .iter()
            .any(|(conversion, ..)| *conversion == name) =>
        {
            format!("write `{name}(x)`")
        }
        _ => format!("write `value.{name}(…)`"),
    }
}
