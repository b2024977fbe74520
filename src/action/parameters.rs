//! Parameters from a request's path and query, typed as the action declares them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::reason::Reason;
use crate::model::request::Query;
use crate::model::route::{Action, QueryParameter};
use crate::model::time::Timestamp;
use crate::model::value::{Type, Value, whole_number};
use crate::model::verdict::Denial;

/// Types the path parameters that the pattern captured.
pub(super) fn path_parameters<'a>(
    action: &Action,
    captured: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<BTreeMap<Arc<str>, Value>, Denial> {
    let mut params = BTreeMap::new();
    for (name, text) in captured {
        let Some((name, of)) = action.params.get_key_value(name) else {
            continue;
        };
        let value = typed(text, of).ok_or_else(|| invalid(name, of))?;
        params.insert(Arc::clone(name), value);
    }
    Ok(params)
}

/// Types the declared query parameters and keeps the others as text, the first of each name: a repeated name that
/// is read is refused before anything reads it.
pub(super) fn query_parameters(
    action: &Action,
    query: &Query,
) -> Result<BTreeMap<Arc<str>, Value>, Denial> {
    let mut values = BTreeMap::new();
    for (name, text) in query
        .iter()
        .filter(|(name, _)| !action.query.contains_key(*name))
    {
        values
            .entry(Arc::from(name))
            .or_insert_with(|| Value::string(text));
    }
    for (name, QueryParameter { of, optional }) in &action.query {
        let mut given = query.all(name);
        match (given.next(), given.next()) {
            (Some(_), Some(_)) => {
                return Err(repeated(name));
            }
            (Some(text), None) => {
                values.insert(
                    Arc::clone(name),
                    typed(text, of).ok_or_else(|| invalid(name, of))?,
                );
            }
            (None, _) if *optional => {}
            (None, _) => {
                let cause = format!("query parameter `{name}` is missing");
                return Err(Denial::new(Reason::ParameterInvalid).because(cause));
            }
        }
    }
    Ok(values)
}

/// The denial of a parameter that is read and occurs more than once.
pub(super) fn repeated(name: &str) -> Denial {
    Denial::new(Reason::QueryRepeated).because(format!("query parameter `{name}` is repeated"))
}

fn invalid(name: &str, of: &Type) -> Denial {
    Denial::new(Reason::ParameterInvalid)
        .because(format!("parameter `{name}` is not of type `{of}`"))
}

/// Reads `text` as a value of type `of`. Numbers have one spelling: `007`, `+7`, `-0` and `1e3` are refused, because
/// an upstream may read them as something else.
pub(super) fn typed(text: &str, of: &Type) -> Option<Value> {
    match of {
        Type::String => Some(Value::string(text)),
        Type::Bool => text.parse().ok().map(Value::Bool),
        Type::Int => whole_number(text).map(Value::Int),
        Type::Double if is_plain_number(text) => {
            let number: f64 = text.parse().ok()?;
            number.is_finite().then_some(Value::Double(number))
        }
        Type::Timestamp => Timestamp::parse(text).map(Value::Timestamp),
        Type::Double | Type::Duration | Type::List(_) | Type::Map(_) | Type::Dyn => None,
    }
}

/// A number as JSON writes it (RFC 8259, section 6), without an exponent and without a negative zero.
fn is_plain_number(text: &str) -> bool {
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match magnitude.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (magnitude, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    let negative_zero =
        text.starts_with('-') && magnitude.bytes().all(|b| matches!(b, b'0' | b'.'));
    digits(whole) && fraction.is_none_or(digits) && !leading_zero && !negative_zero
}
