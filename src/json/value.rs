//! A JSON value as it was read.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use super::Object;
use super::fold::folded;

/// The largest integer that every reader of JSON reads exactly, 2^53 − 1 (RFC 7493, section 2.2).
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The member that names what an object of JavaScript inherits from.
pub const PROTOTYPE: &str = "__proto__";

/// A JSON value; what has no escapes is borrowed from the document.
///
/// Its debug print says what kind of value it is and how large, nothing of what is in it.
#[derive(Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string, without its escapes.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// A number, by what is exact about it. As with every reader, how it was spelt is lost beyond that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// An integer from 0 on.
    Unsigned(u64),
    /// An integer below 0.
    Signed(i64),
    /// Everything else, rounded to the nearest double: with a fraction or an exponent (`1.0` and `1e3` too), `-0`, and
    /// integers that fit no 64 bits. Always finite when it was read.
    Double(f64),
}

impl Number {
    /// The integer, if it was written as one and every reader reads the same: within ±(2^53 − 1).
    pub fn as_safe_integer(self) -> Option<i64> {
        let integer = self.as_integer()?;
        (integer.unsigned_abs() <= MAX_SAFE_INTEGER).then_some(integer)
    }

    /// The integer, if it was written as one that fits.
    pub fn as_integer(self) -> Option<i64> {
        match self {
            Self::Unsigned(value) => i64::try_from(value).ok(),
            Self::Signed(value) => Some(value),
            Self::Double(_) => None,
        }
    }

    /// The nearest double.
    pub fn as_double(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the nearest double is what is asked for"
        )]
        match self {
            Self::Unsigned(value) => value as f64,
            Self::Signed(value) => value as f64,
            Self::Double(value) => value,
        }
    }
}

impl<'a> Json<'a> {
    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The member with this name, if it is an object that has one.
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// The items, if it is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Whether an object in it has two members that some reader takes for one, because their names
    /// [fold](super::folds_to) to one; or a member `__proto__`, from which other members come in JavaScript.
    pub fn has_lookalikes(&self) -> bool {
        match self {
            Self::Array(items) => items.iter().any(Self::has_lookalikes),
            Self::Object(object) => {
                let mut names = HashSet::new();
                object.iter().any(|(name, value)| {
                    name == PROTOTYPE || !names.insert(folded(name)) || value.has_lookalikes()
                })
            }
            _ => false,
        }
    }

    /// The same, borrowed from nothing.
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Number(number) => Json::Number(number),
            Self::String(text) => Json::String(Cow::Owned(text.into_owned())),
            Self::Array(items) => Json::Array(items.into_iter().map(Json::into_owned).collect()),
            Self::Object(object) => Json::Object(object.into_owned()),
        }
    }

    /// The truth, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool"),
            Self::Number(_) => f.write_str("Number"),
            Self::String(text) => write!(f, "String({} bytes)", text.len()),
            Self::Array(items) => write!(f, "Array({} items)", items.len()),
            Self::Object(object) => object.fmt(f),
        }
    }
}

impl From<Json<'_>> for serde_json::Value {
    fn from(json: Json<'_>) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(Number::Unsigned(value)) => value.into(),
            Json::Number(Number::Signed(value)) => value.into(),
            Json::Number(Number::Double(value)) => value.into(),
            Json::String(text) => Self::String(text.into_owned()),
            Json::Array(items) => items.into_iter().map(Self::from).collect(),
            Json::Object(object) => Self::Object(object.into()),
        }
    }
}
