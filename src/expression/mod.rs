//! stub
#![expect(missing_docs, reason = "x")]
use crate::model::{
    attributes::Attributes,
    finding::Finding,
    schema::Schema,
    value::{Type, Value},
};
#[derive(Debug)]
pub struct Expression(String);
#[derive(Debug)]
pub struct Condition(Expression);
#[derive(Debug)]
pub struct ExpressionError {
    pub message: String,
    pub offset: usize,
    pub help: Option<String>,
}
impl ExpressionError {
    pub fn into_finding(self) -> Finding {
        Finding {
            help: self.help,
            ..Finding::error("invalid-expression", self.message).at(self.offset)
        }
    }
}
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct EvaluationError;
impl Expression {
    pub fn compile(s: &str, _: &Schema, _: &Type) -> Result<Self, Vec<ExpressionError>> {
        Ok(Self(s.into()))
    }
    pub fn evaluate(&self, _: &dyn Attributes) -> Result<Value, EvaluationError> {
        Err(EvaluationError)
    }
    pub fn source(&self) -> &str {
        &self.0
    }
    pub fn reads(&self) -> &[Box<[Box<str>]>] {
        &[]
    }
}
impl Condition {
    pub fn compile(s: &str, _: &Schema) -> Result<Self, Vec<ExpressionError>> {
        Ok(Self(Expression(s.into())))
    }
    pub fn evaluate(&self, _: &dyn Attributes) -> Result<bool, EvaluationError> {
        Err(EvaluationError)
    }
    pub fn source(&self) -> &str {
        &self.0.0
    }
    pub fn reads(&self) -> &[Box<[Box<str>]>] {
        &[]
    }
}
