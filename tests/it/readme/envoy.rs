//! YAML compared by its content: no comments, no empty lines, no indentation of the whole.

/// The lines that say something, without comments and without what is around them.
pub(super) fn code(text: &str) -> Vec<String> {
    lines(text)
        .into_iter()
        .map(|line| line.trim().to_owned())
        .collect()
}

/// Whether `part` stands in `whole` as it is, however deep.
pub(super) fn contains(whole: &str, part: &str) -> bool {
    let (whole, part) = (lines(whole), lines(part));
    whole.windows(part.len()).any(|window| {
        let depth = window.first().map_or(0, |line| indentation(line));
        let dedented = window
            .iter()
            .map(|line| line.get(depth..).unwrap_or_default());
        dedented.eq(part.iter().map(String::as_str))
    })
}

fn lines(text: &str) -> Vec<String> {
    let says = |line: &str| {
        line.split(" #")
            .next()
            .unwrap_or_default()
            .trim_end()
            .to_owned()
    };
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(says)
        .filter(|line| !line.is_empty())
        .collect()
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[test]
fn a_changed_or_missing_line_is_noticed() {
    let whole = "a:\n  # why\n  - b: 1 # so\n    c: 2\n\n    d: 3\n";
    assert!(contains(whole, "- b: 1\n  c: 2\n  d: 3\n"));
    assert!(!contains(whole, "- b: 1\n  d: 3\n"));
    assert!(!contains(whole, "- b: 1\n  c: 3\n"));
    assert!(!contains(whole, "- b: 1\nc: 2\n"));
}
