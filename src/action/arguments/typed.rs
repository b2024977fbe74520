//! JSON to a value of the declared type.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::json::{Json, Number};
use crate::model::time::Timestamp;
use crate::model::value::{Type, Value};

/// `json` as a value of type `of`; none if it is of another type. Nothing is converted: `"1"` is no number, `1.0` no `int`.
pub(super) fn typed(json: &Json<'_>, of: &Type) -> Option<Value> {
    match (json, of) {
        (json, Type::Dyn) => any(json),
        (Json::Bool(value), Type::Bool) => Some(Value::Bool(*value)),
        (Json::Number(number), Type::Int) => number.as_safe_integer().map(Value::Int),
        (Json::Number(number), Type::Double) => double(*number).map(Value::Double),
        (Json::String(text), Type::String) => Some(Value::string(text.as_ref())),
        (Json::String(text), Type::Timestamp) => Timestamp::parse(text).map(Value::Timestamp),
        (Json::Array(items), Type::List(of)) => {
            let items: Option<Vec<Value>> = items.iter().map(|item| typed(item, of)).collect();
            Some(Value::List(items?.into()))
        }
        (Json::Object(object), Type::Map(of)) => {
            let entry = |(name, value)| Some((Arc::from(name), typed(value, of)?));
            let entries: Option<BTreeMap<Arc<str>, Value>> = object.iter().map(entry).collect();
            Some(Value::Map(Arc::new(entries?)))
        }
        _ => None,
    }
}

/// A double that every reader reads as the same number.
fn double(number: Number) -> Option<f64> {
    match number {
        Number::Double(value) => value.is_finite().then_some(value),
        integer => integer.as_safe_integer().map(|_| integer.as_double()),
    }
}

/// JSON of any shape.
fn any(json: &Json<'_>) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(Number::Double(value)) => Value::Double(*value),
        Json::Number(number) => Value::Int(number.as_safe_integer()?),
        Json::String(text) => Value::string(text.as_ref()),
        Json::Array(items) => {
            Value::List(items.iter().map(any).collect::<Option<Vec<_>>>()?.into())
        }
        Json::Object(object) => {
            let entry = |(name, value)| Some((Arc::from(name), any(value)?));
            Value::Map(Arc::new(object.iter().map(entry).collect::<Option<_>>()?))
        }
    })
}
