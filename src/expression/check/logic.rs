//! `&&`, `||`, `!` and `? :`, strict and from left to right.

use cel::common::ast::IdedExpr;

use super::written::pair;
use super::{Checker, Typed, build};
use crate::expression::library;
use crate::expression::place::{Known, Proofs};
use crate::expression::typing::{article, join};
use crate::model::value::Type;

/// A literal truth value.
fn truth(value: bool) -> Typed {
    Typed {
        proofs: Proofs::literal(value),
        ..Typed::scalar(build::truth(value), Type::Bool, 0)
    }
}

/// `condition ? then : otherwise`, of branches that have the type `of`.
fn conditional(condition: Typed, then: Typed, otherwise: Typed, of: Type) -> Typed {
    Typed {
        expr: build::conditional(condition.expr, then.expr, otherwise.expr),
        of,
        cost: condition.cost + then.cost.max(otherwise.cost) + 1,
        size: then.size.max(otherwise.size),
        place: None,
        proofs: Proofs::conditional(&condition.proofs, &then.proofs, &otherwise.proofs),
    }
}

impl Checker<'_> {
    /// A node that must be true or false; a `dyn` is checked to be one when it is evaluated.
    pub(super) fn truth(&mut self, expr: &IdedExpr, known: &Known) -> Option<Typed> {
        let checked = self.node(expr, known)?;
        match &checked.of {
            Type::Bool => Some(checked),
            Type::Dyn => {
                let test = build::call(library::BOOL, vec![checked.expr]);
                Some(Typed::scalar(test, Type::Bool, checked.cost))
            }
            other => self.refuse(
                expr,
                format!("this must be true or false, and is {}", article(other)),
            ),
        }
    }

    /// `a && b`: `b` stands where `a` is true.
    pub(super) fn and(&mut self, args: &[IdedExpr], known: &Known) -> Option<Typed> {
        let (left, right) = pair(args)?;
        let left = self.truth(left, known);
        let right = self.truth(
            right,
            &left
                .as_ref()
                .map_or_else(|| known.clone(), |left| known.and(&left.proofs.yes)),
        );
        Some(conditional(left?, right?, truth(false), Type::Bool))
    }

    /// `a || b`: `b` stands where `a` is false.
    pub(super) fn or(&mut self, args: &[IdedExpr], known: &Known) -> Option<Typed> {
        let (left, right) = pair(args)?;
        let left = self.truth(left, known);
        let right = self.truth(
            right,
            &left
                .as_ref()
                .map_or_else(|| known.clone(), |left| known.and(&left.proofs.no)),
        );
        Some(conditional(left?, truth(true), right?, Type::Bool))
    }

    pub(super) fn not(&mut self, args: &[IdedExpr], known: &Known) -> Option<Typed> {
        let value = self.truth(args.first()?, known)?;
        Some(Typed {
            proofs: value.proofs.negated(),
            ..Typed::scalar(build::not(value.expr), Type::Bool, value.cost)
        })
    }

    pub(super) fn choice(
        &mut self,
        expr: &IdedExpr,
        args: &[IdedExpr],
        known: &Known,
    ) -> Option<Typed> {
        let [condition, then, otherwise] = args else {
            return None;
        };
        let condition = self.truth(condition, known)?;
        let then = self.node(then, &known.and(&condition.proofs.yes));
        let otherwise = self.node(otherwise, &known.and(&condition.proofs.no));
        let (then, otherwise) = (then?, otherwise?);
        let Some(of) = join(&then.of, &otherwise.of) else {
            let (a, b) = (article(&then.of), article(&otherwise.of));
            let message = format!("this is {a} or {b}: both must have one type");
            return self.refuse(expr, message);
        };
        Some(conditional(condition, then, otherwise, of))
    }
}
