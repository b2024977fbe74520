//! Literals that stand for more than a text: times and patterns, read once at load.

use cel::common::ast::IdedExpr;

use super::written::text;
use super::{Checker, Typed, build};
use crate::expression::error::ExpressionError;
use crate::expression::library;
use crate::expression::limits::TEXT_COST;
use crate::expression::pattern::Pattern;
use crate::expression::place::Known;
use crate::expression::typing::{Relation, article, relate};
use crate::model::value::Type;

impl Checker<'_> {
    /// `timestamp("…")` and `duration("…")`: read once, here.
    pub(super) fn time(&mut self, expr: &IdedExpr, name: &str, value: &IdedExpr) -> Option<Typed> {
        let Some(written) = text(value) else {
            let message = format!("`{name}` takes a literal text");
            return self.refuse(expr, message);
        };
        let (of, sample) = match name {
            "timestamp" => (Type::Timestamp, "2026-01-31T08:00:00Z"),
            _ => (Type::Duration, "1h30m"),
        };
        let Some(constant) = library::constant_time(name, written) else {
            let message = format!("{written:?} is not a {of}");
            let error = ExpressionError::new(self.parsed.start(value), message);
            return self.report(error.help(format!("write it like `{name}(\"{sample}\")`")));
        };
        let name = self.draft.constant(constant);
        Some(Typed::scalar(build::variable(name), of, 0))
    }

    /// `matches`: its pattern is compiled once, here.
    pub(super) fn matches(
        &mut self,
        value: &IdedExpr,
        pattern: &IdedExpr,
        known: &Known,
    ) -> Option<Typed> {
        let value_checked = self.node(value, known);
        let Some(written) = text(pattern) else {
            return self.refuse(pattern, "`matches` takes a literal pattern");
        };
        let pattern = match Pattern::compile(written) {
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
}
