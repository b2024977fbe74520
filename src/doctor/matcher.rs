//! Envoy's matchers of texts.

use regex::RegexBuilder;

use super::at::At;

/// The largest compiled pattern in bytes; Envoy's own have no more.
const MAX_PATTERN: usize = 1 << 20;

/// Whether one of a `ListStringMatcher` matches a header's name; one that cannot be read matches nothing.
pub(super) fn any(list: &At<'_>, name: &str) -> bool {
    list.list("patterns")
        .iter()
        .any(|pattern| one(pattern, name))
}

fn one(pattern: &At<'_>, name: &str) -> bool {
    let ignore_case = pattern.is("ignore_case");
    let text = |field: &str| {
        let text = pattern.text_of(field)?;
        Some(if ignore_case {
            text.to_ascii_lowercase()
        } else {
            text
        })
    };
    text("exact").is_some_and(|exact| exact == name)
        || text("prefix").is_some_and(|prefix| name.starts_with(&prefix))
        || text("suffix").is_some_and(|suffix| name.ends_with(&suffix))
        || text("contains").is_some_and(|part| name.contains(&part))
        || pattern
            .get("safe_regex")
            .is_some_and(|regex| matches(&regex, name))
}

/// Whether a `RegexMatcher` matches the whole text.
pub(super) fn matches(matcher: &At<'_>, text: &str) -> bool {
    let regex = matcher.text_of("regex").unwrap_or_default();
    let whole = RegexBuilder::new(&format!("^(?:{regex})$"))
        .size_limit(MAX_PATTERN)
        .build();
    whole.is_ok_and(|whole| whole.is_match(text))
}
