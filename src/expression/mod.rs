//! CEL conditions: typed at load, bounded, three-valued.
//!
//! The one owner of `cel`, of which it uses the parser, the interpreter and the standard library, and of none the
//! semantics unchanged. An expression is compiled against a schema of attributes. What can be known then is refused
//! then: unknown attributes and functions, values of two types in one comparison, optional attributes that are read
//! without a test, patterns and times that cannot be read, too much work. What remains is an [`EvaluationError`] and
//! never a truth value: evaluation is strict from left to right, so an error in an operand that is evaluated is an error
//! of the whole, in `a || b` and in `exists` too.
//!
//! It does no I/O and reads no clock. It does not decide what an error means: the policy does.
//!
//! What there is: `&& || ! ?:`, `== != < <= > >=`, `in`, `+ - * / %`, `has`, lists and their `size`, `all`, `exists`,
//! `exists_one`, `map` and `filter`; `startsWith`, `endsWith`, `contains` and `matches` (a literal pattern); `int`,
//! `double` and `string`; `timestamp("…")`, `duration("…")` and `getHours` and its like, in UTC.

mod check;
mod convert;
mod error;
mod library;
mod limits;
mod parse;
mod pattern;
mod place;
mod plain;
mod program;
mod strict;
#[cfg(test)]
mod tests;
mod truth;
mod typing;

use std::fmt;
use std::sync::Arc;

use plain::Plain;
use program::Program;
use truth::Truth;
use typing::{Relation, relate};

use crate::model::attributes::Attributes;
use crate::model::schema::Schema;
use crate::model::value::{Type, Value};

pub use error::{Arithmetic, EvaluationError, ExpressionError};

/// A compiled expression of a checked result type. Clones share it.
#[derive(Clone)]
pub struct Expression(Arc<Program>);

impl Expression {
    /// Compiles `source` (4 KiB at most), whose value must be an `expected`; a `dyn` value is checked when it is evaluated.
    /// Every problem is reported, in the order of the source. Refused is also what could take too long to evaluate.
    pub fn compile(
        source: &str,
        schema: &Schema,
        expected: &Type,
    ) -> Result<Self, Vec<ExpressionError>> {
        let parsed = parse::parse(source)?;
        let checked = check::check(&parsed, schema, expected)?;
        let known = relate(&checked.of, expected) == Relation::Same;
        let plain = Plain::of(&checked.root);
        let compares = plain
            .is_none()
            .then(|| Truth::of(&checked.root, &checked.draft));
        Ok(Self(Arc::new(Program {
            source: Box::from(source),
            plain,
            truth: compares.flatten(),
            root: checked.root,
            draft: checked.draft,
            expected: (!known).then(|| expected.clone()),
        })))
    }

    /// The value for these attributes, which has the type that was expected. Reads only what it needs, in bounded
    /// time, each at most once, and once more where one is missing or is not what it was declared to be.
    pub fn evaluate(&self, attributes: &dyn Attributes) -> Result<Value, EvaluationError> {
        self.0.evaluate(attributes)
    }

    /// What was compiled.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Every attribute path that evaluation can read or test. A map that is read by a computed key is its own path.
    pub fn reads(&self) -> &[Box<[Box<str>]>] {
        self.0.draft.reads()
    }

    /// Whether a list or map is indexed with a key that is computed, so that what is read depends on what is read.
    pub fn has_computed_key(&self) -> bool {
        self.0.draft.has_computed_key()
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source()).finish()
    }
}

/// A compiled expression that is true or false.
#[derive(Clone)]
pub struct Condition(Expression);

impl Condition {
    /// Compiles `source`, with the guarantees of [`Expression::compile`].
    pub fn compile(source: &str, schema: &Schema) -> Result<Self, Vec<ExpressionError>> {
        Expression::compile(source, schema, &Type::Bool).map(Self)
    }

    /// Whether it holds for these attributes; an error is neither.
    pub fn evaluate(&self, attributes: &dyn Attributes) -> Result<bool, EvaluationError> {
        match self.0.evaluate(attributes)? {
            Value::Bool(holds) => Ok(holds),
            _ => Err(EvaluationError::WrongType {
                at: "the result".to_owned(),
                expected: "a `bool`".to_owned(),
            }),
        }
    }

    /// What was compiled.
    pub fn source(&self) -> &str {
        self.0.source()
    }

    /// See [`Expression::reads`].
    pub fn reads(&self) -> &[Box<[Box<str>]>] {
        self.0.reads()
    }

    /// See [`Expression::has_computed_key`].
    pub fn has_computed_key(&self) -> bool {
        self.0.has_computed_key()
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source()).finish()
    }
}
