//! Texts as records hold them: without anything that looks like a credential, and cut to a length.

use std::borrow::Cow;

use super::escape;

/// Stands where a text was cut.
pub(super) const CUT: &str = "…";
/// Stands where something like a credential was.
const REDACTED: &str = "[redacted]";
/// Every JSON object in base64url begins so: the header of a JWT, and its payload.
const JSON_IN_BASE64: &str = "eyJ";
/// Shortest run of characters that can be a credential; shorter ones are words.
const MIN_SECRET: usize = 16;

/// Appends `text` as it stands inside a JSON string, in at most `limit` bytes. Most texts have nothing in them that would
/// have to be removed, escaped or cut, and are copied at once.
pub(super) fn write(text: &str, limit: usize, bytes: &mut Vec<u8>) {
    if text.len() <= limit && is_plain(text) {
        bytes.extend_from_slice(text.as_bytes());
    } else {
        escape::write(&cut(scrub(text), limit), bytes);
    }
}

/// Whether [`scrub`] finds nothing in a text and [`escape::write`] changes nothing of it.
fn is_plain(text: &str) -> bool {
    let kinds = text.bytes().fold(0, |kinds, byte| {
        kinds | KINDS.get(usize::from(byte)).unwrap_or(&ODD)
    });
    kinds == 0 || (kinds == JWT && !text.contains(JSON_IN_BASE64))
}

/// Bytes that may begin like a JSON object in base64url.
const JWT: u8 = 1;
/// White space, what JSON or we escape, and parts of longer characters.
const ODD: u8 = 2;

/// What there is to a byte; nothing, mostly.
static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut rest: &mut [u8] = &mut kinds;
    let mut byte = 0_u8;
    while let [first, others @ ..] = rest {
        *first = match byte {
            b'J' => JWT,
            b'"' | b'\\' => ODD,
            b'!'..=b'~' => 0,
            _ => ODD,
        };
        byte = byte.wrapping_add(1);
        rest = others;
    }
    kinds
};

/// Shortens a text so that it takes at most `limit` bytes in the line, the mark included.
fn cut(text: Cow<'_, str>, limit: usize) -> Cow<'_, str> {
    if text.len().saturating_mul(escape::MAX_COST) <= limit {
        return text;
    }
    let mut used = 0;
    // Where the text ends if the mark must follow.
    let mut end = 0;
    for (at, c) in text.char_indices() {
        if used + CUT.len() <= limit {
            end = at;
        }
        used += escape::cost(c);
        if used > limit {
            let (kept, _) = text.split_at(end);
            return Cow::Owned(format!("{kept}{CUT}"));
        }
    }
    text
}

/// Removes what looks like a credential. Whoever writes a cause must not put one there; this is the second fence.
fn scrub(text: &str) -> Cow<'_, str> {
    let short = text.len() < MIN_SECRET;
    if short || (!text.contains(JSON_IN_BASE64) && !text.contains(char::is_whitespace)) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut after_scheme = false;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if after_scheme && word.len() >= MIN_SECRET {
            clean.push_str(REDACTED);
        } else {
            scrub_json(word, &mut clean);
        }
        let (_, space) = piece.split_at(word.len());
        clean.push_str(space);
        after_scheme = is_scheme(word);
    }
    Cow::Owned(clean)
}

fn is_scheme(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    ["bearer", "basic", "dpop"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// Copies a word without the runs that begin like a JWT.
fn scrub_json(mut word: &str, clean: &mut String) {
    let in_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=');
    while let Some(at) = word.find(JSON_IN_BASE64) {
        let (before, rest) = word.split_at(at);
        let length = rest.find(|c| !in_token(c)).unwrap_or(rest.len());
        let (run, rest) = rest.split_at(length);
        clean.push_str(before);
        clean.push_str(if run.len() >= MIN_SECRET {
            REDACTED
        } else {
            run
        });
        word = rest;
    }
    clean.push_str(word);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, limit: usize) -> String {
        let mut bytes = vec![b'"'];
        write(text, limit, &mut bytes);
        bytes.push(b'"');
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn what_looks_like_a_credential_is_removed_and_words_stay() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
        for (text, expected) in [
            (
                format!("bad token `{jwt}` here"),
                "bad token `[redacted]` here",
            ),
            (format!("/reset/{jwt}/x"), "/reset/[redacted]/x"),
            (
                "authorization: BEARER 0123456789abcdef/+".into(),
                "authorization: BEARER [redacted]",
            ),
            (
                "Basic dXNlcjpwYXNzd29yZA== sent".into(),
                "Basic [redacted] sent",
            ),
            ("bearer token is missing".into(), "bearer token is missing"),
            ("eyJ is a prefix".into(), "eyJ is a prefix"),
            ("two  spaces\tand a tab".into(), "two  spaces\tand a tab"),
        ] {
            assert_eq!(shown(&text, 1000), expected);
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character_and_marked() {
        assert_eq!(shown("abcdefgh", 8), "abcdefgh");
        assert_eq!(shown("abcdefghi", 8), "abcde…");
        assert_eq!(shown("ääääää", 9), "äää…");
        // Six bytes each in the line.
        assert_eq!(shown("\u{1}\u{1}\u{1}", 17), "\u{1}\u{1}…");
        assert_eq!(shown("\u{1}\u{1}\u{1}", 18), "\u{1}\u{1}\u{1}");
    }
    proptest! {
        #[test]
        fn what_is_copied_at_once_is_what_the_longer_way_writes(
            text in r"(eyJ|J|[ -~\n\u{7f}é\u{2028}]){0,12}[!-~]{0,20}",
            limit in 0..40_usize,
        ) {
            let (mut short, mut long) = (vec![], vec![]);
            write(&text, limit, &mut short);
            escape::write(&cut(scrub(&text), limit), &mut long);
            prop_assert_eq!(short, long);
        }
    }
}
