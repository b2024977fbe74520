//! What an unquoted scalar means: the YAML 1.2 core schema (<https://yaml.org/spec/1.2.2/#103-core-schema>).

use std::sync::Arc;

use super::node::Value;

/// A number that the file states and that cannot be held exactly.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfRange;

/// Reads an unquoted scalar: `yes`, `no` and `1_000` are strings, as YAML 1.2 has it.
pub(super) fn resolve(text: &str) -> Result<Value, OutOfRange> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(OutOfRange);
    }
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return Ok(Value::Str(Arc::from(text)));
    }
    if let Some((digits, radix)) = radix(text) {
        return integer(digits, radix);
    }
    if digits(unsigned) {
        return integer(text, 10);
    }
    if is_float(unsigned) {
        let number: f64 = text.parse().unwrap_or(f64::INFINITY);
        return if number.is_finite() {
            Ok(Value::Float(number))
        } else {
            Err(OutOfRange)
        };
    }
    Ok(Value::Str(Arc::from(text)))
}

fn radix(text: &str) -> Option<(&str, u32)> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text.strip_prefix("0o")?, 8),
    };
    (!digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix)))
        .then_some((digits, radix))
}

fn integer(digits: &str, radix: u32) -> Result<Value, OutOfRange> {
    if let Ok(number) = i64::from_str_radix(digits, radix) {
        return Ok(Value::Int(number));
    }
    match u64::from_str_radix(digits, radix) {
        Ok(number) => Ok(Value::Uint(number)),
        // All digits have been seen to be digits, so only the size is left to be wrong.
        Err(_) => Err(OutOfRange),
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    mantissa
        && exponent
            .is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match resolve(text) {
            Ok(Value::Str(text)) => format!("string {text}"),
            Ok(value) => format!("{value:?}"),
            Err(OutOfRange) => "out of range".to_owned(),
        }
    }

    #[test]
    fn only_core_schema_words_are_booleans_and_nulls() {
        for text in [
            "yes", "no", "on", "off", "y", "tRUE", "nUll", "-", "1_000", "0b1", "1:30", "0x",
            "-0x1", ".", "1.2.3", "1e", "+.e1",
        ] {
            assert_eq!(shown(text), format!("string {text}"));
        }
        assert_eq!(
            (shown("True"), shown("FALSE"), shown("~")),
            ("Bool(true)".into(), "Bool(false)".into(), "Null".into())
        );
    }

    #[test]
    fn numbers_are_exact_or_refused() {
        assert_eq!(
            (shown("-12"), shown("+7"), shown("0o17")),
            ("Int(-12)".into(), "Int(7)".into(), "Int(15)".into())
        );
        assert_eq!(
            (shown("0xFF"), shown("007")),
            ("Int(255)".into(), "Int(7)".into())
        );
        assert_eq!(shown("18446744073709551615"), "Uint(18446744073709551615)");
        assert_eq!(
            (shown("1."), shown(".5"), shown("-1e3")),
            (
                "Float(1.0)".into(),
                "Float(0.5)".into(),
                "Float(-1000.0)".into()
            )
        );
        for text in [
            "18446744073709551616",
            "-9223372036854775809",
            "1e999",
            ".inf",
            "-.Inf",
            ".nan",
        ] {
            assert_eq!(shown(text), "out of range", "{text}");
        }
    }
}
