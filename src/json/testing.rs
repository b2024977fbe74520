//! What tests write as `json!`, as it would have been read.

use std::borrow::Cow;

use serde_json::Value;

use super::{Json, Number, Object};

/// The value, borrowed.
pub(crate) fn borrowed(value: &Value) -> Json<'_> {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => Json::Number(match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => Number::Unsigned(value),
            (None, Some(value)) => Number::Signed(value),
            (None, None) => Number::Double(number.as_f64().unwrap()),
        }),
        Value::String(text) => Json::String(Cow::Borrowed(text)),
        Value::Array(items) => Json::Array(items.iter().map(borrowed).collect()),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| (Cow::from(name), borrowed(value)));
            Json::Object(Object::new(members.collect()).unwrap())
        }
    }
}

/// The object that the value is.
pub(crate) fn object(value: &Value) -> Object<'_> {
    match borrowed(value) {
        Json::Object(object) => object,
        other => panic!("not an object: {other:?}"),
    }
}
