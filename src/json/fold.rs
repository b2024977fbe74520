//! Names that differ in case only.

/// Whether two names are different and become the same under simple case folding, as a reader compares them that takes
/// `NAME` for `name` (Go's `encoding/json`, Java's `equalsIgnoreCase`).
///
/// `\u{212a}` (KELVIN SIGN) folds to `k`, `\u{17f}` (LONG S) to `s`. The dotted and the dotless i fold to `i`, as some
/// readers do and others do not. Normal forms are not looked at.
pub fn folds_to(a: &str, b: &str) -> bool {
    a != b && a.chars().map(fold).eq(b.chars().map(fold))
}

/// A name as such a reader compares it.
pub(super) fn folded(name: &str) -> String {
    name.chars().map(fold).collect()
}

/// Upper-case first, so that letters meet that have one upper-case letter and several lower-case ones (`s` and LONG S).
fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut upper = c.to_uppercase();
    let upper = match (upper.next(), upper.next()) {
        (Some(single), None) => single,
        // What becomes several letters in capitals is a letter of its own.
        _ => c,
    };
    upper.to_lowercase().next().unwrap_or(upper)
}
