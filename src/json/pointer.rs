//! JSON Pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)).

use std::borrow::Cow;

use super::Json;

impl Json<'_> {
    /// The value that a pointer names. None if there is no such value, or if this is no pointer: one is empty or starts
    /// with `/`, and has `~` only in `~0` (`~`) and `~1` (`/`).
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut tokens = pointer.strip_prefix('/')?.split('/');
        tokens.try_fold(self, |value, token| value.step(&unescape(token)?))
    }

    fn step(&self, token: &str) -> Option<&Self> {
        match self {
            Self::Object(object) => object.get(token),
            Self::Array(items) => items.get(index(token)?),
            _ => None,
        }
    }
}

fn unescape(token: &str) -> Option<Cow<'_, str>> {
    if !token.contains('~') {
        return Some(Cow::Borrowed(token));
    }
    let mut parts = token.split('~');
    let mut name = parts.next()?.to_owned();
    for part in parts {
        let (escaped, rest) = match part.strip_prefix('0') {
            Some(rest) => ('~', rest),
            None => ('/', part.strip_prefix('1')?),
        };
        name.push(escaped);
        name.push_str(rest);
    }
    Some(Cow::Owned(name))
}

/// An index is decimal digits without leading zeros; `-` (the item after the last) never has a value.
fn index(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = token.len() > 1 && token.starts_with('0');
    if !digits || leading_zero {
        return None;
    }
    token.parse().ok()
}
