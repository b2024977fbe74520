//! What can be wrong with an expression: before it runs, and when it runs.

use crate::model::finding::Finding;

/// Why an expression is refused at load.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong.
    pub message: String,
    /// Where in the source, in bytes; the best position known, never past its end.
    pub offset: usize,
    /// What to write instead, if that is known.
    pub help: Option<String>,
}

impl ExpressionError {
    /// The finding of it, at the text of the expression.
    pub fn into_finding(self) -> Finding {
        let Self {
            message,
            offset,
            help,
        } = self;
        let finding = Finding::error("invalid-expression", message).at(offset);
        Finding { help, ..finding }
    }

    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            offset,
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Why an expression has no value for a request: neither true nor false. No message holds the value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// An attribute that was read is not there.
    #[error("`{path}` is absent")]
    Absent {
        /// Its path, or `[…]` for a key that was computed.
        path: String,
    },
    /// A value has another type than what is done with it needs.
    #[error("wrong type at `{at}`: expected {expected}")]
    WrongType {
        /// The attribute, operator or function.
        at: String,
        /// What it takes.
        expected: String,
    },
    /// A number, time or index out of its range.
    #[error("{0}")]
    Arithmetic(Arithmetic),
    /// A value is larger than an expression may read.
    #[error("over budget: a value has more than {items} items or {bytes} bytes", items = super::limits::MAX_ITEMS, bytes = super::limits::MAX_TEXT)]
    OverBudget,
    /// A function could not answer.
    #[error("`{0}` failed")]
    Failed(String),
}

/// What went out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Arithmetic {
    /// A result that does not fit its type.
    #[error("overflow")]
    Overflow,
    /// A division or remainder by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// An index outside its list.
    #[error("index out of range")]
    IndexOutOfRange,
    /// A moment outside the years 1 to 9999.
    #[error("time out of range")]
    TimeOutOfRange,
}
