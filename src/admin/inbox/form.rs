//! What a form or a query says (`application/x-www-form-urlencoded`), read strictly: each field once, and nothing that is broken.

use std::collections::BTreeMap;

/// Most fields; the pages have fewer.
const MAX_FIELDS: usize = 16;

/// Names and values.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Reads fields; none if one is broken, is there twice, or there are too many.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut fields = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let before = fields.insert(decode(name)?, decode(value)?);
            if before.is_some() || fields.len() > MAX_FIELDS {
                return None;
            }
        }
        Some(Self(fields))
    }

    /// The value of a field that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }
}

/// `+` is a space, `%` goes before two hexadecimal digits, and all of it is UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            _ => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded() {
        let fields = Fields::parse("reason=ok%2C+%C3%A4%26&empty=&flag").unwrap();
        assert_eq!(fields.get("reason"), Some("ok, ä&"));
        for none in ["empty", "flag", "other"] {
            assert_eq!(fields.get(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_broken_or_there_twice_is_nothing() {
        let many = "a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q";
        for wrong in [
            "a=1&a=2",
            "a=%",
            "a=%2",
            "a=%zz",
            "a=%ff",
            "%41=1&A=2",
            many,
        ] {
            assert!(Fields::parse(wrong).is_none(), "{wrong}");
        }
    }
}
