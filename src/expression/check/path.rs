//! Attribute paths: what may be read, and where it must be proven present.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::{Checker, Typed, Variable, build};
use crate::expression::error::ExpressionError;
use crate::expression::place::{Known, Place, Proofs};
use crate::expression::typing::size_of;
use crate::model::schema::{Presence, Shape};
use crate::model::value::Type;

/// The names of a chain of members, root first, if all of them are written out.
pub(super) fn static_path(expr: &IdedExpr) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = expr;
    loop {
        rest = match &rest.expr {
            Expr::Ident(root) => {
                names.push(root.clone());
                names.reverse();
                return Some(names);
            }
            Expr::Select(select) => {
                names.push(select.field.clone());
                &select.operand
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let (operand, key) = pair(&call.args)?;
                names.push(text(key)?.to_owned());
                operand
            }
            _ => return None,
        };
    }
}

/// The literal text that `expr` is.
pub(super) fn text(expr: &IdedExpr) -> Option<&str> {
    match &expr.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

pub(super) fn pair(args: &[IdedExpr]) -> Option<(&IdedExpr, &IdedExpr)> {
    match args {
        [first, second] => Some((first, second)),
        _ => None,
    }
}

/// A path as it is written.
pub(super) fn show(path: &[String]) -> String {
    let mut shown = String::new();
    for name in path {
        if !is_word(name) {
            shown.push_str(&format!("[{name:?}]"));
        } else if shown.is_empty() {
            shown.push_str(name);
        } else {
            shown.push('.');
            shown.push_str(name);
        }
    }
    shown
}

fn is_word(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The test that proves `path` present, as it is written.
fn test_of(path: &[String]) -> String {
    match path.split_last() {
        Some((name, rest)) if !is_word(name) => format!("{name:?} in {}", show(rest)),
        _ => format!("has({})", show(path)),
    }
}

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
    fn leaf(&mut self, expr: &IdedExpr, path: &[String]) -> Option<(Type, Presence)> {
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
    fn with_members(
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

impl From<&Variable> for Typed {
    fn from(variable: &Variable) -> Self {
        Self {
            size: variable.size,
            place: Some(Place::root(&variable.name)),
            ..Self::scalar(build::variable(&variable.name), variable.of.clone(), 0)
        }
    }
}
