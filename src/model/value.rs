//! Values that conditions compare, and the types that they are declared with.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::time::Timestamp;

/// A value of an attribute. Built only from data whose type was checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// JSON `null`; only metadata can hold it.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Double(f64),
    /// A text.
    String(Arc<str>),
    /// A moment, in UTC.
    Timestamp(Timestamp),
    /// A list; its items have one type unless it came from metadata.
    List(Arc<[Value]>),
    /// A map with text keys.
    Map(Arc<BTreeMap<Arc<str>, Value>>),
}

impl Value {
    /// A text value.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// A list of texts.
    pub fn strings<T: AsRef<str>>(items: &[T]) -> Self {
        Self::List(
            items
                .iter()
                .map(|item| Self::string(item.as_ref()))
                .collect(),
        )
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Takes what this value costs from `budget`: 8 bytes a value, and its texts and names. None if that is too much, if it
    /// nests deeper than `depth`, or if a number in it is none.
    pub fn weigh(&self, depth: usize, budget: &mut usize) -> Option<()> {
        *budget = budget.checked_sub(8)?;
        let below = depth.checked_sub(1)?;
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Timestamp(_) => Some(()),
            Self::Double(number) => number.is_finite().then_some(()),
            Self::String(text) => {
                *budget = budget.checked_sub(text.len())?;
                Some(())
            }
            Self::List(items) => items.iter().try_for_each(|item| item.weigh(below, budget)),
            Self::Map(entries) => entries.iter().try_for_each(|(name, entry)| {
                *budget = budget.checked_sub(name.len())?;
                entry.weigh(below, budget)
            }),
        }
    }

    /// Whether this value has the declared type; a whole number is not a `double`, nor the other way round.
    pub fn has_type(&self, declared: &Type) -> bool {
        match (self, declared) {
            (_, Type::Dyn)
            | (Self::Bool(_), Type::Bool)
            | (Self::Int(_), Type::Int)
            | (Self::Double(_), Type::Double)
            | (Self::String(_), Type::String)
            | (Self::Timestamp(_), Type::Timestamp) => true,
            (Self::List(items), Type::List(item)) => items.iter().all(|value| value.has_type(item)),
            (Self::Map(entries), Type::Map(item)) => {
                entries.values().all(|value| value.has_type(item))
            }
            _ => false,
        }
    }
}

/// Reads a whole number from the one text that writes it: no `+`, no zero before it, no `-0`.
pub fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    text.parse().ok().filter(|_number| plain)
}

/// The type of an attribute, as it is declared in policies and providers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `bool`
    Bool,
    /// `int`: 64 bit, signed.
    Int,
    /// `double`
    Double,
    /// `string`
    String,
    /// `timestamp`
    Timestamp,
    /// `duration`: only results of time arithmetic and literals have it; it cannot be declared.
    Duration,
    /// `list<T>`
    List(Box<Type>),
    /// `map<T>`: text keys, every key optional.
    Map(Box<Type>),
    /// Metadata from Envoy: typed only when it is read.
    Dyn,
}

/// Why a text is not a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a type: use `bool`, `int`, `double`, `string`, `timestamp`, `list<string>` or `map<string>`"
)]
pub struct TypeError(String);

impl FromStr for Type {
    type Err = TypeError;

    fn from_str(text: &str) -> Result<Self, TypeError> {
        let inner = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix('>').map(str::trim);
        match text {
            "bool" => Ok(Self::Bool),
            "int" => Ok(Self::Int),
            "double" => Ok(Self::Double),
            "string" => Ok(Self::String),
            "timestamp" => Ok(Self::Timestamp),
            _ => match (inner("list<"), inner("map<")) {
                (Some(item), _) => Self::scalar(item).map(|item| Self::List(Box::new(item))),
                (_, Some(item)) => Self::scalar(item).map(|item| Self::Map(Box::new(item))),
                (None, None) => Err(TypeError(text.to_owned())),
            },
        }
    }
}

impl Type {
    /// Items of declared lists and maps are scalars, so that every comparison has a bounded cost.
    fn scalar(text: &str) -> Result<Self, TypeError> {
        match text.parse()? {
            Self::List(_) | Self::Map(_) => Err(TypeError(text.to_owned())),
            scalar => Ok(scalar),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(item) => write!(f, "list<{item}>"),
            Self::Map(item) => write!(f, "map<{item}>"),
            Self::Dyn => f.write_str("dyn"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_written_in_one_way() {
        for number in [0, 1, -1, 10, -10, 1_005, i64::MAX, i64::MIN] {
            assert_eq!(whole_number(&number.to_string()), Some(number));
        }
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-01",
            "00",
            "-0",
            "1.0",
            "1e3",
            " 1",
            "1 ",
            "1_0",
            "x",
            "9223372036854775808",
        ] {
            assert_eq!(whole_number(text), None, "{text:?}");
        }
    }

    #[test]
    fn types_are_read_as_they_are_printed() {
        for text in [
            "bool",
            "int",
            "double",
            "string",
            "timestamp",
            "list<string>",
            "map<int>",
        ] {
            assert_eq!(text.parse::<Type>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "str",
            "list",
            "list<list<int>>",
            "list<",
            "duration",
            "dyn",
        ] {
            assert!(bad.parse::<Type>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_number_in_a_string_is_not_an_int() {
        assert!(!Value::string("10").has_type(&Type::Int));
        assert!(!Value::Int(1).has_type(&Type::Double));
        assert!(Value::strings(&["a"]).has_type(&Type::List(Box::new(Type::String))));
    }
}
