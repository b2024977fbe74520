//! A place in Envoy's configuration, read as protobuf's JSON mapping says.

use std::time::Duration;

use serde_json::Value;

use crate::config::problem::Position;
use crate::config::yaml::{Document, KeyPath, Kind};

/// How deep [`At::mentions`] looks.
const MAX_SEARCH_DEPTH: usize = 24;

/// Words that Envoy's YAML reader takes for a boolean (seen with 1.40); in this project's files they are texts.
const YES: [&str; 4] = ["y", "yes", "true", "on"];
const NO: [&str; 4] = ["n", "no", "false", "off"];

/// A message, a field or an item, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<'d> {
    document: &'d Document,
    path: KeyPath,
}

impl<'d> At<'d> {
    /// The whole document.
    pub(super) fn root(document: &'d Document) -> Self {
        Self {
            document,
            path: KeyPath::root(),
        }
    }

    pub(super) const fn document(&self) -> &'d Document {
        self.document
    }

    pub(super) const fn path(&self) -> &KeyPath {
        &self.path
    }

    /// The field, if it is set: its name may be written in either case, and `null` is as good as nothing.
    pub(super) fn get(&self, field: &str) -> Option<Self> {
        let is_set = |at: &Self| !matches!(at.kind(), None | Some(Kind::Null));
        let exact = self.there(field);
        if is_set(&exact) {
            return Some(exact);
        }
        Some(self.there(&camel(field))).filter(is_set)
    }

    /// Where the field stands, or would.
    pub(super) fn there(&self, field: &str) -> Self {
        Self {
            document: self.document,
            path: self.path.join(field),
        }
    }

    /// Where the field stands in the case that it is written in, or would in snake case.
    pub(super) fn field(&self, field: &str) -> Self {
        self.get(field).unwrap_or_else(|| self.there(field))
    }

    /// The way through several fields.
    pub(super) fn find(&self, fields: &[&str]) -> Option<Self> {
        let mut at = self.clone();
        for field in fields {
            at = at.get(field)?;
        }
        Some(at)
    }

    /// Where to point to: at the key of a message or a list, whose own first line would look accused, else at the value.
    pub(super) fn position(&self) -> Position {
        match self.kind() {
            Some(Kind::List | Kind::Map) => self.document.key_position(&self.path),
            _ => self.document.position(&self.path),
        }
    }

    fn kind(&self) -> Option<Kind> {
        self.document.kind(&self.path)
    }

    /// The items of a repeated field; none if it is not set.
    pub(super) fn list(&self, field: &str) -> Vec<Self> {
        self.get(field).map(|at| at.items()).unwrap_or_default()
    }

    /// The items of this list.
    pub(super) fn items(&self) -> Vec<Self> {
        let paths = self.document.items(&self.path).unwrap_or_default();
        paths
            .into_iter()
            .map(|path| Self {
                document: self.document,
                path,
            })
            .collect()
    }

    /// The entries of this map.
    pub(super) fn entries(&self) -> Vec<(&'d str, Self)> {
        let entries = self.document.entries(&self.path).unwrap_or_default();
        entries
            .into_iter()
            .map(|entry| {
                let at = Self {
                    document: self.document,
                    path: entry.path,
                };
                (entry.key, at)
            })
            .collect()
    }

    fn scalar(&self) -> Option<Value> {
        match self.kind()? {
            Kind::Bool | Kind::Number | Kind::String => self.document.decode(&self.path).ok(),
            Kind::Null | Kind::List | Kind::Map => None,
        }
    }

    /// The text of this field.
    pub(super) fn text(&self) -> Option<String> {
        match self.scalar()? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The text of a field.
    pub(super) fn text_of(&self, field: &str) -> Option<String> {
        self.get(field)?.text()
    }

    /// The texts of a repeated field.
    pub(super) fn texts(&self, field: &str) -> Vec<String> {
        self.list(field).iter().filter_map(Self::text).collect()
    }

    /// Whether a boolean field is set to true.
    pub(super) fn is(&self, field: &str) -> bool {
        self.flag(field) == Some(true)
    }

    /// A boolean field, if it is set.
    pub(super) fn flag(&self, field: &str) -> Option<bool> {
        match self.get(field)?.scalar()? {
            Value::Bool(value) => Some(value),
            Value::String(text) => {
                let word = text.to_ascii_lowercase();
                let is = |words: &[&str]| words.contains(&word.as_str());
                is(&YES).then_some(true).or(is(&NO).then_some(false))
            }
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A number, which may be written as text.
    pub(super) fn number(&self, field: &str) -> Option<f64> {
        match self.get(field)?.scalar()? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A duration such as `0.25s`.
    pub(super) fn duration(&self, field: &str) -> Option<Duration> {
        let text = self.text_of(field)?;
        let seconds = text.strip_suffix('s')?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// An enum, written as a name or as a number; `words` are its names in the order of their numbers, of which the first
    /// is the default.
    pub(super) fn word(&self, field: &str, words: &[&'static str]) -> &'static str {
        let default = words.first().copied().unwrap_or_default();
        let Some(written) = self.text_of(field) else {
            return default;
        };
        let by_number = written
            .parse()
            .ok()
            .and_then(|index: usize| words.get(index));
        let by_name = words.iter().find(|word| **word == written);
        by_number.or(by_name).copied().unwrap_or("?")
    }

    /// The message in an `Any`, by its full name, and where its fields stand; what an `Any` says counts, not how things are
    /// called. A `TypedStruct` is looked through.
    pub(super) fn message(&self) -> Option<(String, Self)> {
        let name = |url: String| url.rsplit('/').next().unwrap_or_default().to_owned();
        let of = name(self.text_of("@type")?);
        if of.ends_with(".TypedStruct") {
            return Some((name(self.text_of("type_url")?), self.get("value")?));
        }
        Some((of, self.clone()))
    }

    /// The same for a field, if it holds this message.
    pub(super) fn message_in(&self, field: &str, of: &str) -> Option<Self> {
        let (found, at) = self.get(field)?.message()?;
        (found == of).then_some(at)
    }

    /// Whether a message of this name stands anywhere below.
    pub(super) fn mentions(&self, of: &str) -> bool {
        self.search(of, MAX_SEARCH_DEPTH)
    }

    fn search(&self, of: &str, depth: usize) -> bool {
        let Some(below) = depth.checked_sub(1) else {
            return false;
        };
        match self.kind() {
            Some(Kind::Map) => {
                self.message().is_some_and(|(found, _)| found == of)
                    || self.entries().iter().any(|(_, at)| at.search(of, below))
            }
            Some(Kind::List) => self.items().iter().any(|at| at.search(of, below)),
            _ => false,
        }
    }
}

/// `failure_mode_allow` as `failureModeAllow`.
fn camel(field: &str) -> String {
    let mut name = String::with_capacity(field.len());
    let mut after_underscore = false;
    for letter in field.chars() {
        match letter {
            '_' => after_underscore = true,
            _ if std::mem::take(&mut after_underscore) => name.push(letter.to_ascii_uppercase()),
            _ => name.push(letter),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const TEXT: &str = r#"
snake_case: 1
camelCase: yes
nothing: null
wait: 0.25s
count: "12"
mode: 2
named: REJECT
any: { "@type": type.googleapis.com/a.b.C, x: [{ "@type": t/d.E }] }
wrapped: { "@type": t/xds.type.v3.TypedStruct, type_url: t/a.b.C, value: { y: true } }
"#;

    #[test]
    fn fields_are_read_as_protobuf_writes_them() {
        let document = Document::read(Path::new("x"), TEXT).unwrap();
        let root = At::root(&document);
        assert_eq!(root.number("snake_case"), Some(1.0));
        assert!(root.is("camel_case"));
        assert!(root.get("nothing").is_none());
        assert_eq!(root.duration("wait"), Some(Duration::from_millis(250)));
        assert_eq!(root.number("count"), Some(12.0));
        let words = ["PASS", "KEEP", "REJECT"];
        assert_eq!(root.word("mode", &words), "REJECT");
        assert_eq!(root.word("named", &words), "REJECT");
        assert_eq!(root.word("absent", &words), "PASS");
    }

    #[test]
    fn the_type_of_a_message_decides() {
        let document = Document::read(Path::new("x"), TEXT).unwrap();
        let root = At::root(&document);
        assert!(root.message_in("any", "a.b.C").is_some());
        assert!(root.message_in("wrapped", "a.b.C").unwrap().is("y"));
        assert!(root.message_in("any", "a.b.X").is_none());
        assert!(root.mentions("d.E"));
        assert!(!root.mentions("d.F"));
    }
}
