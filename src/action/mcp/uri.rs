//! URIs of resources: which are plain enough to be compared, and which pattern is the most specific.

use std::cmp::Reverse;

use crate::model::glob::Glob;

/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 1024;

/// Why a URI is not compared with anything: a server may read it as another one.
pub(super) fn check(uri: &str) -> Result<(), &'static str> {
    let (scheme, rest) = uri.split_once(':').ok_or("it has no scheme")?;
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    let letter = scheme
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase());
    if !letter || !scheme.bytes().all(plain) {
        return Err("its scheme is not written in lower-case letters");
    }
    if rest.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\' || c == '#') {
        return Err("it has a space, a backslash, a fragment or a control character");
    }
    let path = rest.split('?').next().unwrap_or_default();
    let path = path.strip_prefix("//").unwrap_or(path);
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if segment.is_empty() && !last {
            return Err("it has an empty segment");
        }
    }
    path.split('/').try_for_each(check_segment)
}

/// Dots that go up, and letters that hide: what a server may decode is compared only where it cannot become a separator,
/// another letter, or something that is decoded again.
fn check_segment(segment: &str) -> Result<(), &'static str> {
    if matches!(segment, "." | "..") {
        return Err("it has a dot segment");
    }
    for (at, _) in segment.match_indices('%') {
        let digits = segment.get(at + 1..at + 3).unwrap_or_default();
        let both = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16).ok().filter(|_| both);
        let byte = byte.ok_or("it has a broken percent sequence")?;
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if unreserved || byte.is_ascii_control() || b"/\\%".contains(&byte) {
            return Err("it encodes what may not be encoded");
        }
    }
    Ok(())
}

/// A URI as the most careless server reads it: no capitals, no query, everything decoded, no slash at the end, and an
/// authority however it is written (`file:/a`, `file://localhost/a`, `https://me@host:443/a`).
pub(super) fn loosely(uri: &str) -> String {
    let plain = uri.split('?').next().unwrap_or_default();
    let plain = decoded(plain).to_lowercase();
    let Some((scheme, rest)) = plain.split_once(':') else {
        return plain;
    };
    let rest = rest.trim_matches('/');
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match scheme {
        "http" | "ws" => host.strip_suffix(":80").unwrap_or(host),
        "https" | "wss" => host.strip_suffix(":443").unwrap_or(host),
        _ => host,
    };
    match (scheme, host, path) {
        ("file", "localhost", path) => format!("file:{path}"),
        (_, host, "") => format!("{scheme}:{host}"),
        (_, host, path) => format!("{scheme}:{host}/{path}"),
    }
}

/// Every percent sequence decoded, the broken ones left as they are.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after
            .get(..2)
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(digits.unwrap_or(b'%'));
        rest = digits.and_then(|_| after.get(2..)).unwrap_or(after);
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is wrong with a pattern, if something is.
pub(super) fn check_pattern(pattern: &str) -> Result<(), &'static str> {
    if pattern.len() > MAX_PATTERN {
        return Err("it is too long");
    }
    check(pattern)
}

/// A pattern of URIs: `*` stays within a segment, and out of a query unless the pattern has one.
#[derive(Debug)]
pub(super) struct Pattern {
    glob: Glob,
    loose: Glob,
    query: bool,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self {
            glob: Glob::identifier(text),
            loose: Glob::identifier(&loosely(text)),
            query: text.contains('?'),
        }
    }

    pub(super) fn matches(&self, uri: &str) -> bool {
        (self.query || !uri.contains('?')) && self.glob.matches(uri)
    }

    /// Whether some server may take `uri`, which is `loose` when read [`loosely`], for one of these. What a query says is not
    /// said by a URI that has none.
    pub(super) fn may_mean(&self, uri: &str, loose: &str) -> bool {
        (!self.query || uri.contains('?')) && self.loose.matches(loose)
    }

    /// How specific it is, the least first: by the characters that are written out, then by few `*`.
    pub(super) fn rank(&self) -> (usize, Reverse<usize>) {
        let text = self.glob.as_str();
        let stars = text.matches('*').count();
        (text.len() - stars, Reverse(stars))
    }

    /// Whether there is a URI that both match.
    pub(super) fn meets(&self, other: &Self) -> bool {
        meet(
            self.glob.as_str().as_bytes(),
            other.glob.as_str().as_bytes(),
        )
    }
}

/// Whether two patterns have a text in common: for every pair of what is left of each, from the ends on.
fn meet(one: &[u8], other: &[u8]) -> bool {
    let within = |byte: Option<&u8>| byte.is_some_and(|byte| !b"/:".contains(byte));
    let mut below = vec![false; other.len() + 1];
    for i in (0..=one.len()).rev() {
        let mut row = vec![false; other.len() + 1];
        for j in (0..=other.len()).rev() {
            let (a, b) = (one.get(i), other.get(j));
            let down = below.get(j) == Some(&true);
            let right = row.get(j + 1) == Some(&true);
            let both = below.get(j + 1) == Some(&true);
            let fits = match (a, b) {
                (None, None) => true,
                // A star stands for nothing, or for one more character of the other.
                (Some(b'*'), _) if down => true,
                (_, Some(b'*')) if right => true,
                (Some(b'*'), Some(b'*')) => false,
                (Some(b'*'), next) => within(next) && right,
                (next, Some(b'*')) => within(next) && down,
                (Some(a), Some(b)) => a == b && both,
                _ => false,
            };
            if let Some(slot) = row.get_mut(j) {
                *slot = fits;
            }
        }
        below = row;
    }
    below.first() == Some(&true)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    fn both(one: &str, other: &str) -> bool {
        Pattern::new(one).meets(&Pattern::new(other))
    }

    #[test]
    fn patterns_meet_where_a_text_is_of_both() {
        assert!(both("a:b", "a:b"));
        assert!(both("a:*", "a:b"));
        assert!(both("a:*b", "a:b*"));
        assert!(both("a:**", "a:*"));
        assert!(!both("a:*", "a:b/c"));
        assert!(!both("a:b*", "a:c*"));
    }

    /// Every text of up to five of these characters.
    static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let mut texts = vec![String::new()];
        let mut from = 0;
        for _ in 0..5 {
            let last = texts.split_off(from);
            from += last.len();
            let longer: Vec<String> = last
                .iter()
                .flat_map(|text| ["a", "b", "/"].map(|c| format!("{text}{c}")))
                .collect();
            texts.extend(last);
            texts.extend(longer);
        }
        texts
    });

    proptest::proptest! {
        #[test]
        fn patterns_that_match_one_text_meet(one in "[ab*/]{0,6}", other in "[ab*/]{0,6}") {
            let (first, second) = (Glob::identifier(&one), Glob::identifier(&other));
            let witness = TEXTS.iter().any(|text| first.matches(text) && second.matches(text));
            // Texts of five characters are enough for such patterns.
            if witness {
                proptest::prop_assert!(meet(one.as_bytes(), other.as_bytes()), "{one} {other}");
            } else if one.len() + other.len() <= 5 {
                proptest::prop_assert!(!meet(one.as_bytes(), other.as_bytes()), "{one} {other}");
            }
        }
    }
}
