//! How text is written in a line: JSON's own escapes, and those that keep a line from misleading whoever reads it.

/// Most bytes that [`cost`] returns for one byte of text.
pub(super) const MAX_COST: usize = 6;

/// Appends `text` as it stands inside a JSON string, where C1 controls (a terminal obeys them) and characters that
/// reorder or break what is displayed are escaped too.
pub(super) fn write(text: &str, bytes: &mut Vec<u8>) {
    for c in text.chars() {
        match c {
            '"' => bytes.extend_from_slice(b"\\\""),
            '\\' => bytes.extend_from_slice(b"\\\\"),
            '\n' => bytes.extend_from_slice(b"\\n"),
            '\r' => bytes.extend_from_slice(b"\\r"),
            '\t' => bytes.extend_from_slice(b"\\t"),
            '\u{8}' => bytes.extend_from_slice(b"\\b"),
            '\u{c}' => bytes.extend_from_slice(b"\\f"),
            c if c < ' ' || misleads(c) => write_unit(c, bytes),
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Appends a character of the basic plane as four hexadecimal digits.
fn write_unit(c: char, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(b"\\u");
    let code = u32::from(c);
    let digits = [12, 8, 4, 0].map(|shift| char::from_digit((code >> shift) & 0xf, 16));
    let digits = digits.into_iter().flatten();
    bytes.extend(digits.filter_map(|digit| u8::try_from(digit).ok()));
}

/// Characters of the basic plane only, so that one `\u` escape is enough.
fn misleads(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}')
}

/// Bytes that a character takes inside a JSON string.
pub(super) fn cost(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        c if c < ' ' || misleads(c) => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut bytes = vec![b'"'];
        write(text, &mut bytes);
        bytes.push(b'"');
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn control_and_bidirectional_characters_are_escaped() {
        assert_eq!(written("a\nb\u{1b}[2J"), r#""a\nb\u001b[2J""#);
        assert_eq!(
            written("x\u{9b}1m\u{202e}y\u{2028}"),
            r#""x\u009b1m\u202ey\u2028""#
        );
        assert_eq!(written("ü 漢 🦀"), "\"ü 漢 🦀\"");
    }

    #[test]
    fn the_cost_of_a_character_is_never_less_than_what_is_written() {
        for c in (0..0x3000)
            .filter_map(char::from_u32)
            .chain(['\u{feff}', '🦀'])
        {
            let text = c.to_string();
            let back: String = serde_json::from_str(&written(&text)).unwrap();
            assert_eq!(back, text);
            assert!(written(&text).len() - 2 <= cost(c), "{c:?}");
            assert!(cost(c) <= MAX_COST * c.len_utf8(), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn what_misleads_nobody_is_written_as_serde_json_writes_it(text in "[\u{0}-\u{7e}\u{a1}-\u{600}]{0,20}") {
            prop_assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
