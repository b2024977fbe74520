//! Tests of presence: `has(…)`, and `in` a group.

use cel::common::ast::{Expr, IdedExpr};

use super::{Checker, Typed, build};
use crate::expression::error::ExpressionError;
use crate::expression::place::{Known, Place, Proofs};
use crate::model::schema::Presence;
use crate::model::value::Type;

impl Checker<'_> {
    /// `has(…)`.
    pub(super) fn has(
        &mut self,
        expr: &IdedExpr,
        args: &[IdedExpr],
        known: &Known,
    ) -> Option<Typed> {
        let [tested] = args else {
            return self.refuse(expr, "`has` takes one attribute: `has(a.b)`");
        };
        let Expr::Select(select) = &tested.expr else {
            let error = ExpressionError::new(
                self.parsed.start(tested),
                "`has` takes a member: `has(a.b)`",
            );
            return self.report(error.help(
                "a name that is no identifier is tested with `in`: `\"x-env\" in request.headers`",
            ));
        };
        if let Some(path) = self.attribute_path(tested) {
            return self.presence(tested, &path);
        }
        let (operand, _) = self.with_members(tested, &select.operand, known)?;
        let tests = operand
            .place
            .as_ref()
            .map(|place| place.member(&select.field));
        Some(Typed {
            proofs: tests.map_or_else(Proofs::nothing, Proofs::present),
            ..Typed::scalar(
                build::has_member(operand.expr, &select.field),
                Type::Bool,
                operand.cost,
            )
        })
    }

    /// Whether the attribute at `path` is present. One that always is, is not looked for.
    pub(super) fn presence(&mut self, expr: &IdedExpr, path: &[String]) -> Option<Typed> {
        let (of, presence) = self.leaf(expr, path)?;
        let test = match presence {
            Presence::Always => build::truth(true),
            Presence::Sometimes | Presence::Optional => {
                build::variable(self.draft.presence(path, &of))
            }
        };
        Some(Typed {
            proofs: Proofs::present(Place::of(path)),
            ..Typed::scalar(test, Type::Bool, 0)
        })
    }
}
