//! Why a value does not fit its type, in the user's words.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use super::source::clip;
use crate::config::problem::Position;
use crate::model::suggest::suggest;

/// What serde reports, and where once the value that was being read is known.
#[derive(Debug)]
pub(super) struct DecodeError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    flaw: Flaw,
    found_at: Option<(Position, String)>,
}

#[derive(Debug)]
pub(super) enum Flaw {
    /// The wrong kind of value, with advice.
    WrongType {
        message: String,
        help: Option<&'static str>,
    },
    /// The right kind and not acceptable.
    Invalid(String),
    UnknownKey {
        key: String,
        allowed: Vec<&'static str>,
    },
    UnknownValue {
        value: String,
        allowed: &'static [&'static str],
    },
    MissingKey(&'static str),
}

impl DecodeError {
    fn new(flaw: Flaw) -> Self {
        Self(Box::new(Inner {
            flaw,
            found_at: None,
        }))
    }

    pub(super) fn flaw(&self) -> &Flaw {
        &self.0.flaw
    }

    pub(super) fn is_placed(&self) -> bool {
        self.0.found_at.is_some()
    }

    pub(super) fn place(&mut self, position: Position, path: String) {
        self.0.found_at = Some((position, path));
    }

    pub(super) fn into_parts(self) -> (Flaw, Option<(Position, String)>) {
        (self.0.flaw, self.0.found_at)
    }
}

impl Flaw {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::WrongType { .. } => "wrong-type",
            Self::Invalid(_) => "invalid-value",
            Self::UnknownKey { .. } => "unknown-key",
            Self::UnknownValue { .. } => "unknown-value",
            Self::MissingKey(_) => "missing-key",
        }
    }

    pub(super) fn help(&self) -> Option<String> {
        match self {
            Self::WrongType { help, .. } => help.map(str::to_owned),
            Self::UnknownKey { key, allowed } => choices(key, allowed.iter().copied()),
            Self::UnknownValue { value, allowed } => choices(value, allowed.iter().copied()),
            Self::Invalid(_) | Self::MissingKey(_) => None,
        }
    }
}

/// The nearest of the allowed words, and all of them.
pub(super) fn choices<'a>(
    word: &str,
    allowed: impl Iterator<Item = &'a str> + Clone,
) -> Option<String> {
    let list: Vec<String> = allowed.clone().map(|word| format!("`{word}`")).collect();
    if list.is_empty() {
        return None;
    }
    let all = format!("allowed here: {}", list.join(", "));
    Some(match suggest(word, allowed) {
        Some(near) => format!("did you mean `{near}`?\n{all}"),
        None => all,
    })
}

impl Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongType { message, .. } | Self::Invalid(message) => f.write_str(message),
            Self::UnknownKey { key, .. } => write!(f, "unknown key `{}`", clip(key)),
            Self::UnknownValue { value, .. } => write!(f, "unknown value `{}`", clip(value)),
            Self::MissingKey(key) => write!(f, "missing key `{key}`"),
        }
    }
}

impl Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.flaw().fmt(f)
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(Flaw::Invalid(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let wanted = expected.to_string();
        let help = advice(found, &wanted);
        Self::new(Flaw::WrongType {
            message: format!("expected {}, found {}", words(&wanted), describe(found)),
            help,
        })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!(
            "expected {}, found {}",
            words(&expected.to_string()),
            describe(found)
        ))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::custom(format_args!(
            "expected {}, found {length} items",
            words(&expected.to_string())
        ))
    }

    fn unknown_variant(value: &str, allowed: &'static [&'static str]) -> Self {
        Self::new(Flaw::UnknownValue {
            value: value.to_owned(),
            allowed,
        })
    }

    fn unknown_field(key: &str, allowed: &'static [&'static str]) -> Self {
        Self::new(Flaw::UnknownKey {
            key: key.to_owned(),
            allowed: allowed.to_vec(),
        })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(Flaw::MissingKey(key))
    }

    fn duplicate_field(key: &'static str) -> Self {
        Self::custom(format_args!("`{key}` is set twice, under two names"))
    }
}

fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(number) => format!("the number `{number}`"),
        Unexpected::Signed(number) => format!("the number `{number}`"),
        Unexpected::Float(number) => format!("the number `{number}`"),
        Unexpected::Str("") => "an empty string".to_owned(),
        Unexpected::Str(text) => format!("the string `{}`", clip(text)),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        Unexpected::UnitVariant => "only the name".to_owned(),
        other => other.to_string(),
    }
}

/// Says what serde expects without Rust's words.
fn words(expected: &str) -> String {
    match expected {
        "string" => "a string".to_owned(),
        "newtype variant" | "tuple variant" | "struct variant" => "`name: value`".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "u8" => range(0, i64::from(u8::MAX)),
        "u16" => range(0, i64::from(u16::MAX)),
        "u32" => range(0, i64::from(u32::MAX)),
        "i8" => range(i64::from(i8::MIN), i64::from(i8::MAX)),
        "i16" => range(i64::from(i16::MIN), i64::from(i16::MAX)),
        "i32" => range(i64::from(i32::MIN), i64::from(i32::MAX)),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i64" | "isize" => "a whole number".to_owned(),
        _ if expected.starts_with("a nonzero ") => "a whole number other than 0".to_owned(),
        _ if expected.starts_with("struct ") => "a map".to_owned(),
        _ if expected.starts_with("enum ") => "a string, or a map with one key".to_owned(),
        _ => expected.to_owned(),
    }
}

fn range(from: i64, to: i64) -> String {
    format!("a whole number from {from} to {to}")
}

fn advice(found: Unexpected<'_>, wanted: &str) -> Option<&'static str> {
    let number =
        wanted.starts_with(['u', 'i', 'f']) && wanted.len() <= 5 || wanted.starts_with("a nonzero");
    match found {
        Unexpected::Unit | Unexpected::Option => Some("give it a value, or remove the key"),
        Unexpected::Bool(_)
        | Unexpected::Unsigned(_)
        | Unexpected::Signed(_)
        | Unexpected::Float(_)
            if wanted.ends_with("string") =>
        {
            Some("put it in quotes")
        }
        Unexpected::Str("yes" | "Yes" | "on" | "On") if wanted == "a boolean" => {
            Some("write `true`")
        }
        Unexpected::Str("no" | "No" | "off" | "Off") if wanted == "a boolean" => {
            Some("write `false`")
        }
        Unexpected::Str("true" | "false") if wanted == "a boolean" => Some("remove the quotes"),
        Unexpected::Str(text) if number && text.parse::<f64>().is_ok() => Some("remove the quotes"),
        Unexpected::Str(_) | Unexpected::Map if wanted == "a sequence" || wanted == "a list" => {
            Some("write it as a list: `[…]`, or one `- …` on each line")
        }
        _ => None,
    }
}
