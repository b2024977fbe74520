//! The headers of a request.

use std::fmt;

use super::header;

/// Headers: lower-case names, one entry a name, values joined with `,` as Envoy joins them.
///
/// All of them stand in one text, so that a request's headers cost two allocations, however many there are.
#[derive(Clone, Default)]
pub struct Headers {
    text: String,
    /// In order of their names.
    entries: Vec<Entry>,
}

/// Where a header stands in the text: its name, and right behind it its value.
#[derive(Clone, Copy)]
struct Entry {
    rank: Rank,
    start: usize,
    value: usize,
    end: usize,
}

/// The first eight bytes of a name, the rest of a shorter one zero. Names are in the order of their ranks, and those of one rank
/// are compared whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank(u64);

impl Rank {
    fn of(name: &str) -> Self {
        let mut first = [0; 8];
        for (byte, named) in first.iter_mut().zip(name.bytes()) {
            *byte = named;
        }
        Self(u64::from_be_bytes(first))
    }
}

impl Headers {
    /// Builds the map; a later entry of the same name is joined to the earlier with `,`, cookies with `; ` (RFC 9113,
    /// section 8.2.3). Names are written in lower case.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(entries: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut headers = Self::default();
        for (name, value) in entries {
            headers.push(name.as_ref(), value.as_ref());
        }
        headers.finished()
    }

    /// No headers yet, and room for so many of so many bytes, names and values together.
    pub fn with_capacity(count: usize, bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            entries: Vec::with_capacity(count),
        }
    }

    /// Adds a header; what is built is good for nothing before it is [`finished`](Self::finished).
    pub fn push(&mut self, name: &str, value: &str) {
        let start = self.text.len();
        self.text.push_str(name);
        if let Some(written) = self.text.get_mut(start..) {
            written.make_ascii_lowercase();
        }
        let middle = self.text.len();
        let rank = Rank::of(self.text.get(start..).unwrap_or_default());
        self.text.push_str(value);
        self.entries.push(Entry {
            rank,
            start,
            value: middle,
            end: self.text.len(),
        });
    }

    /// Brings what was added into order, and joins what has the same name.
    #[must_use]
    pub fn finished(mut self) -> Self {
        let Self { text, entries } = &mut self;
        let name = |entry: &Entry| text.get(entry.start..entry.value).unwrap_or_default();
        let order = |one: &Entry, other: &Entry| {
            let ranks = one.rank.cmp(&other.rank);
            ranks.then_with(|| name(one).cmp(name(other)))
        };
        // Stable: values of one name stay in the order in which they came.
        entries.sort_by(order);
        let repeated = entries
            .windows(2)
            .any(|pair| matches!(pair, [one, other] if order(one, other).is_eq()));
        if repeated { self.joined() } else { self }
    }

    fn joined(self) -> Self {
        let mut joined =
            Self::with_capacity(self.entries.len(), self.text.len() + self.entries.len());
        for (name, value) in self.iter() {
            match joined.entries.last().copied() {
                Some(last) if joined.name(last) == name => {
                    joined
                        .text
                        .push_str(if name == header::COOKIE { "; " } else { "," });
                    joined.text.push_str(value);
                    let end = joined.text.len();
                    if let Some(last) = joined.entries.last_mut() {
                        last.end = end;
                    }
                }
                Some(_) | None => joined.push(name, value),
            }
        }
        joined
    }

    /// The value of a header, by lower-case name.
    pub fn get(&self, name: &str) -> Option<&str> {
        // There are few of them, and hardly two names of one rank: that is faster than to search by halves.
        let (mut entries, rank) = (self.entries.iter(), Rank::of(name));
        let found = entries.find(|entry| entry.rank == rank && self.name(**entry) == name);
        found.map(|entry| self.value(*entry))
    }

    /// All headers, in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.entries.iter();
        entries.map(|entry| (self.name(*entry), self.value(*entry)))
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.entries.len()
    }

    /// How many bytes names and values take together.
    pub const fn bytes(&self) -> usize {
        self.text.len()
    }

    fn name(&self, entry: Entry) -> &str {
        self.text.get(entry.start..entry.value).unwrap_or_default()
    }

    fn value(&self, entry: Entry) -> &str {
        self.text.get(entry.value..entry.end).unwrap_or_default()
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    /// Names without values: requests hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(|(name, _)| name).collect();
        write!(f, "Headers({names:?})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_whatever_their_order() {
        let headers = Headers::new([("x-b", "2"), ("Accept", "*/*"), ("x-a", "1")]);
        assert_eq!(headers.get("accept"), Some("*/*"));
        assert_eq!(
            (headers.get("x-a"), headers.get("x-b")),
            (Some("1"), Some("2"))
        );
        for absent in ["", "x", "x-", "x-c", "zz", "Accept"] {
            assert_eq!(headers.get(absent), None, "{absent}");
        }
        let names: Vec<&str> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["accept", "x-a", "x-b"]);
        assert_eq!((headers.count(), headers.bytes()), (3, 17));
        assert_eq!(
            headers,
            Headers::new([("accept", "*/*"), ("x-a", "1"), ("x-b", "2")])
        );
    }

    #[test]
    fn names_that_begin_alike_are_told_apart() {
        let names = [
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwar",
            "x-forwa",
            "x\0",
            "x",
            "",
        ];
        let headers = Headers::new(names.map(|name| (name, name)));
        for name in names {
            assert_eq!(headers.get(name), Some(name));
        }
        assert_eq!(headers.get("x-forwarded"), None);
        let mut sorted = names;
        sorted.sort_unstable();
        let ordered: Vec<&str> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(ordered, sorted);
    }

    #[test]
    fn what_comes_again_is_joined_in_order() {
        let headers = Headers::new([
            ("via", "1"),
            ("cookie", "a=1"),
            ("VIA", ""),
            ("x", "y"),
            ("cookie", "b=2"),
            ("via", "3"),
        ]);
        assert_eq!(headers.get("via"), Some("1,,3"));
        assert_eq!(headers.get("cookie"), Some("a=1; b=2"));
        assert_eq!(headers.get("x"), Some("y"));
        assert_eq!(headers.count(), 3);
    }
}
