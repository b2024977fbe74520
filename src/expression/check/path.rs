//! Attribute paths: what may be read, and where it must be proven present.

use cel::common::ast::{Expr, IdedExpr};

use super::written::{pair, show, static_path, test_of, text};
use super::{Checker, Typed, Variable, build};
use crate::expression::error::ExpressionError;
use crate::expression::place::{Known, Place};
use crate::expression::typing::size_of;
use crate::model::schema::{Presence, Shape};
use crate::model::value::Type;

fn borrowed(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

impl Checker<'_> {
    /// A name, a member, or an index.
    pub(super) fn path(&mut self, expr: &IdedExpr, known: &Known) -> Option<Typed> {
        if let Some(path) = self.attribute_path(expr) {
            return self.attribute(expr, &path, known);
        }
        match &expr.expr {
            Expr::Ident(name) => self.variable(name).map(Typed::from),
            Expr::Select(select) => self.member(expr, &select.operand, &select.field, known),
            Expr::Call(call) => {
                let (operand, key) = pair(&call.args)?;
                match text(key) {
                    Some(name) => self.member(expr, operand, name, known),
                    None => self.index(expr, operand, key, known),
                }
            }
            _ => None,
        }
    }

    /// The path of an attribute; `None` for anything that starts elsewhere or has a computed part.
    pub(super) fn attribute_path(&self, expr: &IdedExpr) -> Option<Vec<String>> {
        static_path(expr).filter(|path| {
            path.first()
                .is_some_and(|root| self.variable(root).is_none())
        })
    }

    pub(super) fn variable(&self, written: &str) -> Option<&Variable> {
        let variables = self.variables.iter().rev();
        variables
            .into_iter()
            .find(|variable| variable.written == written)
    }

    fn attribute(&mut self, expr: &IdedExpr, path: &[String], known: &Known) -> Option<Typed> {
        let (of, presence) = self.leaf(expr, path)?;
        let place = Place::of(path);
        if presence == Presence::Optional && !known.proves(&place) {
            return self.unproven(expr, path);
        }
        let name = self.draft.attribute(path, &of);
        Some(Typed {
            size: size_of(&of),
            place: Some(place),
            ..Typed::scalar(build::variable(name), of, 0)
        })
    }

    /// The type and presence of the attribute at `path`, which must be one value.
    pub(super) fn leaf(&mut self, expr: &IdedExpr, path: &[String]) -> Option<(Type, Presence)> {
        match self.schema.resolve(&borrowed(path)) {
            Ok(resolved) => match resolved.shape {
                Shape::Leaf(of) => Some((of, resolved.presence)),
                Shape::Object(object) => {
                    let names: Vec<&str> = object.fields.keys().map(AsRef::as_ref).collect();
                    let message =
                        format!("`{}` is a group of attributes and has no value", show(path));
                    let error = ExpressionError::new(self.parsed.start(expr), message);
                    self.report(if names.is_empty() {
                        error.help("read one of its members by a name that is written out")
                    } else {
                        error.help(format!("read one of its members: {}", names.join(", ")))
                    })
                }
            },
            Err(error) => self.refuse(expr, error.to_string()),
        }
    }

    fn unproven<T>(&mut self, expr: &IdedExpr, path: &[String]) -> Option<T> {
        let (shown, test) = (show(path), test_of(path));
        let message = format!("`{shown}` may be absent: write `{test} && …`");
        let error = ExpressionError::new(self.parsed.start(expr), message);
        self.report(error.help(format!("test it first: `{test}`")))
    }

    /// The member `name` of something that is not an attribute of the schema: of a loop variable, of an item.
    fn member(
        &mut self,
        expr: &IdedExpr,
        operand: &IdedExpr,
        name: &str,
        known: &Known,
    ) -> Option<Typed> {
        let (operand, of) = self.with_members(expr, operand, known)?;
        let place = operand.place.as_ref().map(|place| place.member(name));
        if !place.as_ref().is_some_and(|place| known.proves(place)) {
            return match static_path(expr) {
                Some(path) => self.unproven(expr, &path),
                None => self.refuse(
                    expr,
                    format!("member `{name}` may be absent, and is tested nowhere"),
                ),
            };
        }
        Some(Typed {
            size: operand.size.min(size_of(&of)),
            place,
            ..Typed::scalar(build::member(operand.expr, name), of, operand.cost)
        })
    }

    /// A value that may have members, and their type.
    pub(super) fn with_members(
        &mut self,
        expr: &IdedExpr,
        operand: &IdedExpr,
        known: &Known,
    ) -> Option<(Typed, Type)> {
        let operand = self.node(operand, known)?;
        match operand.of.clone() {
            Type::Map(item) => Some((operand, *item)),
            Type::Dyn => Some((operand, Type::Dyn)),
            other => self.refuse(expr, format!("a `{other}` has no members")),
        }
    }
}

impl From<&Variable> for Typed {
    fn from(variable: &Variable) -> Self {
        Self {
            size: variable.size,
            place: Some(Place::root(&variable.name)),
            ..Self::scalar(build::variable(&variable.name), variable.of.clone(), 0)
        }
    }
}
