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

/// The pointer to what these names lead to.
pub(super) fn written<'a>(steps: impl IntoIterator<Item = &'a str>) -> String {
    let escaped = |step: &str| format!("/{}", step.replace('~', "~0").replace('/', "~1"));
    steps.into_iter().map(escaped).collect()
}

/// The item of an array that a step names: decimal digits without leading zeros (section 4).
pub(super) fn index(step: &str) -> Option<usize> {
    let digits = step.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = step.len() > 1 && step.starts_with('0');
    if digits && !leading_zero {
        step.parse().ok()
    } else {
        None
    }
}
