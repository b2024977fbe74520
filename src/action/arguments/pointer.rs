//! JSON Pointers as they are written in policies ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)).

use std::sync::Arc;

/// The names on the way to what a pointer names, without escapes; none if this is no pointer.
pub(super) fn steps(pointer: &str) -> Option<Vec<Arc<str>>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    pointer.strip_prefix('/')?.split('/').map(step).collect()
}

fn step(token: &str) -> Option<Arc<str>> {
    let mut parts = token.split('~');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (character, rest) = match part.strip_prefix('0') {
            Some(rest) => ('~', rest),
            None => ('/', part.strip_prefix('1')?),
        };
        name.push(character);
        name.push_str(rest);
    }
    Some(Arc::from(name))
}
