//! Headers are read by the names of `model::header`, which say when each is read; who reads others is listed here, with where those
//! names come from. A reader that is not would be one that `check --envoy-headers` knows nothing of.

use crate::layers::{Source, report, sources};

/// Where requests are read and decided about.
const READERS: [&str; 11] = [
    "model",
    "action",
    "policy",
    "identity",
    "approval",
    "revocation",
    "condition",
    "registry",
    "token",
    "authorizer",
    "ext_authz/request",
];

/// Files that read headers by other names, and whose they are.
const BY_OTHER_NAMES: &[(&str, &str)] = &[
    ("model/facts.rs", "what a rule names"),
    ("identity/place.rs", "what a provider names"),
    ("action/mcp/headers.rs", "those that start with `MCP_PARAM`"),
    (
        "authorizer/life/mod.rs",
        "those that start with `FETCH_METADATA`",
    ),
    (
        "authorizer/headers.rs",
        "what providers name, and spellings of what policies set",
    ),
    (
        "ext_authz/request/headers/mod.rs",
        "all of them, for their shape; those of two lists of known ones",
    ),
    (
        "ext_authz/request/mod.rs",
        "known ones, before headers are read",
    ),
];

/// Maps of the same name that hold no headers of a request: what rules set.
const OTHER_MAPS: &[&str] = &["policy/constrain.rs"];

/// What stands between the brackets of each `headers.get(…)` and `headers.iter(…)`, with the line: texts are blank.
fn reads(source: &Source) -> Vec<(usize, bool, &str)> {
    let end = source.code.find("#[cfg(test)]\nmod tests {");
    let code = &source.code[..end.unwrap_or(source.code.len())];
    let mut found = Vec::new();
    for (at, word) in code.match_indices("headers") {
        let behind = code[at + word.len()..].trim_start();
        for (call, named) in [(".get(", true), (".iter(", false)] {
            if let Some(argument) = behind.strip_prefix(call) {
                found.push((source.line_of(at), named, argument.trim_start()));
            }
        }
    }
    found
}

#[test]
fn every_header_is_read_by_a_known_name_or_by_somebody_elses() {
    let is_test = |name: &str| name.contains("/tests") || name.ends_with("testing.rs");
    let (mut broken, mut used) = (Vec::new(), Vec::new());
    for source in sources("src") {
        let name = source.name.as_str();
        let reader = READERS.iter().any(|folder| source.is_under(folder));
        if !reader || is_test(name) || OTHER_MAPS.contains(&name) {
            continue;
        }
        let excused = BY_OTHER_NAMES.iter().any(|(file, _)| *file == name);
        for (line, named, argument) in reads(&source) {
            let known = named && argument.starts_with("header::");
            let literal = named && argument.starts_with(')');
            if !known && (!excused || literal) {
                let rule = "take the name from `model::header`, or say in tests/it/listed/reading.rs whose it is";
                broken.push(source.at(line, rule));
            }
            if !known && excused {
                used.push(name.to_owned());
            }
        }
    }
    let stale = BY_OTHER_NAMES
        .iter()
        .filter(|(file, _)| !used.iter().any(|it| it == file));
    broken.extend(stale.map(|(file, _)| {
        format!("tests/it/listed/reading.rs: `{file}` reads no others any more: remove its row")
    }));
    report(&broken);
}

#[test]
fn a_reader_of_its_own_is_seen() {
    let text = "fn f() {\n    a.headers\n        .get(\"x\");\n    b.headers.get(header::HOST);\n    headers.iter();\n}\n";
    let source = Source::new("model/x.rs", text);
    let found: Vec<(usize, bool, bool)> = reads(&source)
        .into_iter()
        .map(|(line, named, argument)| (line, named, argument.starts_with("header::")))
        .collect();
    assert_eq!(
        found,
        [(2, true, false), (4, true, true), (5, false, false)]
    );
}
