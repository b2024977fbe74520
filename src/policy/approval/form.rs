//! JSON of what is approved, and its canonical form.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::json::{Json, Number, Object};
use crate::model::reason::Reason;
use crate::model::request::Query;
use crate::model::value::Value;
use crate::model::verdict::Denial;

type Member<'a> = (Cow<'a, str>, Json<'a>);

/// The chosen members of a map that are there; none if none is chosen.
pub(super) fn chosen<'a, 'n>(
    map: &'a BTreeMap<Arc<str>, Value>,
    names: impl Iterator<Item = &'n str>,
) -> Option<Json<'a>> {
    let names: Vec<&str> = names.collect();
    (!names.is_empty()).then(|| values(map, |name| names.contains(&name)))
}

pub(super) fn values(map: &BTreeMap<Arc<str>, Value>, wanted: impl Fn(&str) -> bool) -> Json<'_> {
    let members = map.iter().filter(|(name, _)| wanted(name));
    object(
        members
            .map(|(name, value)| member(name, json_of(value)))
            .collect(),
    )
}

/// Every value of every parameter, in the order of the request.
pub(super) fn all_of<'a>(query: &'a Query, wanted: impl Fn(&str) -> bool) -> Json<'a> {
    let mut by_name: BTreeMap<&'a str, Vec<Json<'a>>> = BTreeMap::new();
    for (name, value) in query.iter().filter(|(name, _)| wanted(name)) {
        by_name.entry(name).or_default().push(text(value));
    }
    let one_or_all = |mut values: Vec<Json<'a>>| match (values.pop(), values.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            values.extend(last);
            Json::Array(values)
        }
    };
    let members = by_name.into_iter();
    object(
        members
            .map(|(name, values)| member(name, one_or_all(values)))
            .collect(),
    )
}

fn json_of(value: &Value) -> Json<'_> {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::Number(Number::Signed(*value)),
        Value::Double(value) => Json::Number(Number::Double(*value)),
        Value::String(value) => text(value),
        Value::Timestamp(at) => Json::String(Cow::Owned(at.to_string())),
        Value::List(items) => Json::Array(items.iter().map(json_of).collect()),
        Value::Map(entries) => object(
            entries
                .iter()
                .map(|(name, value)| member(name, json_of(value)))
                .collect(),
        ),
    }
}

pub(super) fn member<'a>(name: &'a str, value: Json<'a>) -> Member<'a> {
    (Cow::Borrowed(name), value)
}

pub(super) fn text(text: &str) -> Json<'_> {
    Json::String(Cow::Borrowed(text))
}

/// Names come from maps, or are written above: no two are the same.
pub(super) fn object(members: Vec<Member<'_>>) -> Json<'_> {
    Object::new(members).map_or(Json::Null, Json::Object)
}

pub(super) fn canonical(json: &Json<'_>) -> Result<String, Denial> {
    json.canonical().map_err(|error| {
        Denial::new(Reason::ArgumentInvalid).because(format!(
            "what an approval is bound to has no canonical form: {error}"
        ))
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}
