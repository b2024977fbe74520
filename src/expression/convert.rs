//! Values of the model to values of the interpreter, and back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelTimestamp,
};
use cel::common::value::Val;
use chrono::{DateTime, Datelike};

use super::error::{Arithmetic, EvaluationError};
use super::limits::{MAX_ITEMS, MAX_TEXT, MAX_VALUE_DEPTH};
use crate::model::time::Timestamp;
use crate::model::value::Value;

/// The interpreter's copy of `value`, if it is within the bounds of one attribute.
pub(super) fn to_interpreter(value: &Value) -> Result<Box<dyn Val>, EvaluationError> {
    Budget { items: MAX_ITEMS }.convert(value, 0)
}

/// Whether a text may be read.
pub(super) fn affordable(text: &str) -> bool {
    text.len() <= MAX_TEXT
}

/// How many more values an attribute may hold.
struct Budget {
    items: usize,
}

impl Budget {
    fn convert(&mut self, value: &Value, depth: usize) -> Result<Box<dyn Val>, EvaluationError> {
        self.items = self
            .items
            .checked_sub(usize::from(depth > 0))
            .ok_or(EvaluationError::OverBudget)?;
        if depth > MAX_VALUE_DEPTH {
            return Err(EvaluationError::OverBudget);
        }
        Ok(match value {
            Value::Null => Box::new(CelNull),
            Value::Bool(value) => Box::new(CelBool::from(*value)),
            Value::Int(value) => Box::new(CelInt::from(*value)),
            Value::Double(value) => Box::new(CelDouble::from(*value)),
            Value::String(text) => Box::new(owned(text)?),
            Value::Timestamp(moment) => Box::new(time(*moment)?),
            Value::List(items) => {
                let items: Result<Vec<_>, _> = items
                    .iter()
                    .map(|item| self.convert(item, depth + 1))
                    .collect();
                Box::new(CelList::from(items?))
            }
            Value::Map(entries) => {
                let mut map: HashMap<CelMapKey<'static>, Box<dyn Val>> = HashMap::new();
                for (key, value) in entries.iter() {
                    map.insert(
                        CelMapKey::String(owned(key)?),
                        self.convert(value, depth + 1)?,
                    );
                }
                Box::new(CelMap::from(map))
            }
        })
    }
}

fn owned(text: &str) -> Result<CelString<'static>, EvaluationError> {
    if affordable(text) {
        Ok(CelString::from(text.to_owned()))
    } else {
        Err(EvaluationError::OverBudget)
    }
}

/// The interpreter adds to moments without a check that they are in the range that it promises, so none outside it
/// may get in.
fn time(moment: Timestamp) -> Result<CelTimestamp, EvaluationError> {
    DateTime::from_timestamp_millis(moment.millis())
        .filter(|moment| (1..=9999).contains(&moment.year()))
        .map(|moment| CelTimestamp::from(moment.fixed_offset()))
        .ok_or(EvaluationError::Arithmetic(Arithmetic::TimeOutOfRange))
}

/// The model's copy of a result; `None` for what the model has no value for (a duration).
pub(super) fn to_model(value: &dyn Val) -> Option<Value> {
    if let Some(value) = value.downcast_ref::<CelBool>() {
        Some(Value::Bool(*value.inner()))
    } else if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        Some(Value::string(text.inner()))
    } else if let Some(value) = value.downcast_ref::<CelInt>() {
        Some(Value::Int(*value.inner()))
    } else if let Some(value) = value.downcast_ref::<CelDouble>() {
        Some(Value::Double(*value.inner()))
    } else if let Some(moment) = value.downcast_ref::<CelTimestamp>() {
        Some(Value::Timestamp(Timestamp::from_millis(
            moment.inner().timestamp_millis(),
        )))
    } else if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        let items: Option<Arc<[Value]>> = list
            .inner()
            .iter()
            .map(|item| to_model(item.as_ref()))
            .collect();
        items.map(Value::List)
    } else if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
        map_to_model(map)
    } else {
        value.downcast_ref::<CelNull>().map(|_| Value::Null)
    }
}

fn map_to_model(map: &CelMap<'_>) -> Option<Value> {
    let entries = map.inner().iter().map(|(key, value)| match key {
        CelMapKey::String(key) => Some((Arc::from(key.inner()), to_model(value.as_ref())?)),
        _ => None,
    });
    let entries: Option<BTreeMap<Arc<str>, Value>> = entries.collect();
    entries.map(|entries| Value::Map(Arc::new(entries)))
}
