//! Patterns of rules: `*` stands for any run of characters inside one segment.

use std::fmt;

/// A pattern in which `*` matches any run of characters except the segment separators `/`, `:` and, where the
/// pattern is over dotted names, `.`. Everything else matches itself, case-sensitively.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    text: Box<str>,
    over: Over,
}

/// What a pattern is over, and so where its segments end.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Over {
    Identifiers,
    DottedNames,
}

impl Over {
    const fn is_separator(self, byte: u8) -> bool {
        match self {
            Self::Identifiers => matches!(byte, b'/' | b':'),
            Self::DottedNames => byte == b'.',
        }
    }
}

impl Glob {
    /// A pattern over identifiers (subjects, SPIFFE IDs, groups, claims): segments end at `/` and `:`.
    pub fn identifier(text: &str) -> Self {
        Self {
            text: text.into(),
            over: Over::Identifiers,
        }
    }

    /// A pattern over dotted names (actions): segments end at `.`.
    pub fn dotted(text: &str) -> Self {
        Self {
            text: text.into(),
            over: Over::DottedNames,
        }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text that alone matches, when the pattern has no `*`.
    pub fn literal(&self) -> Option<&str> {
        if self.text.contains('*') {
            None
        } else {
            Some(&self.text)
        }
    }

    /// Whether `text` matches. Linear in the product of both lengths, without recursion.
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, subject) = (self.text.as_bytes(), text.as_bytes());
        let (mut p, mut s) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while let Some(&byte) = subject.get(s) {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, s));
                    p += 1;
                }
                Some(&expected) if expected == byte => {
                    p += 1;
                    s += 1;
                }
                _ => match star {
                    Some((at, from))
                        if subject
                            .get(from)
                            .is_some_and(|&b| !self.over.is_separator(b)) =>
                    {
                        star = Some((at, from + 1));
                        p = at + 1;
                        s = from + 1;
                    }
                    _ => return false,
                },
            }
        }
        pattern.iter().skip(p).all(|&byte| byte == b'*')
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_inside_its_segment() {
        let glob = Glob::identifier("spiffe://example.org/ci/*");
        assert!(glob.matches("spiffe://example.org/ci/deployer"));
        assert!(!glob.matches("spiffe://example.org/ci/a/b"));
        assert!(!glob.matches("spiffe://example.org/cd/deployer"));
        assert!(Glob::dotted("customers.*").matches("customers.export"));
        assert!(!Glob::dotted("customers.*").matches("customers.export.all"));
        assert!(Glob::identifier("*@example.com").matches("alice@example.com"));
        assert!(Glob::identifier("a*b*c").matches("axxbyyc"));
        assert!(!Glob::identifier("a*b").matches("a:b"));
    }

    #[test]
    fn without_a_star_only_the_same_text_matches() {
        assert!(Glob::identifier("alice").matches("alice"));
        assert!(!Glob::identifier("alice").matches("Alice"));
        assert!(!Glob::identifier("alice").matches("alice2"));
        assert!(!Glob::identifier("").matches("x"));
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*/]{0,8}", text in "[ab/]{0,10}") {
            fn slow(p: &[u8], t: &[u8]) -> bool {
                match (p.first(), t.first()) {
                    (None, None) => true,
                    (Some(b'*'), _) => slow(&p[1..], t) || (t.first().is_some_and(|c| *c != b'/') && slow(p, &t[1..])),
                    (Some(a), Some(b)) if a == b => slow(&p[1..], &t[1..]),
                    _ => false,
                }
            }
            let expected = slow(pattern.as_bytes(), text.as_bytes());
            proptest::prop_assert_eq!(Glob::identifier(&pattern).matches(&text), expected);
        }
    }
}
