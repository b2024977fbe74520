//! JSON to a value of the declared type.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::json::{Json, MAX_SAFE_INTEGER, Number};
use crate::model::time::Timestamp;
use crate::model::value::{Type, Value};

/// `json` as a value of type `of`; none if it has another type. Nothing is converted: `"1"` is no number, `1.0` no `int`,
/// `null` not an argument that was left out.
pub(super) fn typed(json: &Json<'_>, of: &Type) -> Option<Value> {
    match (json, of) {
        (json, Type::Dyn) => any(json),
        (Json::Bool(value), Type::Bool) => Some(Value::Bool(*value)),
        (Json::Number(number), Type::Int) => number.as_safe_integer().map(Value::Int),
        (Json::Number(number), Type::Double) => double(*number).map(Value::Double),
        (Json::String(text), Type::String) => Some(Value::string(text.as_ref())),
        (Json::String(text), Type::Timestamp) => {
            Timestamp::parse_date_time(text).map(Value::Timestamp)
        }
        (Json::Array(items), Type::List(of)) => {
            let items: Option<Arc<[Value]>> = items.iter().map(|item| typed(item, of)).collect();
            items.map(Value::List)
        }
        (Json::Object(object), Type::Map(of)) => {
            let entry = |(name, value)| Some((Arc::from(name), typed(value, of)?));
            let entries: Option<BTreeMap<Arc<str>, Value>> = object.iter().map(entry).collect();
            entries.map(|entries| Value::Map(Arc::new(entries)))
        }
        _ => None,
    }
}

/// A number within ±(2^53 − 1). Beyond that doubles are whole numbers with gaps between them: a reader with longer integers has
/// another number.
fn double(number: Number) -> Option<f64> {
    let value = number.as_double();
    #[expect(clippy::cast_precision_loss, reason = "2^53 − 1 is a double")]
    let largest = MAX_SAFE_INTEGER as f64;
    let exact = match number {
        Number::Double(_) => value.abs() <= largest,
        Number::Unsigned(_) | Number::Signed(_) => number.as_safe_integer().is_some(),
    };
    exact.then_some(value)
}

/// JSON of any shape, `null` too; what is written as an integer is an `int`, any other number a `double`.
fn any(json: &Json<'_>) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number @ Number::Double(_)) => Value::Double(double(*number)?),
        Json::Number(number) => Value::Int(number.as_safe_integer()?),
        Json::String(text) => Value::string(text.as_ref()),
        Json::Array(items) => Value::List(items.iter().map(any).collect::<Option<_>>()?),
        Json::Object(object) => {
            let entry = |(name, value)| Some((Arc::from(name), any(value)?));
            Value::Map(Arc::new(object.iter().map(entry).collect::<Option<_>>()?))
        }
    })
}
