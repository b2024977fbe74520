//! A token's payload, read by type. What has the wrong type is refused, never treated as absent.

use std::sync::Arc;

use super::refusal;
use crate::json::{Json, Object};
use crate::model::attributes::Attributes;
use crate::model::time::Timestamp;
use crate::model::value::{Type, Value};
use crate::model::verdict::Denial;

/// Longest id, scope, group, audience or other text that becomes a part of an identity, in bytes.
pub(super) const MAX_TEXT: usize = 1024;
/// The last second that a date may name: the year 5000. A date beyond it was written in milliseconds.
const LAST_SECOND: i64 = 95_617_584_000;

/// The members of a verified token.
#[derive(Clone, Copy)]
pub(super) struct Payload<'t>(pub(super) &'t Object<'t>);

impl<'t> Payload<'t> {
    pub(super) fn member(self, name: &str) -> Option<&'t Json<'t>> {
        self.0.get(name)
    }

    /// The member at `path`.
    pub(super) fn at<T: AsRef<str>>(self, path: &[T]) -> Option<&'t Json<'t>> {
        let (first, rest) = path.split_first()?;
        rest.iter()
            .try_fold(self.member(first.as_ref())?, |value, name| {
                value.as_object()?.get(name.as_ref())
            })
    }

    /// A text that [`is_fit`], if the member is there.
    pub(super) fn text(self, name: &str) -> Result<Option<Arc<str>>, Denial> {
        match self.member(name) {
            None => Ok(None),
            Some(Json::String(text)) if is_fit(text) => Ok(Some(Arc::from(&**text))),
            Some(_) => Err(refusal::claims(format!(
                "`{name}` is not a text of 1 to {MAX_TEXT} bytes"
            ))),
        }
    }

    /// A list of texts that are fit, at most `most`; empty if the member is not there.
    pub(super) fn texts(self, name: &str, most: usize) -> Result<Vec<Arc<str>>, Denial> {
        let Some(value) = self.member(name) else {
            return Ok(Vec::new());
        };
        let texts = value
            .as_array()
            .filter(|items| items.len() <= most)
            .and_then(|items| {
                let texts = items
                    .iter()
                    .map(|item| item.as_str().filter(|text| is_fit(text)));
                texts
                    .map(|text| text.map(Arc::from))
                    .collect::<Option<Vec<_>>>()
            });
        texts.ok_or_else(|| {
            refusal::claims(format!("`{name}` is not a list of at most {most} texts"))
        })
    }

    /// A `NumericDate` (RFC 7519, section 2), if the member is there.
    pub(super) fn date(self, name: &str) -> Result<Option<Timestamp>, Denial> {
        let refuse = || refusal::claims(format!("`{name}` is not a date in seconds"));
        let date = self
            .member(name)
            .map(|value| numeric_date(value).ok_or_else(refuse));
        date.transpose()
    }
}

/// Whether a text can be a part of an identity: not empty, bounded, and without control characters, so that it can
/// neither break a header nor a line of a log.
pub(super) fn is_fit(text: &str) -> bool {
    let plain = || text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    !text.is_empty() && text.len() <= MAX_TEXT && (plain() || !text.contains(char::is_control))
}

/// A date as a whole or fractional number of seconds from 1970 to 5000; milliseconds are kept, the rest is cut.
fn numeric_date(value: &Json<'_>) -> Option<Timestamp> {
    let number = value.as_number()?;
    if let Some(seconds) = number.as_integer() {
        return (0..=LAST_SECOND)
            .contains(&seconds)
            .then(|| Timestamp::from_seconds(seconds));
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "the bound is exact: it is below 2^53"
    )]
    let seconds =
        Some(number.as_double()).filter(|seconds| (0.0..=LAST_SECOND as f64).contains(seconds))?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the bound times 1000 is far below 2^63"
    )]
    let millis = (seconds * 1000.0).floor() as i64;
    Some(Timestamp::from_millis(millis))
}

/// `value` as a value of the declared type, or nothing if it has another. JSON has one kind of number: a whole one is a
/// `double` too where that is declared, if none of its digits is lost; a `timestamp` is a `NumericDate`.
pub(super) fn typed(value: &Json<'_>, declared: &Type) -> Option<Value> {
    match declared {
        Type::Bool => value.as_bool().map(Value::Bool),
        Type::Int => value.as_number()?.as_integer().map(Value::Int),
        Type::Double => double(value).map(Value::Double),
        Type::String => value.as_str().map(Value::string),
        Type::Timestamp => numeric_date(value).map(Value::Timestamp),
        Type::List(item) => {
            let items = value.as_array()?.iter().map(|value| typed(value, item));
            items.collect::<Option<Arc<[_]>>>().map(Value::List)
        }
        Type::Map(item) => {
            let entries = value.as_object()?.iter();
            let entries = entries.map(|(name, value)| Some((Arc::from(name), typed(value, item)?)));
            entries
                .collect::<Option<_>>()
                .map(|entries| Value::Map(Arc::new(entries)))
        }
        Type::Dyn => Some(untyped(value)),
        Type::Duration => None,
    }
}

fn double(value: &Json<'_>) -> Option<f64> {
    const EXACT: u64 = 1 << 53;
    let number = value.as_number()?;
    match number.as_integer() {
        Some(whole) if whole.unsigned_abs() > EXACT => None,
        _ => Some(number.as_double()),
    }
}

/// Any JSON value; a whole number beyond 64 bits becomes a `double`, which no comparison takes for an `int`.
fn untyped(value: &Json<'_>) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_integer() {
            Some(whole) => Value::Int(whole),
            None => Value::Double(number.as_double()),
        },
        Json::String(text) => Value::string(&**text),
        Json::Array(items) => Value::List(items.iter().map(untyped).collect()),
        Json::Object(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(name, value)| (Arc::from(name), untyped(value)));
            Value::Map(Arc::new(entries.collect()))
        }
    }
}

impl Attributes for Payload<'_> {
    /// `claims.…`: the payload as it is.
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        match path.split_first() {
            Some((root, rest)) if root.as_ref() == "claims" => self.at(rest).map(untyped),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::testing::{borrowed, object};

    #[test]
    fn a_date_is_a_number_of_seconds_from_1970_to_5000() {
        let date =
            |value: serde_json::Value| numeric_date(&borrowed(&value)).map(Timestamp::millis);
        assert_eq!(date(json!(1_795_298_401)), Some(1_795_298_401_000));
        assert_eq!(date(json!(1_795_298_401.25)), Some(1_795_298_401_250));
        assert_eq!(date(json!(1.795e9)), Some(1_795_000_000_000));
        assert_eq!(date(json!(0)), Some(0));
        for bad in [
            json!("1795298401"),
            json!(1_795_298_401_000_i64),
            json!(1.8e12),
            json!(-1),
            json!(-0.5),
            json!(u64::MAX),
            json!(1e300),
            json!(null),
            json!(true),
            json!([1_795_298_401]),
        ] {
            assert_eq!(date(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn declared_types_are_not_converted() {
        let texts = Type::List(Box::new(Type::String));
        let numbers = Type::Map(Box::new(Type::Int));
        for (value, declared, fits) in [
            (json!("a"), &Type::String, true),
            (json!(1), &Type::String, false),
            (json!(1), &Type::Int, true),
            (json!(1.0), &Type::Int, false),
            (json!("1"), &Type::Int, false),
            (json!(u64::MAX), &Type::Int, false),
            (json!(1), &Type::Double, true),
            (json!(1.5), &Type::Double, true),
            (json!((1_i64 << 53) + 1), &Type::Double, false),
            (json!(true), &Type::Bool, true),
            (json!("true"), &Type::Bool, false),
            (json!(1), &Type::Bool, false),
            (json!(null), &Type::String, false),
            (json!(1_795_298_401), &Type::Timestamp, true),
            (json!("2026-11-21"), &Type::Timestamp, false),
            (json!(["a", "b"]), &texts, true),
            (json!(["a", 1]), &texts, false),
            (json!("a"), &texts, false),
            (json!({ "a": 1 }), &numbers, true),
            (json!({ "a": "1" }), &numbers, false),
        ] {
            let read = typed(&borrowed(&value), declared);
            assert_eq!(read.is_some(), fits, "{value} as {declared}");
            assert!(
                read.is_none_or(|read| read.has_type(declared)),
                "{value} as {declared}"
            );
        }
    }

    #[test]
    fn the_payload_is_read_by_path() {
        let claims = json!({
            "realm_access": { "roles": ["a"] }, "kubernetes.io": { "namespace": "ci" }, "none": null
        });
        let claims = object(&claims);
        let get = |path: &[&str]| {
            Payload(&claims).get(&path.iter().map(|name| Box::from(*name)).collect::<Vec<_>>())
        };
        assert_eq!(
            get(&["claims", "realm_access", "roles"]),
            Some(Value::strings(&["a"]))
        );
        assert_eq!(
            get(&["claims", "kubernetes.io", "namespace"]),
            Some(Value::string("ci"))
        );
        assert_eq!(get(&["claims", "none"]), Some(Value::Null));
        for absent in [
            &["claims", "x"][..],
            &["claims", "realm_access", "roles", "a"],
            &["other"],
            &["claims"],
        ] {
            assert_eq!(get(absent), None, "{absent:?}");
        }
    }
}
