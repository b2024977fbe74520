//! What a server says about approvals, as a terminal may show it: nothing that a stranger wrote moves, hides or colours anything.

use serde_json::Value;

/// A text whose characters are all what they look like: whatever is neither visible ASCII nor a letter of Latin-1 stands there as its
/// code point, ends of lines too.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let letter = matches!(c, '\u{c0}'..='\u{ff}') && !matches!(c, '×' | '÷');
        if matches!(c, ' '..='~') || letter {
            out.push(c);
        } else {
            out.extend(c.escape_unicode());
        }
    }
    out
}

/// The text at `pointer` (RFC 6901), or a dash.
pub(super) fn at(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => plain(text),
        Some(Value::Null) | None => "-".to_owned(),
        Some(other) => plain(&other.to_string()),
    }
}

/// A party: `corp/alice`; with `owner` and kind where they are known.
pub(super) fn party(value: Option<&Value>) -> String {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return "-".to_owned();
    };
    format!("{}/{}", at(value, "/issuer"), at(value, "/id"))
}

/// Who asks, and for whom.
pub(super) fn requester(approval: &Value) -> String {
    let subject = party(approval.pointer("/requester/subject"));
    match approval.pointer("/requester/actor") {
        Some(actor) if !actor.is_null() => format!("{} for {subject}", party(Some(actor))),
        _ => subject,
    }
}

/// What it is about.
pub(super) fn resource(approval: &Value) -> String {
    match approval.get("resource") {
        Some(Value::Object(_)) => {
            format!(
                "{} {}",
                at(approval, "/resource/type"),
                at(approval, "/resource/id")
            )
        }
        _ => "-".to_owned(),
    }
}

/// `2026-11-22 01:30`, in UTC.
pub(super) fn minute(value: &Value, pointer: &str) -> String {
    let text = at(value, pointer);
    text.replace('T', " ").chars().take(16).collect()
}

/// Canonical JSON (RFC 8785) over several lines: the same characters, escaped where they could be taken for others, and nothing read
/// and written again, so that what is shown is what was digested.
pub(super) fn canonical(text: &str) -> Vec<String> {
    let (mut lines, mut line, mut depth) = (Vec::new(), String::new(), 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    let mut end = |line: &mut String, depth: usize| {
        lines.push(std::mem::replace(line, "  ".repeat(depth)));
    };
    for c in text.chars() {
        if in_string {
            in_string = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            line.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                depth += 1;
                line.push(c);
                end(&mut line, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                end(&mut line, depth);
                line.push(c);
            }
            ',' => {
                line.push(c);
                end(&mut line, depth);
            }
            ':' => line.push_str(": "),
            _ => {
                in_string = c == '"';
                line.push(c);
            }
        }
    }
    end(&mut line, 0);
    // An empty object leaves a line without anything.
    let lines = lines.into_iter().filter(|line| !line.trim().is_empty());
    lines.map(|line| plain(&line)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_moves_or_hides() {
        let hostile = "ev\u{202e}il\u{1b}[2J\n\u{200b}\u{430} é ok";
        let shown = "ev\\u{202e}il\\u{1b}[2J\\u{a}\\u{200b}\\u{430} é ok";
        assert_eq!(plain(hostile), shown);
        let asked = json!({ "id": hostile, "issuer": "corp", "n": 7, "none": null });
        assert_eq!(party(Some(&asked)), format!("corp/{shown}"));
        assert_eq!(at(&asked, "/n"), "7");
        assert_eq!(at(&asked, "/none"), "-");
        assert_eq!(party(None), "-");
    }

    #[test]
    fn canonical_json_is_spread_over_lines_and_nothing_else() {
        let text = "{\"a,b\":\"x\\\"},{\u{202e}\",\"list\":[1,{\"k\":[]}],\"n\":1e+21,\"o\":{}}";
        let lines = canonical(text);
        let joined: String = lines.iter().map(|line| line.trim_start()).collect();
        let expected = text.replace('\u{202e}', "\\u{202e}");
        assert_eq!(joined.replace("\": ", "\":"), expected);
        assert_eq!(lines[1], "  \"a,b\": \"x\\\"},{\\u{202e}\",");
        assert_eq!(canonical("{}"), ["{", "}"]);
    }
}
