//! Tables over the public interface: an expression, and what becomes of it.

mod bounds;
mod evaluation;
mod loading;
mod plain;
mod presence;
mod properties;
mod truth;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::{Condition, EvaluationError, Expression, ExpressionError};
use crate::model::attributes::Attributes;
use crate::model::schema::{Field, Object, Presence, Schema, Shape};
use crate::model::time::Timestamp;
use crate::model::value::{Type, Value};

/// Attributes that remember what was read.
#[derive(Debug, Default)]
struct Sample {
    values: BTreeMap<String, Value>,
    read: Mutex<Vec<String>>,
}

impl Sample {
    fn with(mut self, path: &str, value: Value) -> Self {
        self.values.insert(path.to_owned(), value);
        self
    }

    fn without(mut self, path: &str) -> Self {
        self.values.remove(path);
        self
    }

    fn read(&self) -> Vec<String> {
        self.read.lock().unwrap().clone()
    }
}

impl Attributes for Sample {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        let path = path.join("/");
        self.read.lock().unwrap().push(path.clone());
        self.values.get(&path).cloned()
    }
}

fn map(entries: &[(&str, Value)]) -> Value {
    let entries = entries
        .iter()
        .map(|(key, value)| (Arc::from(*key), value.clone()));
    Value::Map(Arc::new(entries.collect()))
}

fn ints(items: &[i64]) -> Value {
    Value::List(items.iter().map(|item| Value::Int(*item)).collect())
}

fn sample() -> Sample {
    Sample::default()
        .with("args/rows", Value::Int(10))
        .with("args/ratio", Value::Double(0.5))
        .with("args/name", Value::string("eu"))
        .with("args/tags", Value::strings(&["a", "b"]))
        .with("args/nums", ints(&[1, 2, 3]))
        .with("args/counts", map(&[("x", Value::Int(1))]))
        .with("args/zero", Value::Int(0))
        .with("args/big", Value::Int(i64::MAX))
        .with("delegated", Value::Bool(true))
        .with(
            "request/time",
            Value::Timestamp(Timestamp::parse("2026-11-21T22:00:01Z").unwrap()),
        )
        .with("request/headers/x-env", Value::string("prod"))
        .with("subject/claims/env", Value::string("prod"))
        .with(
            "context/metadata/ns",
            map(&[
                ("n", Value::Double(2.0)),
                ("s", Value::string("text")),
                ("yes", Value::Bool(true)),
                (
                    "list",
                    Value::List([Value::string("a"), Value::Double(1.0)].into()),
                ),
                (
                    "items",
                    Value::List([map(&[("id", Value::string("i"))])].into()),
                ),
            ]),
        )
        .with("context/metadata/n", Value::Double(2.0))
        .with("context/metadata/s", Value::string("text"))
        .with("context/metadata/yes", Value::Bool(true))
        .with("context/metadata/names", Value::strings(&["a", "b"]))
        .with(
            "context/metadata/mixed",
            Value::List([Value::string("a"), Value::Double(1.0)].into()),
        )
        .with(
            "context/metadata/items",
            Value::List([map(&[("id", Value::string("i"))])].into()),
        )
}

fn open(of: Type) -> Field {
    Field::object(Object {
        fields: BTreeMap::new(),
        open: Some(of),
    })
}

fn sometimes(of: Type) -> Field {
    Field {
        shape: Shape::Leaf(of),
        presence: Presence::Sometimes,
    }
}

fn list(of: Type) -> Type {
    Type::List(Box::new(of))
}

fn args() -> Object {
    Object::of([
        ("rows", Field::always(Type::Int)),
        ("ratio", Field::always(Type::Double)),
        ("name", Field::always(Type::String)),
        ("tags", Field::always(list(Type::String))),
        ("nums", Field::always(list(Type::Int))),
        ("counts", Field::always(Type::Map(Box::new(Type::Int)))),
        ("zero", Field::always(Type::Int)),
        ("big", Field::always(Type::Int)),
        ("note", Field::optional(Type::String)),
        ("limit", Field::optional(Type::Int)),
    ])
}

fn schema() -> Schema {
    let claims = Object::of([
        ("env", sometimes(Type::String)),
        ("level", sometimes(Type::Int)),
        ("labels", Field::optional(Type::Map(Box::new(Type::String)))),
    ]);
    Schema::new(Object::of([
        ("args", Field::object(args())),
        ("query", open(Type::String)),
        ("delegated", Field::always(Type::Bool)),
        (
            "request",
            Field::object(Object::of([
                ("time", Field::always(Type::Timestamp)),
                ("headers", open(Type::String)),
            ])),
        ),
        (
            "subject",
            Field::object(Object::of([("claims", Field::object(claims))])),
        ),
        (
            "context",
            Field::object(Object::of([("metadata", open(Type::Dyn))])),
        ),
    ]))
}

fn compile(source: &str) -> Result<Condition, Vec<ExpressionError>> {
    Condition::compile(source, &schema())
}

fn evaluate(source: &str, attributes: &Sample) -> Result<bool, EvaluationError> {
    let condition = compile(source).unwrap_or_else(|errors| panic!("{source}: {errors:?}"));
    condition.evaluate(attributes)
}

/// Expects `source` to have this value for the sample.
fn holds(source: &str, expected: bool) {
    assert_eq!(evaluate(source, &sample()), Ok(expected), "{source}");
}

/// Expects `source` to be an error whose message holds `part`.
fn fails(source: &str, part: &str) {
    match evaluate(source, &sample()) {
        Ok(value) => panic!("{source} is {value}"),
        Err(error) => assert!(error.to_string().contains(part), "{source}: {error}"),
    }
}

/// Expects `source` to be refused at `offset` with a message or help that holds `part`.
fn refused(source: &str, offset: usize, part: &str) {
    let errors = compile(source).expect_err(source);
    let found = errors.iter().any(|error| {
        let text = format!("{error} {}", error.help.as_deref().unwrap_or_default());
        error.offset == offset && text.contains(part)
    });
    assert!(found, "{source}: {errors:?}");
}

#[test]
fn debug_prints_the_source_alone() {
    let condition = compile("args.rows > 1").unwrap();
    assert_eq!(format!("{condition:?}"), "Condition(\"args.rows > 1\")");
    let expression = Expression::compile("args.name", &schema(), &Type::String).unwrap();
    assert_eq!(format!("{expression:?}"), "Expression(\"args.name\")");
    assert_eq!(
        (condition.source(), expression.source()),
        ("args.rows > 1", "args.name")
    );
}
