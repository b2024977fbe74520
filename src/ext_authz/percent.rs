//! Percent encoding (RFC 3986, section 2.1), read unit by unit so that each caller says which units it accepts.

/// One byte of a text, and whether it was encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// The byte stands for itself.
    Raw(u8),
    /// The byte was written as `%` and two hexadecimal digits.
    Encoded(u8),
}

/// A `%` that two hexadecimal digits do not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// The units of `text`, in order.
pub(super) fn units(text: &str) -> impl Iterator<Item = Result<Unit, Broken>> {
    let mut bytes = text.bytes();
    std::iter::from_fn(move || {
        let byte = bytes.next()?;
        if byte != b'%' {
            return Some(Ok(Unit::Raw(byte)));
        }
        let digits = bytes.next().and_then(hex).zip(bytes.next().and_then(hex));
        Some(
            digits
                .map(|(high, low)| Unit::Encoded(high << 4 | low))
                .ok_or(Broken),
        )
    })
}

/// Whether a byte never needs encoding (RFC 3986, section 2.3).
pub(super) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Whether a byte is an ASCII control character.
pub(super) const fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

/// Whether a text has a control character of ISO 6429's upper set, U+0080 to U+009F.
pub(super) fn has_upper_control(text: &str) -> bool {
    text.chars().any(|c| ('\u{80}'..='\u{9f}').contains(&c))
}

/// Percent-encodes every byte that is not unreserved.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_unreserved(byte) {
            encoded.push(char::from(byte));
        } else {
            let digits = [byte >> 4, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16));
            encoded.push('%');
            encoded.extend(digits.into_iter().flatten().map(|c| c.to_ascii_uppercase()));
        }
    }
    encoded
}

fn hex(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_read_back() {
        let text = "a&b=c d#é%-._~";
        let encoded = encode(text);
        assert_eq!(encoded, "a%26b%3Dc%20d%23%C3%A9%25-._~");
        let bytes = units(&encoded).map(|unit| match unit {
            Ok(Unit::Raw(byte) | Unit::Encoded(byte)) => byte,
            Err(Broken) => panic!("broken"),
        });
        assert_eq!(bytes.collect::<Vec<_>>(), text.as_bytes());
    }

    #[test]
    fn units_tell_raw_from_encoded() {
        let read: Vec<_> = units("a%2Fb%2f").collect();
        let expected = [
            Unit::Raw(b'a'),
            Unit::Encoded(b'/'),
            Unit::Raw(b'b'),
            Unit::Encoded(b'/'),
        ];
        assert_eq!(read, expected.map(Ok));
        for broken in ["%", "%2", "%2g", "%+1", "%g0"] {
            assert!(units(broken).any(|unit| unit == Err(Broken)), "{broken}");
        }
    }
}
