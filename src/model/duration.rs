//! Durations as people write them in configuration: `100ms`, `30s`, `5m`, `1h`, `7d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// The longest duration that is accepted: ten years, so that adding one to an instant cannot overflow.
pub const MAX_DURATION: Duration = Duration::from_hours(10 * 365 * 24);

/// The units, longest first, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// A duration of whole milliseconds, written as one number and one unit, at most [`MAX_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumanDuration(Duration);

/// Why a text is not a [`HumanDuration`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// The text is not a whole number followed by a unit.
    #[error(
        "not a duration: write a whole number and a unit, such as `100ms`, `30s`, `5m`, `1h` or `7d`"
    )]
    Malformed,
    /// The duration is longer than [`MAX_DURATION`].
    #[error("the duration is too long: at most `{}`", HumanDuration(MAX_DURATION))]
    TooLong,
}

impl HumanDuration {
    /// Wraps a whole number of milliseconds; more than [`MAX_DURATION`] is cut to it.
    pub const fn from_millis(milliseconds: u64) -> Self {
        if milliseconds as u128 > MAX_DURATION.as_millis() {
            Self(MAX_DURATION)
        } else {
            Self(Duration::from_millis(milliseconds))
        }
    }

    /// Wraps a whole number of seconds; more than [`MAX_DURATION`] is cut to it.
    pub const fn from_secs(seconds: u64) -> Self {
        Self::from_millis(seconds.saturating_mul(1_000))
    }

    /// The duration itself.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for HumanDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let end = text.find(|c: char| !c.is_ascii_digit());
        let (number, unit) = text
            .split_at_checked(end.unwrap_or(text.len()))
            .ok_or(DurationError::Malformed)?;
        let (_, scale) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or(DurationError::Malformed)?;
        if number.is_empty() {
            return Err(DurationError::Malformed);
        }
        // Only digits are left, so that the number can fail by its size alone.
        let milliseconds = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*scale))
            .ok_or(DurationError::TooLong)?;
        let duration = Duration::from_millis(milliseconds);
        if duration > MAX_DURATION {
            return Err(DurationError::TooLong);
        }
        Ok(Self(duration))
    }
}

impl From<HumanDuration> for Duration {
    fn from(duration: HumanDuration) -> Self {
        duration.0
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        for (unit, scale) in UNITS {
            let scale = u128::from(scale);
            if milliseconds > 0 && milliseconds.is_multiple_of(scale) {
                return write!(f, "{}{unit}", milliseconds / scale);
            }
        }
        f.write_str("0s")
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = HumanDuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as `100ms`, `30s`, `5m`, `1h` or `7d`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_unit_is_understood() {
        for (text, milliseconds) in [
            ("0s", 0),
            ("100ms", 100),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("7d", 604_800_000),
        ] {
            let parsed: HumanDuration = text.parse().unwrap();
            assert_eq!(parsed.get(), Duration::from_millis(milliseconds), "{text}");
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "", "5", "m", "-5m", "5 m", " 5m", "5m ", "1.5h", "5M", "5m30s", "+5s", "٣s", "5µs",
        ] {
            assert_eq!(
                text.parse::<HumanDuration>(),
                Err(DurationError::Malformed),
                "{text}"
            );
        }
    }

    #[test]
    fn a_duration_that_does_not_fit_is_refused() {
        for text in ["3651d", "18446744073709551615d", "99999999999999999999ms"] {
            assert_eq!(
                text.parse::<HumanDuration>(),
                Err(DurationError::TooLong),
                "{text}"
            );
        }
        assert_eq!(
            DurationError::TooLong.to_string(),
            "the duration is too long: at most `3650d`"
        );
    }

    #[test]
    fn a_bare_number_in_a_file_is_refused() {
        let error = serde_json::from_str::<HumanDuration>("5").unwrap_err();
        assert!(error.to_string().contains("a duration such as"), "{error}");
        let parsed: HumanDuration = serde_json::from_str("\"5m\"").unwrap();
        assert_eq!(parsed, HumanDuration::from_secs(300));
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_back(milliseconds in 0u64..=315_360_000_000) {
            let duration = HumanDuration(Duration::from_millis(milliseconds));
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        }
    }
}
