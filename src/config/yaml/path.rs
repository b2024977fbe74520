//! Where in a document: the way from its root to a value.

use std::fmt;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// The value of a key of a map. The key may contain dots.
    Key(String),
    /// An item of a list, from 0.
    Index(usize),
}

impl From<&str> for Segment {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for Segment {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The way from the root of a document to a value, shown as `rules[3].must`.
///
/// The text is for people: a key with a dot in it looks like two keys, so a path is never read back.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPath(Vec<Segment>);

impl KeyPath {
    /// The document itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of a key or an index below this one.
    #[must_use]
    pub fn join(&self, segment: impl Into<Segment>) -> Self {
        let mut segments = Vec::with_capacity(self.0.len() + 1);
        segments.extend_from_slice(&self.0);
        segments.push(segment.into());
        Self(segments)
    }

    /// The path that goes on with `other`, as when a module reports a path within its own item.
    #[must_use]
    pub fn join_all(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// The steps from the root on.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }
}

impl<S: Into<Segment>> FromIterator<S> for KeyPath {
    fn from_iter<I: IntoIterator<Item = S>>(segments: I) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }
}

impl<S: Into<Segment>, const N: usize> From<[S; N]> for KeyPath {
    fn from(segments: [S; N]) -> Self {
        segments.into_iter().collect()
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if index == 0 => write!(f, "{key}")?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_people_write_it() {
        let path = KeyPath::from(["routes", "crm-tools", "actions", "customers.list"]);
        assert_eq!(path.to_string(), "routes.crm-tools.actions.customers.list");
        assert_eq!(
            KeyPath::root()
                .join("rules")
                .join(3)
                .join("must")
                .to_string(),
            "rules[3].must"
        );
        assert_eq!(KeyPath::root().to_string(), "");
    }

    #[test]
    fn a_key_with_a_dot_is_one_segment() {
        assert_ne!(KeyPath::from(["a.b"]), KeyPath::from(["a", "b"]));
        assert_eq!(
            KeyPath::from(["a"])
                .join_all(&KeyPath::from(["b.c"]))
                .segments()
                .len(),
            2
        );
    }
}
