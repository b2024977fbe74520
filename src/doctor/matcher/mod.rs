//! Envoy's matchers of texts, and what a list of them makes of a header that is needed.

use regex::RegexBuilder;

use super::at::At;
use super::headers::HeaderName;

/// The largest compiled pattern in bytes; Envoy's own have no more.
const MAX_PATTERN: usize = 1 << 20;

/// What can be said of a list and a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    Yes,
    No,
    /// A pattern is of a kind that nobody here can read, or none at all.
    Unknown,
}

impl From<bool> for Judged {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// Whether a `ListStringMatcher` matches all that is needed: what it matches together counts.
pub(super) fn covers(list: &At<'_>, needed: &HeaderName) -> Judged {
    let patterns = list.list("patterns");
    let matched = |name: &String| {
        let judged = patterns.iter().map(|pattern| one(pattern, name));
        any(judged)
    };
    let judged: Vec<Judged> = needed.samples().iter().map(matched).collect();
    if judged.contains(&Judged::No) {
        return Judged::No;
    }
    if judged.contains(&Judged::Unknown) {
        return Judged::Unknown;
    }
    Judged::Yes
}

/// Whether a `ListStringMatcher` matches anything that is needed.
pub(super) fn touches(list: &At<'_>, needed: &HeaderName) -> Judged {
    let samples = needed.samples();
    let touched = |pattern: &At<'_>| {
        let by_name = samples.iter().map(|name| one(pattern, name));
        let by_kind = match needed {
            HeaderName::Prefix(start) => among(pattern, start).into(),
            HeaderName::Exact(_) | HeaderName::Spellings(_) => Judged::No,
        };
        any(by_name.chain([by_kind]))
    };
    any(list.list("patterns").iter().map(touched))
}

fn any(judged: impl Iterator<Item = Judged>) -> Judged {
    let mut found = Judged::No;
    for judged in judged {
        match judged {
            Judged::Yes => return Judged::Yes,
            Judged::Unknown => found = Judged::Unknown,
            Judged::No => {}
        }
    }
    found
}

/// Whether there are names that start so and that a pattern matches. Every ending and every part is one of such a name; of an expression
/// only its text can be looked at, beside the names that are tried.
fn among(pattern: &At<'_>, start: &str) -> bool {
    let is = |field: &str, fits: &dyn Fn(&str) -> bool| {
        text_of(pattern, field).is_some_and(|text| fits(&text))
    };
    is("exact", &|text| text.starts_with(start))
        || is("prefix", &|text| {
            text.starts_with(start) || start.starts_with(text)
        })
        || is("suffix", &|_| true)
        || is("contains", &|_| true)
        || pattern.get("safe_regex").is_some_and(|regex| {
            let text = regex.text_of("regex").unwrap_or_default();
            text.replace('\\', "").contains(start)
        })
}

/// The text of a field as it is compared with lower-case names.
fn text_of(pattern: &At<'_>, field: &str) -> Option<String> {
    let text = pattern.text_of(field)?;
    Some(if pattern.is("ignore_case") {
        text.to_ascii_lowercase()
    } else {
        text
    })
}

/// Whether a `StringMatcher` matches a name; Envoy's have no capitals.
fn one(pattern: &At<'_>, name: &str) -> Judged {
    let text = |field: &str| text_of(pattern, field);
    if let Some(exact) = text("exact") {
        return (exact == name).into();
    }
    if let Some(prefix) = text("prefix") {
        return name.starts_with(&prefix).into();
    }
    if let Some(suffix) = text("suffix") {
        return name.ends_with(&suffix).into();
    }
    if let Some(part) = text("contains") {
        return name.contains(&part).into();
    }
    match pattern.get("safe_regex") {
        Some(regex) => matching(&regex, name),
        None => Judged::Unknown,
    }
}

/// Whether a `RegexMatcher` matches the whole text; one that cannot be read matches nothing.
pub(super) fn matches(matcher: &At<'_>, text: &str) -> bool {
    matching(matcher, text) == Judged::Yes
}

fn matching(matcher: &At<'_>, text: &str) -> Judged {
    let Some(regex) = matcher.text_of("regex") else {
        return Judged::Unknown;
    };
    let whole = RegexBuilder::new(&format!("^(?:{regex})$"))
        .size_limit(MAX_PATTERN)
        .build();
    whole.map_or(Judged::Unknown, |whole| whole.is_match(text).into())
}

#[cfg(test)]
mod tests;
