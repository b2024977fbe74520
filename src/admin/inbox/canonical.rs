//! Canonical JSON (RFC 8785) for people: the same characters, with line ends between them. It is never read and written again, so
//! what is shown is what was digested.

/// The members of an object, each with its name and value as they stand there; none if the text is no object.
pub(super) fn members(text: &str) -> Option<Vec<(String, String)>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut members = Vec::new();
    let (mut name, mut part) = (None, String::new());
    let mut scan = Scan::default();
    for c in inner.chars() {
        let outside = scan.step(c);
        match c {
            ':' if outside && scan.depth == 0 && name.is_none() => {
                name = Some(std::mem::take(&mut part));
            }
            ',' if outside && scan.depth == 0 => {
                members.push((name.take()?, std::mem::take(&mut part)));
            }
            _ => part.push(c),
        }
    }
    if let Some(name) = name {
        members.push((name, part));
    }
    Some(members)
}

/// The same text over several lines, indented by two spaces.
pub(super) fn indented(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut scan = Scan::default();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let outside = scan.step(c);
        match c {
            '{' | '[' if outside => {
                out.push(c);
                // An empty one stays on its line.
                if !matches!(rest.peek(), Some('}' | ']')) {
                    line(&mut out, scan.depth);
                }
            }
            '}' | ']' if outside => {
                if !out.ends_with(['{', '[']) {
                    line(&mut out, scan.depth);
                }
                out.push(c);
            }
            ',' if outside => {
                out.push(c);
                line(&mut out, scan.depth);
            }
            ':' if outside => out.push_str(": "),
            _ => out.push(c),
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Where in a text somebody is.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Goes over a character; whether it stands outside of strings. `depth` is that behind it.
    fn step(&mut self, c: char) -> bool {
        if self.in_string {
            self.in_string = c != '"' || self.escaped;
            self.escaped = c == '\\' && !self.escaped;
            return false;
        }
        match c {
            '"' => self.in_string = true,
            '{' | '[' => self.depth += 1,
            '}' | ']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        c != '"'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"a,b":"x\"},{","list":[1,{"k":[]}],"n":1e+21,"o":{}}"#;

    #[test]
    fn members_are_found_whatever_stands_in_strings() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = vec![
            pair("\"a,b\"", r#""x\"},{""#),
            pair("\"list\"", r#"[1,{"k":[]}]"#),
            pair("\"n\"", "1e+21"),
            pair("\"o\"", "{}"),
        ];
        assert_eq!(members(TEXT), Some(expected));
        assert_eq!(members("{}"), Some(Vec::new()));
        assert_eq!(members("[1]"), None);
    }

    #[test]
    fn nothing_but_space_is_added() {
        let shown = indented(TEXT);
        let expected = "{\n  \"a,b\": \"x\\\"},{\",\n  \"list\": [\n    1,\n    {\n      \"k\": []\n    }\n  ],\n  \"n\": 1e+21,\n  \"o\": {}\n}";
        assert_eq!(shown, expected);
        let stripped: String = shown.split('\n').map(str::trim_start).collect();
        assert_eq!(stripped.replace("\": ", "\":"), TEXT);
    }
}
