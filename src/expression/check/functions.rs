//! The functions that there are: what each takes and gives.

use cel::common::ast::IdedExpr;

use super::{Checker, Typed};
use crate::expression::error::ExpressionError;
use crate::expression::typing::{Relation, relate};
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

fn fits(value: &Type, of: &Type) -> bool {
    relate(value, of) != Relation::Different
}

/// Whether `name` is a function that is called on a value, and is neither a macro nor checked on its own.
pub(super) fn is_method(name: &str) -> bool {
    METHODS.iter().any(|(method, ..)| *method == name)
}

/// What `receiver.name(args)` gives, if it takes them.
pub(super) fn method(name: &str, receiver: &Type, args: &[&Type]) -> Option<Type> {
    let takes = |arg: Option<&Type>| match (arg, args) {
        (None, []) => true,
        (Some(arg), [given]) => fits(given, arg),
        _ => false,
    };
    METHODS
        .iter()
        .find(|(method, of, arg, _)| *method == name && fits(receiver, of) && takes(arg.as_ref()))
        .map(|(_, _, _, result)| result.clone())
}

/// Whether `name` converts values.
pub(super) fn is_conversion(name: &str) -> bool {
    CONVERSIONS
        .iter()
        .any(|(conversion, ..)| *conversion == name)
}

/// What `name(value)` gives, if it converts such values.
pub(super) fn conversion(name: &str, value: &Type) -> Option<Type> {
    CONVERSIONS
        .iter()
        .find(|(conversion, of, _)| *conversion == name && fits(value, of))
        .map(|(_, _, to)| to.clone())
}

impl Checker<'_> {
    /// No function of this name can be called this way.
    pub(super) fn unknown(
        &mut self,
        expr: &IdedExpr,
        name: &str,
        as_method: bool,
    ) -> Option<Typed> {
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
        _ if is_conversion(name) => format!("write `{name}(x)`"),
        _ => format!("write `value.{name}(…)`"),
    }
}
