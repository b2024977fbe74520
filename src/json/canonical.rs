//! The canonical form of a value, and its digest ([RFC 8785](https://www.rfc-editor.org/rfc/rfc8785), JCS).

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use super::{Json, MAX_SAFE_INTEGER, Number, Object};

/// Why a value has no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// An integer outside ±(2^53 − 1). As a double it would be another integer, and two values would share one form.
    #[error("an integer is outside ±(2^53 − 1)")]
    UnsafeInteger,
    /// Infinity, or not a number at all. Never so in a value that was read.
    #[error("a number is not finite")]
    NotFinite,
}

impl Json<'_> {
    /// The one text that stands for this value: members sorted by name, no white space, numbers as ECMAScript writes
    /// them. It does not depend on the order, the escapes and the spaces of the document.
    ///
    /// A [`Number::Double`] is written as the double that it is, also if the document had more digits or an integer that
    /// fits no 64 bits.
    pub fn canonical(&self) -> Result<String, CanonicalError> {
        let mut out = String::new();
        write(self, &mut out)?;
        Ok(out)
    }

    /// SHA-256 of the canonical text.
    pub fn digest(&self) -> Result<[u8; 32], CanonicalError> {
        let canonical = self.canonical()?;
        let digest = digest(&SHA256, canonical.as_bytes());
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Ok(bytes)
    }
}

fn write(json: &Json<'_>, out: &mut String) -> Result<(), CanonicalError> {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => write_number(*number, out)?,
        Json::String(text) => write_text(text, out),
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                separate(at, out);
                write(item, out)?;
            }
            out.push(']');
        }
        Json::Object(object) => write_object(object, out)?,
    }
    Ok(())
}

/// Members sorted by the UTF-16 of their names (section 3.2.3).
fn write_object(object: &Object<'_>, out: &mut String) -> Result<(), CanonicalError> {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push('{');
    for (at, (name, value)) in members.into_iter().enumerate() {
        separate(at, out);
        write_text(name, out);
        out.push(':');
        write(value, out)?;
    }
    out.push('}');
    Ok(())
}

fn separate(at: usize, out: &mut String) {
    if at > 0 {
        out.push(',');
    }
}

/// Section 3.2.2.2: `serde_json` escapes the same characters in the same way.
fn write_text(text: &str, out: &mut String) {
    let escaped = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if text.bytes().any(escaped) {
        out.push_str(&Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// Section 3.2.2.3: as ECMAScript writes a double. Integers within the safe range are the same either way.
fn write_number(number: Number, out: &mut String) -> Result<(), CanonicalError> {
    let double = number.as_double();
    if !double.is_finite() {
        return Err(CanonicalError::NotFinite);
    }
    let unsafe_integer = match number {
        Number::Unsigned(value) => value > MAX_SAFE_INTEGER,
        Number::Signed(value) => value.unsigned_abs() > MAX_SAFE_INTEGER,
        Number::Double(_) => false,
    };
    if unsafe_integer {
        return Err(CanonicalError::UnsafeInteger);
    }
    out.push_str(ryu_js::Buffer::new().format_finite(double));
    Ok(())
}
