//! Expressions that need no interpreter: a literal, an attribute, an attribute with a literal where it is absent.
//!
//! Most mappings of claims are one of these. What comes out, value or error, is what the interpreter would have given.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::convert::{affordable, to_interpreter, to_model};
use super::error::EvaluationError;
use super::limits::MAX_ITEMS;
use super::program::{Draft, attribute_of, presence_of};
use crate::model::attributes::Attributes;
use crate::model::value::Value;

/// An expression that is read without evaluating anything.
#[derive(Debug)]
pub(super) enum Plain {
    Literal(Value),
    /// The attribute with this number.
    Attribute(usize),
    /// The same where it is present, and the literal where it is not.
    Otherwise(usize, Value),
}

impl Plain {
    /// What a checked expression is, if it is plain.
    pub(super) fn of(root: &IdedExpr) -> Option<Self> {
        if let Some(value) = literal(root) {
            return Some(Self::Literal(value));
        }
        match &root.expr {
            Expr::Ident(name) => attribute_of(name).map(Self::Attribute),
            Expr::Call(call) if call.func_name == operators::CONDITIONAL => {
                let [condition, then, otherwise] = call.args.as_slice() else {
                    return None;
                };
                let (Expr::Ident(tested), Expr::Ident(read)) = (&condition.expr, &then.expr) else {
                    return None;
                };
                let read = attribute_of(read)?;
                let same = presence_of(tested) == Some(read);
                same.then_some(Self::Otherwise(read, literal(otherwise)?))
            }
            _ => None,
        }
    }

    /// Its value for these attributes; none if it is nothing that the model has a value for.
    pub(super) fn value(
        &self,
        draft: &Draft,
        attributes: &dyn Attributes,
    ) -> Result<Option<Value>, EvaluationError> {
        let (index, otherwise) = match self {
            Self::Literal(value) => return Ok(Some(value.clone())),
            Self::Attribute(index) => (*index, None),
            Self::Otherwise(index, literal) => (*index, Some(literal)),
        };
        match (draft.find(index, attributes)?, otherwise) {
            (Some(value), _) if is_kept(&value) => Ok(Some(value)),
            // Through the interpreter's form, which has bounds and not every value.
            (Some(value), _) => Ok(to_model(to_interpreter(&value)?.as_ref())),
            (None, Some(literal)) => Ok(Some(literal.clone())),
            (None, None) => Err(draft.absent(index)),
        }
    }
}

/// Whether a value is within bounds and stays what it is on its way through the interpreter; told for the usual ones.
fn is_kept(value: &Value) -> bool {
    let scalar = |value: &Value| match value {
        Value::Bool(_) | Value::Int(_) => true,
        Value::String(text) => affordable(text),
        _ => false,
    };
    match value {
        Value::List(items) => items.len() <= MAX_ITEMS && items.iter().all(scalar),
        other => scalar(other),
    }
}

fn literal(expr: &IdedExpr) -> Option<Value> {
    match &expr.expr {
        Expr::Literal(LiteralValue::Boolean(value)) => Some(Value::Bool(*value.inner())),
        Expr::Literal(LiteralValue::Int(value)) => Some(Value::Int(*value.inner())),
        Expr::Literal(LiteralValue::String(text)) => Some(Value::string(text.inner())),
        Expr::List(list) if list.optional_indices.is_empty() => {
            let items = list.elements.iter().map(literal);
            items.collect::<Option<_>>().map(Value::List)
        }
        _ => None,
    }
}
