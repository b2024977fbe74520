//! Patterns of `matches`: compiled at load, a value of a type of their own to the interpreter.

use std::any::Any;

use cel::common::types::{CelString, Type};
use cel::common::value::{StaticVal, Val};
use regex::{Error, Regex, RegexBuilder};

use super::library::MATCHES;
use super::limits::{MAX_PATTERN, MAX_PATTERN_NESTING};
use super::strict::{Answer, Args, answer, two, wrong};

/// The type of patterns; no source can name it.
pub(super) const PATTERN: Type = Type::new_unspecified_type("pattern");
static PATTERN_TYPE: Type = PATTERN;

/// A pattern that was compiled at load. Matching takes time linear in the text, whatever the pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// The error says what is wrong in one line.
    pub(super) fn compile(pattern: &str) -> Result<Self, String> {
        RegexBuilder::new(pattern)
            .size_limit(MAX_PATTERN)
            .dfa_size_limit(MAX_PATTERN)
            .nest_limit(MAX_PATTERN_NESTING)
            .build()
            .map(Self)
            .map_err(|error| reason(&error))
    }
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &PATTERN_TYPE
    }

    fn cel_type() -> &'static Type {
        &PATTERN_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

fn reason(error: &Error) -> String {
    match error {
        Error::CompiledTooBig(_) => "it is too large".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
    }
}

/// `matches` with a compiled pattern.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the interpreter hands functions their arguments"
)]
pub(super) fn matches<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let (text, pattern) = two(MATCHES, &args)?;
    match (
        text.downcast_ref::<CelString<'_>>(),
        pattern.downcast_ref::<Pattern>(),
    ) {
        (Some(text), Some(pattern)) => Ok(answer(pattern.0.is_match(text.inner()))),
        _ => Err(wrong(MATCHES)),
    }
}
