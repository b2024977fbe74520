//! What a checked expression reads and holds, and its evaluation for one request.

use std::sync::{Arc, OnceLock};

use cel::common::ast::IdedExpr;
use cel::common::types::{CelBool, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, ExecutionError};

use super::convert::{affordable, to_interpreter, to_model};
use super::error::{Arithmetic, EvaluationError};
use super::library;
use super::plain::Plain;
use super::truth::Truth;
use super::typing::{article, size_of};
use crate::model::attributes::Attributes;
use crate::model::value::{Type, Value};

/// What an expression reads and holds, collected while it is checked.
#[derive(Debug, Default)]
pub(super) struct Draft {
    reads: Vec<Box<[Box<str>]>>,
    types: Vec<Type>,
    constants: Vec<Box<dyn Val>>,
    computed_key: bool,
}

/// The variables of a rewritten expression start with one of these, followed by an index. No source can name them.
const ATTRIBUTE: &str = "@a";
const PRESENCE: &str = "@h";
const CONSTANT: &str = "@c";

impl Draft {
    /// The variable that stands for the attribute at `path`.
    pub(super) fn attribute(&mut self, path: &[String], of: &Type) -> String {
        format!("{ATTRIBUTE}{}", self.read(path, of))
    }

    /// The variable that is true if the attribute at `path` is present.
    pub(super) fn presence(&mut self, path: &[String], of: &Type) -> String {
        format!("{PRESENCE}{}", self.read(path, of))
    }

    /// The variable that stands for `value`.
    pub(super) fn constant(&mut self, value: Box<dyn Val>) -> String {
        self.constants.push(value);
        format!("{CONSTANT}{}", self.constants.len() - 1)
    }

    /// A list or map is indexed with a key that is computed.
    pub(super) fn computes_key(&mut self) {
        self.computed_key = true;
    }

    pub(super) const fn has_computed_key(&self) -> bool {
        self.computed_key
    }

    /// Every attribute path that is read, and the type that each is declared to have.
    pub(super) fn reads(&self) -> &[Box<[Box<str>]>] {
        &self.reads
    }

    pub(super) fn types(&self) -> &[Type] {
        &self.types
    }

    /// Estimated steps to convert everything that is read, once.
    pub(super) fn cost(&self) -> u64 {
        self.types.iter().map(size_of).sum()
    }

    /// The attribute with this number, if it is present; an error if it has another type than it should.
    pub(super) fn find(
        &self,
        index: usize,
        attributes: &dyn Attributes,
    ) -> Result<Option<Value>, EvaluationError> {
        let (Some(path), Some(of)) = (self.reads.get(index), self.types.get(index)) else {
            return Ok(None);
        };
        match attributes.get(path) {
            Some(value) if !value.has_type(of) => Err(EvaluationError::WrongType {
                at: path.join("."),
                expected: article(of),
            }),
            found => Ok(found),
        }
    }

    /// What is wrong where the attribute with this number must be present and is not.
    pub(super) fn absent(&self, index: usize) -> EvaluationError {
        let path = self.reads.get(index).map(|path| path.join("."));
        EvaluationError::Absent {
            path: path.unwrap_or_default(),
        }
    }

    fn read(&mut self, path: &[String], of: &Type) -> usize {
        let known = self.reads.iter().position(|read| {
            let names = read.iter().map(AsRef::as_ref);
            names.eq(path.iter().map(String::as_str))
        });
        known.unwrap_or_else(|| {
            self.reads
                .push(path.iter().map(|name| Box::from(name.as_str())).collect());
            self.types.push(of.clone());
            self.reads.len() - 1
        })
    }
}

/// The number of the attribute that a variable stands for, if it stands for one.
pub(super) fn attribute_of(variable: &str) -> Option<usize> {
    variable.strip_prefix(ATTRIBUTE)?.parse().ok()
}

/// The number of the attribute whose presence a variable stands for, if it stands for one.
pub(super) fn presence_of(variable: &str) -> Option<usize> {
    variable.strip_prefix(PRESENCE)?.parse().ok()
}

/// An expression that is ready to be evaluated.
#[derive(Debug)]
pub(super) struct Program {
    /// What was compiled.
    pub(super) source: Box<str>,
    pub(super) root: IdedExpr,
    pub(super) draft: Draft,
    /// What it is if nothing has to be evaluated.
    pub(super) plain: Option<Plain>,
    /// Whether it is true, if that takes comparisons and nothing else.
    pub(super) truth: Option<Truth>,
    /// The type that its value is checked for, if that is known only now.
    pub(super) expected: Option<Type>,
}

impl Program {
    pub(super) fn evaluate(&self, attributes: &dyn Attributes) -> Result<Value, EvaluationError> {
        if let Some(holds) = self.holds(attributes) {
            return Ok(Value::Bool(holds));
        }
        let value = match &self.plain {
            Some(plain) => plain.value(&self.draft, attributes)?,
            None => self.interpret(attributes)?,
        };
        let value = value.ok_or_else(|| wrong_result(self.expected.as_ref()))?;
        match &self.expected {
            Some(expected) if !value.has_type(expected) => Err(wrong_result(Some(expected))),
            _ => Ok(value),
        }
    }

    /// Whether it is true, where comparisons say so.
    pub(super) fn holds(&self, attributes: &dyn Attributes) -> Option<bool> {
        self.truth.as_ref()?.holds(&self.draft, attributes)
    }

    /// What the interpreter makes of it; none if it is nothing that the model has a value for.
    pub(super) fn interpret(
        &self,
        attributes: &dyn Attributes,
    ) -> Result<Option<Value>, EvaluationError> {
        let slots = Slots {
            draft: &self.draft,
            attributes,
            values: self.draft.reads.iter().map(|_| OnceLock::new()).collect(),
            failure: OnceLock::new(),
        };
        let mut context = Context::with_env(library::env());
        context.set_variable_resolver(&slots);
        let value = cel::Value::resolve_val(&self.root, &context).map_err(|error| {
            slots
                .failure
                .get()
                .cloned()
                .unwrap_or_else(|| translate(error))
        })?;
        Ok(to_model(value.as_ref()))
    }
}

fn wrong_result(expected: Option<&Type>) -> EvaluationError {
    EvaluationError::WrongType {
        at: "the result".to_owned(),
        expected: expected.map_or_else(|| "a value".to_owned(), article),
    }
}

/// An attribute as it was found.
#[derive(Debug)]
enum Slot {
    Absent,
    Failed(EvaluationError),
    Text(Arc<str>),
    Built(Box<dyn Val>),
}

/// The attributes of one evaluation: read when they are needed, at most once.
struct Slots<'a> {
    draft: &'a Draft,
    attributes: &'a dyn Attributes,
    values: Box<[OnceLock<Slot>]>,
    /// The first attribute that could not be read. Errors are strict, so it is why the whole has no value.
    failure: OnceLock<EvaluationError>,
}

impl Slots<'_> {
    fn slot(&self, index: &str) -> Option<(usize, &Slot)> {
        let index = index.parse().ok()?;
        let slot = self.values.get(index)?;
        Some((index, slot.get_or_init(|| self.load(index))))
    }

    fn load(&self, index: usize) -> Slot {
        match self.draft.find(index, self.attributes) {
            Err(failure) => Slot::Failed(failure),
            Ok(None) => Slot::Absent,
            Ok(Some(Value::String(text))) if affordable(&text) => Slot::Text(text),
            Ok(Some(value)) => to_interpreter(&value).map_or_else(Slot::Failed, Slot::Built),
        }
    }

    fn attribute(&self, index: &str) -> Option<CowVal<'_, '_>> {
        let (index, slot) = self.slot(index)?;
        let failure = match slot {
            Slot::Text(text) => return Some(CowVal::owned(CelString::from(text.as_ref()))),
            Slot::Built(value) => return Some(CowVal::Borrowed(value.as_ref())),
            Slot::Failed(failure) => failure.clone(),
            Slot::Absent => self.draft.absent(index),
        };
        self.failure.get_or_init(|| failure);
        None
    }
}

impl VariableResolver for Slots<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(index) = variable.strip_prefix(ATTRIBUTE) {
            return self.attribute(index);
        }
        if let Some(index) = variable.strip_prefix(PRESENCE) {
            let (_, slot) = self.slot(index)?;
            return Some(CowVal::owned(CelBool::from(!matches!(slot, Slot::Absent))));
        }
        let index: usize = variable.strip_prefix(CONSTANT)?.parse().ok()?;
        let value = self.draft.constants.get(index)?;
        Some(CowVal::Borrowed(value.as_ref()))
    }
}

/// The interpreter's error without the values that it holds.
fn translate(error: ExecutionError) -> EvaluationError {
    let wrong = |at: &str, expected: &str| EvaluationError::WrongType {
        at: at.to_owned(),
        expected: expected.to_owned(),
    };
    match error {
        ExecutionError::NoSuchKey(_) => EvaluationError::Absent {
            path: "[…]".to_owned(),
        },
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            EvaluationError::Arithmetic(Arithmetic::DivisionByZero)
        }
        ExecutionError::Overflow(..) => EvaluationError::Arithmetic(Arithmetic::Overflow),
        ExecutionError::IndexOutOfBounds(_) => {
            EvaluationError::Arithmetic(Arithmetic::IndexOutOfRange)
        }
        ExecutionError::FunctionError { function, .. } => match library::written(&function) {
            Some((operator, expected)) => wrong(operator, expected),
            None => EvaluationError::Failed(function),
        },
        ExecutionError::NoSuchOverload(overload) => match library::written(overload.function()) {
            Some((operator, expected)) => wrong(operator, expected),
            None => wrong(
                overload.function().trim_matches('_'),
                "values of other types",
            ),
        },
        ExecutionError::UnexpectedType { want, .. } => wrong("a value", &want),
        ExecutionError::UnsupportedBinaryOperator(operator, ..) => {
            wrong(operator, "values of one type")
        }
        ExecutionError::ValuesNotComparable(..) => wrong("a comparison", "values of one type"),
        _ => EvaluationError::Failed("the expression".to_owned()),
    }
}
