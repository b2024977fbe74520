//! Texts of a server that nobody vouches for, as they may stand where people read them and a parser reads them too.

use std::fmt::Write as _;

/// Most characters of a server's text in a comment or a message.
const MAX_SHOWN: usize = 120;

/// Words that mean something else than themselves where they stand without quotes (YAML 1.1 and 1.2).
const WORDS: [&str; 11] = [
    "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf",
];

/// What people write beside letters.
const PUNCTUATION: &str = "–—‘’“”…•→§°€£«»";

/// Letters that are drawn as nothing (fillers of Hangul, vowels of Khmer).
const BLANK: [char; 6] = [
    '\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}', '\u{17b4}', '\u{17b5}',
];

/// A text in one line of bounded length: white space becomes one space, and whatever does not plainly show what it is
/// becomes `\u{…}`. The line cannot end a comment, hide a part of itself, or move what stands beside it.
pub fn shown(text: &str) -> String {
    let mut line = String::new();
    let mut left = MAX_SHOWN;
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            left = left.saturating_sub(1);
            if left == 0 {
                line.push('…');
                return line;
            }
            if is_plain(c) {
                line.push(c);
            } else {
                line.extend(c.escape_unicode());
            }
        }
    }
    line
}

/// A text as a YAML scalar that is read back as that text, by every reader.
pub(super) fn scalar(text: &str) -> String {
    let mut chars = text.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    if starts && chars.all(bare) && !word {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A text in double quotes, with YAML's own escapes (YAML 1.2.2, section 5.7).
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        // Writing to a `String` cannot fail.
        let _written = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            c if is_plain(c) => write!(quoted, "{c}"),
            c if u32::from(c) > 0xffff => write!(quoted, "\\U{:08x}", u32::from(c)),
            c => write!(quoted, "\\u{:04x}", u32::from(c)),
        };
    }
    quoted.push('"');
    quoted
}

/// Whether a character shows what it is: no control, nothing that is invisible, combines or turns the direction.
fn is_plain(c: char) -> bool {
    let letter = c > '\u{bf}' && c.is_alphanumeric() && !BLANK.contains(&c);
    matches!(c, ' '..='~') || PUNCTUATION.contains(c) || letter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml::{Document, KeyPath};

    #[test]
    fn a_line_stays_one_line_and_shows_what_is_in_it() {
        assert_eq!(
            shown("  Lists\r\n\tall  customers. "),
            "Lists all customers."
        );
        assert_eq!(shown("a\u{2028}b\u{85}c"), "a b c");
        assert_eq!(
            shown("x\u{202e}y\u{1b}[2J\u{0}\u{feff}\u{e0041}"),
            "x\\u{202e}y\\u{1b}[2J\\u{0}\\u{feff}\\u{e0041}"
        );
        assert_eq!(shown("u\u{308}\u{3164}"), "u\\u{308}\\u{3164}");
        assert_eq!(shown("für 漢字 — “all”"), "für 漢字 — “all”");
    }

    #[test]
    fn a_long_text_is_cut() {
        let line = shown(&"word ".repeat(1_000_000));
        assert!(line.ends_with('…') && line.len() < 200, "{line}");
        assert_eq!(
            shown(&"\u{202e}".repeat(1_000)).chars().count(),
            119 * 8 + 1
        );
    }

    #[test]
    fn every_scalar_is_read_back_as_it_was() {
        let hostile = [
            "",
            " ",
            "plain",
            "crm.export",
            "true",
            "No",
            "NULL",
            "~",
            "1",
            "1e3",
            "0x1f",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#",
            "&a",
            "*a",
            "!x",
            "|",
            ">",
            "%",
            "@",
            "`",
            "{a: b}",
            "[a]",
            "\"",
            "'",
            "\\",
            "\\n",
            "a\nb: c",
            "a\r\nb",
            "\u{2028}",
            "\u{85}",
            "\u{feff}",
            "\u{202e}x",
            "é",
            "🦀",
            "\u{0}",
            "\u{7f}",
            "---",
            "...",
            "<<",
            "?",
            ".inf",
            ".nan",
            "inf",
            "e1",
            "2026-01-01",
        ];
        for text in hostile {
            let yaml = format!("{}: {}\n", scalar(text), scalar(text));
            let file = std::path::Path::new("x.yaml");
            let document =
                Document::read(file, &yaml).unwrap_or_else(|error| panic!("{yaml} {error:?}"));
            let entries = document.entries(&KeyPath::root()).unwrap();
            assert_eq!(entries[0].key, text, "{yaml}");
            let back: String = document.decode(&entries[0].path).unwrap();
            assert_eq!(back, text, "{yaml}");
            assert!(yaml.lines().count() == 1, "{yaml}");
        }
    }
}
