//! Conditions that need no interpreter: attributes compared with literals or with each other, and what `&&`, `||`, `!` and `? :` make of it.
//!
//! Most rules ask no more. What is answered here is what the interpreter says;
//! whatever has no answer (something is missing, has another type, or is too long) is left to it, and so is why.

use std::cmp::Ordering;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use super::convert::affordable;
use super::program::{Draft, attribute_of, presence_of};
use crate::model::attributes::Attributes;
use crate::model::value::{Type, Value};

/// Most attributes that such a condition reads.
const MAX_READS: usize = 4;

/// A condition, or a part of one.
#[derive(Debug)]
pub(super) enum Truth {
    Known(bool),
    /// Whether the attribute is present.
    Present(usize),
    /// The attribute itself.
    Holds(usize),
    /// The second where the first holds, else the third.
    Choice(Box<[Truth; 3]>),
    Compared(Operand, Comparison, Operand),
}

/// What is compared.
#[derive(Debug)]
pub(super) enum Operand {
    Read(usize),
    Text(Box<str>),
    Int(i64),
}

/// For which order of its operands a comparison holds.
type Comparison = fn(Ordering) -> bool;

impl Truth {
    /// The condition of a checked expression, if it is one of these.
    pub(super) fn of(root: &IdedExpr, draft: &Draft) -> Option<Self> {
        (draft.types().len() <= MAX_READS)
            .then(|| Self::part(root, draft))
            .flatten()
    }

    fn part(node: &IdedExpr, draft: &Draft) -> Option<Self> {
        match &node.expr {
            Expr::Literal(LiteralValue::Boolean(value)) => Some(Self::Known(*value.inner())),
            Expr::Ident(name) => match (presence_of(name), attribute_of(name)) {
                (Some(index), _) => Some(Self::Present(index)),
                (None, Some(index)) if draft.types().get(index)? == &Type::Bool => {
                    Some(Self::Holds(index))
                }
                _ => None,
            },
            Expr::Call(CallExpr {
                func_name,
                target: None,
                args,
            }) => match (func_name.as_str(), args.as_slice()) {
                (operators::CONDITIONAL, [condition, then, otherwise]) => {
                    let part = |node| Self::part(node, draft);
                    let parts = [part(condition)?, part(then)?, part(otherwise)?];
                    Some(Self::Choice(Box::new(parts)))
                }
                (function, [left, right]) => compared(function, left, right, draft),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it holds; `None` leaves it to the interpreter.
    pub(super) fn holds(&self, draft: &Draft, attributes: &dyn Attributes) -> Option<bool> {
        self.decide(&mut Read {
            draft,
            attributes,
            found: [const { Found::Unread }; MAX_READS],
        })
    }

    fn decide(&self, read: &mut Read<'_>) -> Option<bool> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Present(index) => Some(!matches!(read.get(*index)?, Found::Absent)),
            Self::Holds(index) => match read.get(*index)? {
                Found::Value(Value::Bool(value)) => Some(*value),
                _ => None,
            },
            Self::Choice(parts) => {
                let [condition, then, otherwise] = &**parts;
                if condition.decide(read)? {
                    then.decide(read)
                } else {
                    otherwise.decide(read)
                }
            }
            Self::Compared(left, comparison, right) => {
                // Both are read before either is looked at: one of them is a borrow of what was read.
                read.known(left)?;
                read.known(right)?;
                let order = order(read.scalar(left)?, read.scalar(right)?)?;
                Some(comparison(order))
            }
        }
    }
}

/// A comparison of two operands of one type, as the interpreter makes it.
fn compared(function: &str, left: &IdedExpr, right: &IdedExpr, draft: &Draft) -> Option<Truth> {
    let (left, of) = operand(left, draft)?;
    let (right, other) = operand(right, draft)?;
    let comparison: Comparison = match (function, of == other) {
        (operators::EQUALS, true) => Ordering::is_eq,
        (operators::NOT_EQUALS, true) => Ordering::is_ne,
        (operators::LESS, true) if of == Type::Int => Ordering::is_lt,
        (operators::LESS_EQUALS, true) if of == Type::Int => Ordering::is_le,
        (operators::GREATER, true) if of == Type::Int => Ordering::is_gt,
        (operators::GREATER_EQUALS, true) if of == Type::Int => Ordering::is_ge,
        _ => return None,
    };
    Some(Truth::Compared(left, comparison, right))
}

/// An operand and its type: a text or a whole number.
fn operand(node: &IdedExpr, draft: &Draft) -> Option<(Operand, Type)> {
    match &node.expr {
        Expr::Literal(LiteralValue::Int(value)) => Some((Operand::Int(*value.inner()), Type::Int)),
        Expr::Literal(LiteralValue::String(value)) => {
            Some((Operand::Text(value.inner().into()), Type::String))
        }
        Expr::Ident(name) => {
            let index = attribute_of(name)?;
            let of = draft.types().get(index)?;
            matches!(of, Type::Int | Type::String).then(|| (Operand::Read(index), of.clone()))
        }
        _ => None,
    }
}

/// A text or a whole number.
enum Scalar<'a> {
    Text(&'a str),
    Int(i64),
}

fn order(left: Scalar<'_>, right: Scalar<'_>) -> Option<Ordering> {
    match (left, right) {
        (Scalar::Text(left), Scalar::Text(right)) => Some(left.cmp(right)),
        (Scalar::Int(left), Scalar::Int(right)) => Some(left.cmp(&right)),
        (Scalar::Text(_), Scalar::Int(_)) | (Scalar::Int(_), Scalar::Text(_)) => None,
    }
}

/// The attributes of one evaluation: read when they are needed, at most once.
struct Read<'a> {
    draft: &'a Draft,
    attributes: &'a dyn Attributes,
    found: [Found; MAX_READS],
}

/// What was found of one.
enum Found {
    Unread,
    Absent,
    Value(Value),
}

impl Read<'_> {
    fn get(&mut self, index: usize) -> Option<&Found> {
        let found = self.found.get_mut(index)?;
        if matches!(found, Found::Unread) {
            let value = self.attributes.get(self.draft.reads().get(index)?);
            *found = value.map_or(Found::Absent, Found::Value);
        }
        Some(found)
    }

    /// Makes sure that an operand was read.
    fn known(&mut self, operand: &Operand) -> Option<()> {
        match operand {
            Operand::Read(index) => self.get(*index).map(|_found| ()),
            Operand::Text(_) | Operand::Int(_) => Some(()),
        }
    }

    fn scalar<'b>(&'b self, operand: &'b Operand) -> Option<Scalar<'b>> {
        match operand {
            Operand::Text(text) => Some(Scalar::Text(text)),
            Operand::Int(number) => Some(Scalar::Int(*number)),
            Operand::Read(index) => {
                let of = self.draft.types().get(*index)?;
                match (self.found.get(*index)?, of) {
                    (Found::Value(Value::String(text)), Type::String) if affordable(text) => {
                        Some(Scalar::Text(text))
                    }
                    (Found::Value(Value::Int(number)), Type::Int) => Some(Scalar::Int(*number)),
                    _ => None,
                }
            }
        }
    }
}
