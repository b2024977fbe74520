//! Computed keys: `list[i]`, `map[key]`, `x in y`.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::operator::mismatch;
use super::written::{pair, show, text};
use super::{Checker, Typed, build};
use crate::expression::error::ExpressionError;
use crate::expression::library;
use crate::expression::place::{Known, Place, Proofs};
use crate::expression::typing::{Relation, article, relate, size_of};
use crate::model::schema::Shape;
use crate::model::value::Type;

/// Where the item of `operand` at `key` stands, if both are only read.
fn item_place(operand: &Typed, key: &Typed) -> Option<Place> {
    let operand = operand.place.as_ref()?;
    match &key.expr.expr {
        Expr::Literal(LiteralValue::Int(index)) => {
            Some(operand.member(format!("[{}]", index.inner())))
        }
        _ => Some(operand.keyed(key.place.as_ref()?)),
    }
}

/// The type of `container[key]`, or `None` if there is none.
fn item_type(container: &Type, key: &Type) -> Option<Type> {
    match (container, key) {
        (Type::List(item), Type::Int) | (Type::Map(item), Type::String) => {
            Some(item.as_ref().clone())
        }
        (Type::Dyn, Type::Int | Type::String) => Some(Type::Dyn),
        _ => None,
    }
}

impl Checker<'_> {
    pub(super) fn index(
        &mut self,
        expr: &IdedExpr,
        operand: &IdedExpr,
        key: &IdedExpr,
        known: &Known,
    ) -> Option<Typed> {
        let (container, key_checked) = (self.node(operand, known), self.node(key, known));
        let (container, key) = (container?, key_checked?);
        let place = item_place(&container, &key);
        let Some(of) = item_type(&container.of, &key.of) else {
            let (of, by) = (article(&container.of), article(&key.of));
            return self.refuse(expr, format!("{of} cannot be indexed with {by}"));
        };
        if key.of == Type::String && !place.as_ref().is_some_and(|place| known.proves(place)) {
            let message =
                "an entry under a computed key may be absent: write `key in map && map[key] …`";
            return self.refuse(expr, message);
        }
        if !matches!(key.expr.expr, Expr::Literal(_)) {
            self.draft.computes_key();
        }
        let cost = container.cost + key.cost;
        let size = container.size.min(size_of(&of));
        let item = build::call(operators::INDEX, vec![container.expr, key.expr]);
        Some(Typed {
            size,
            place,
            ..Typed::scalar(item, of, cost)
        })
    }

    /// `x in y`: an item of a list, or a key.
    pub(super) fn contains(
        &mut self,
        expr: &IdedExpr,
        args: &[IdedExpr],
        known: &Known,
    ) -> Option<Typed> {
        let (left, right) = pair(args)?;
        if let Some(path) = self.group(right) {
            return self.member_of_group(left, right, path);
        }
        let (item, container) = (self.node(left, known), self.node(right, known));
        let (item, container) = (item?, container?);
        let relation = match &container.of {
            Type::List(of) => relate(&item.of, of),
            Type::Map(_) => relate(&item.of, &Type::String),
            Type::Dyn => Relation::Unknown,
            other => {
                let message = format!("`in` takes a list or a map, and this is {}", article(other));
                return self.refuse(right, message);
            }
        };
        let function = match relation {
            Relation::Same => operators::IN,
            Relation::Unknown => library::IN,
            Relation::Different => {
                let of = match &container.of {
                    Type::List(of) => of.as_ref().clone(),
                    _ => Type::String,
                };
                let at = self.parsed.at(expr);
                return self.report(mismatch("in", at, &item, &Typed { of, ..container }));
            }
        };
        let steps = if matches!(&container.of, Type::Map(_)) {
            1
        } else {
            container.size / 10
        };
        let cost = item.cost + container.cost + steps;
        let tests = container.place.as_ref().and_then(|place| match text(left) {
            Some(name) => Some(place.member(name)),
            None => Some(place.keyed(item.place.as_ref()?)),
        });
        let holds_keys = matches!(&container.of, Type::Map(_) | Type::Dyn);
        Some(Typed {
            proofs: tests
                .filter(|_| holds_keys)
                .map_or_else(Proofs::nothing, Proofs::present),
            ..Typed::scalar(
                build::call(function, vec![item.expr, container.expr]),
                Type::Bool,
                cost,
            )
        })
    }

    /// The path of `expr` if it is a group of attributes.
    fn group(&self, expr: &IdedExpr) -> Option<Vec<String>> {
        let path = self.attribute_path(expr)?;
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let resolved = self.schema.resolve(&names).ok()?;
        matches!(resolved.shape, Shape::Object(_)).then_some(path)
    }

    fn member_of_group(
        &mut self,
        left: &IdedExpr,
        right: &IdedExpr,
        mut path: Vec<String>,
    ) -> Option<Typed> {
        let Some(name) = text(left) else {
            let shown = show(&path);
            let message = format!(
                "`{shown}` is a group of attributes: only a literal name can be looked for in it"
            );
            return self.report(ExpressionError::new(self.parsed.start(left), message));
        };
        path.push(name.to_owned());
        self.presence(right, &path)
    }
}
