//! A record as it is written: one JSON object in compact form, field after field, straight into the bytes of its line.
//!
//! Every field, and every item of a list, begins with a comma; the first one of each object and list then becomes its
//! bracket. So nobody has to know whether a field is the first, and what turns out to be empty is taken back.

use super::text;
use crate::model::time::Timestamp;

/// The name of a field as it is written.
macro_rules! key {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}
pub(super) use key;

/// The line of a record while its fields are written. Their names come from [`key!`].
#[derive(Debug)]
pub(super) struct Line<'a>(&'a mut Vec<u8>);

impl<'a> Line<'a> {
    /// Appends a whole record to `bytes`, with its end of line. Every record begins with what it is `of` and its time.
    pub(super) fn write(
        bytes: &'a mut Vec<u8>,
        of: &'static str,
        at: Timestamp,
        fields: impl FnOnce(&mut Self),
    ) {
        let start = bytes.len();
        let mut line = Self(bytes);
        line.word(key!("type"), of);
        line.moment(key!("time"), at);
        fields(&mut line);
        line.close(start, *b"{}");
        line.0.push(b'\n');
    }

    /// A word of the code, a name that the operator chose, an id or a digest: none has a character that JSON escapes.
    pub(super) fn word(&mut self, key: &'static str, word: &str) {
        self.key(key);
        self.0.push(b'"');
        self.0.extend_from_slice(word.as_bytes());
        self.0.push(b'"');
    }

    /// A text that comes from a request, a credential or an error: without anything that looks like a credential, and in
    /// at most `limit` bytes.
    pub(super) fn text(&mut self, key: &'static str, text: &str, limit: usize) {
        self.key(key);
        self.string(text, limit);
    }

    /// A text, where there is one.
    pub(super) fn text_if(&mut self, key: &'static str, text: Option<&str>, limit: usize) {
        if let Some(text) = text {
            self.text(key, text, limit);
        }
    }

    /// A moment in RFC 3339.
    pub(super) fn moment(&mut self, key: &'static str, at: Timestamp) {
        self.key(key);
        self.0.push(b'"');
        match at.rfc3339() {
            Some(text) => self.0.extend_from_slice(&text),
            None => self.0.extend_from_slice(at.to_string().as_bytes()),
        }
        self.0.push(b'"');
    }

    /// A moment, where there is one.
    pub(super) fn moment_if(&mut self, key: &'static str, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.moment(key, at);
        }
    }

    /// A whole number.
    pub(super) fn number(&mut self, key: &'static str, number: u64) {
        self.key(key);
        let mut digits = [b'0'; 20];
        let (mut rest, mut used) = (number, 0);
        for digit in digits.iter_mut().rev() {
            let [low, ..] = (rest % 10).to_le_bytes();
            *digit |= low;
            used += 1;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let (_, digits) = digits.split_at(digits.len() - used);
        self.0.extend_from_slice(digits);
    }

    /// `true`.
    pub(super) fn truth(&mut self, key: &'static str) {
        self.key(key);
        self.0.extend_from_slice(b"true");
    }

    /// An object, unless it has no field.
    pub(super) fn object(&mut self, key: &'static str, fields: impl FnOnce(&mut Self)) {
        self.nest(key, *b"{}", fields);
    }

    /// A list, unless it has no item.
    pub(super) fn list(&mut self, key: &'static str, items: impl FnOnce(&mut Self)) {
        self.nest(key, *b"[]", items);
    }

    /// A list, also if it has no item.
    pub(super) fn whole_list(&mut self, key: &'static str, items: impl FnOnce(&mut Self)) {
        if !self.nest(key, *b"[]", items) {
            self.key(key);
            self.0.extend_from_slice(b"[]");
        }
    }

    /// A text of a list.
    pub(super) fn text_item(&mut self, text: &str, limit: usize) {
        self.0.push(b',');
        self.string(text, limit);
    }

    /// An object of a list; it has a field.
    pub(super) fn object_item(&mut self, fields: impl FnOnce(&mut Self)) {
        self.0.push(b',');
        let start = self.0.len();
        fields(self);
        self.close(start, *b"{}");
    }

    fn nest(
        &mut self,
        key: &'static str,
        brackets: [u8; 2],
        inner: impl FnOnce(&mut Self),
    ) -> bool {
        let before = self.0.len();
        self.key(key);
        let start = self.0.len();
        inner(self);
        let any = self.close(start, brackets);
        if !any {
            self.0.truncate(before);
        }
        any
    }

    /// Puts brackets around what was written since `start`; false if that is nothing.
    fn close(&mut self, start: usize, brackets: [u8; 2]) -> bool {
        let [open, close] = brackets;
        let Some(comma) = self.0.get_mut(start) else {
            return false;
        };
        *comma = open;
        self.0.push(close);
        true
    }

    #[inline]
    fn key(&mut self, key: &'static str) {
        self.0.extend_from_slice(key.as_bytes());
    }

    fn string(&mut self, text: &str, limit: usize) {
        self.0.push(b'"');
        text::write(text, limit, self.0);
        self.0.push(b'"');
    }
}
