//! How text is written in a line: JSON's own escapes, and those that keep a line from misleading whoever reads it.

use std::io::{self, Write};

use serde_json::ser::Formatter;

/// Most bytes that [`cost`] returns for one byte of text.
pub(super) const MAX_COST: usize = 6;

/// Compact JSON that also escapes C1 controls (a terminal obeys them) and characters that reorder or break what is
/// displayed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        let mut rest = fragment;
        while let Some(at) = rest.find(misleads) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut chars = from.chars();
            if let Some(c) = chars.next() {
                write!(writer, "\\u{:04x}", u32::from(c))?;
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
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
    use serde::Serialize;

    use super::*;

    fn line(text: &str) -> String {
        let mut line = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut line, Plain);
        text.serialize(&mut serializer).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn control_and_bidirectional_characters_are_escaped() {
        assert_eq!(line("a\nb\u{1b}[2J"), r#""a\nb\u001b[2J""#);
        assert_eq!(
            line("x\u{9b}1m\u{202e}y\u{2028}"),
            r#""x\u009b1m\u202ey\u2028""#
        );
        assert_eq!(line("ü 漢 🦀"), "\"ü 漢 🦀\"");
    }

    #[test]
    fn the_cost_of_a_character_is_never_less_than_what_is_written() {
        for c in (0..0x3000)
            .filter_map(char::from_u32)
            .chain(['\u{feff}', '🦀'])
        {
            let text = c.to_string();
            let back: String = serde_json::from_str(&line(&text)).unwrap();
            assert_eq!(back, text);
            assert!(line(&text).len() - 2 <= cost(c), "{c:?}");
            assert!(cost(c) <= MAX_COST * c.len_utf8(), "{c:?}");
        }
    }
}
