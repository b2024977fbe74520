//! Envoy's metadata as values. Only namespaces that Envoy was told to send arrive here.

use std::collections::BTreeMap;
use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::Metadata;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value as ProtoValue};

use crate::model::reason::Reason;
use crate::model::value::Value;
use crate::model::verdict::Denial;

/// Deepest nesting below a namespace.
const MAX_DEPTH: usize = 16;
/// Most values of one context, all namespaces together.
const MAX_VALUES: usize = 4096;

/// Reads `filter_metadata` by namespace. Every number is a double, as Envoy sends it; typed metadata is not read.
pub(super) fn metadata(context: Option<&Metadata>) -> Result<BTreeMap<String, Value>, Denial> {
    let mut budget = MAX_VALUES;
    let Some(context) = context else {
        return Ok(BTreeMap::new());
    };
    let namespaces = context.filter_metadata.iter();
    namespaces
        .map(|(name, fields)| Some((name.clone(), map(fields, MAX_DEPTH, &mut budget)?)))
        .collect::<Option<_>>()
        .ok_or_else(|| {
            Denial::new(Reason::RequestMalformed).because("the metadata is malformed or too large")
        })
}

fn map(fields: &Struct, depth: usize, budget: &mut usize) -> Option<Value> {
    let fields = fields.fields.iter();
    let entries: Option<BTreeMap<Arc<str>, Value>> = fields
        .map(|(name, field)| Some((Arc::from(name.as_str()), value(field, depth, budget)?)))
        .collect();
    entries.map(|entries| Value::Map(Arc::new(entries)))
}

/// `None` past a bound, for a value without a kind, and for a number that JSON does not have.
fn value(field: &ProtoValue, depth: usize, budget: &mut usize) -> Option<Value> {
    *budget = budget.checked_sub(1)?;
    let below = depth.checked_sub(1)?;
    match field.kind.as_ref()? {
        Kind::NullValue(_) => Some(Value::Null),
        Kind::NumberValue(number) => number.is_finite().then_some(Value::Double(*number)),
        Kind::StringValue(text) => Some(Value::string(text.as_str())),
        Kind::BoolValue(truth) => Some(Value::Bool(*truth)),
        Kind::StructValue(fields) => map(fields, below, budget),
        Kind::ListValue(list) => {
            let items = list.values.iter();
            items
                .map(|item| value(item, below, budget))
                .collect::<Option<_>>()
                .map(Value::List)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use envoy_types::pb::google::protobuf::ListValue;

    use super::*;

    fn of(kind: Kind) -> ProtoValue {
        ProtoValue { kind: Some(kind) }
    }

    fn list(values: Vec<ProtoValue>) -> ProtoValue {
        of(Kind::ListValue(ListValue { values }))
    }

    fn context(field: ProtoValue) -> Metadata {
        let fields = HashMap::from([("x".to_owned(), field)]);
        Metadata {
            filter_metadata: HashMap::from([("ns".to_owned(), Struct { fields })]),
            typed_filter_metadata: HashMap::new(),
        }
    }

    fn read(field: ProtoValue) -> Option<Value> {
        let read = metadata(Some(&context(field))).ok()?;
        match read.get("ns") {
            Some(Value::Map(entries)) => entries.get("x").cloned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn metadata_keeps_its_shape() {
        let items = list(vec![
            of(Kind::NumberValue(1.0)),
            of(Kind::BoolValue(true)),
            of(Kind::NullValue(0)),
        ]);
        let expected = Value::List(Arc::from([
            Value::Double(1.0),
            Value::Bool(true),
            Value::Null,
        ]));
        assert_eq!(read(items), Some(expected));
        assert!(metadata(None).unwrap().is_empty());
    }

    #[test]
    fn metadata_has_bounds() {
        let nested = |depth| (1..depth).fold(list(vec![]), |inner, _| list(vec![inner]));
        assert!(read(nested(MAX_DEPTH)).is_some());
        assert!(read(nested(MAX_DEPTH + 1)).is_none());
        let wide = |count| list(vec![of(Kind::BoolValue(true)); count]);
        assert!(read(wide(MAX_VALUES - 1)).is_some());
        assert!(read(wide(MAX_VALUES)).is_none());
        assert!(read(of(Kind::NumberValue(f64::NAN))).is_none());
        assert!(read(ProtoValue { kind: None }).is_none());
    }
}
