use std::path::Path;

use super::Judged::{No, Unknown, Yes};
use super::*;
use crate::config::yaml::Document;

/// What a list of these patterns covers and touches of a header.
fn judged(patterns: &str, needed: &HeaderName) -> (Judged, Judged) {
    let text = format!("patterns: [{patterns}]");
    let document = Document::read(Path::new("x"), &text).unwrap();
    let list = At::root(&document);
    (covers(&list, needed), touches(&list, needed))
}

#[test]
fn one_name_is_matched_as_envoy_matches_it() {
    let needed = HeaderName::Exact("x-tenant".to_owned());
    for (patterns, expected) in [
        ("{ exact: x-tenant }", Yes),
        ("{ exact: X-Tenant }", No),
        ("{ exact: X-Tenant, ignore_case: true }", Yes),
        ("{ exact: X-Tenant, ignoreCase: true }", Yes),
        ("{ exact: x-tenants }", No),
        ("{ prefix: x- }", Yes),
        ("{ prefix: X-, ignore_case: true }", Yes),
        ("{ prefix: tenant }", No),
        ("{ suffix: -tenant }", Yes),
        ("{ suffix: x }", No),
        ("{ contains: ten }", Yes),
        ("{ contains: TEN }", No),
        ("{ contains: y }", No),
        // The whole name, not a part of it.
        (r#"{ safe_regex: { regex: "x-.*" } }"#, Yes),
        (r#"{ safeRegex: { regex: "x-.*" } }"#, Yes),
        (r#"{ safe_regex: { regex: "x-ten" } }"#, No),
        (r#"{ safe_regex: { regex: "tenant" } }"#, No),
        (r#"{ safe_regex: { regex: "y|x-tenant" } }"#, Yes),
        // An expression says itself whether case matters.
        (
            r#"{ safe_regex: { regex: "X-TENANT" }, ignore_case: true }"#,
            No,
        ),
        (r#"{ safe_regex: { regex: "(?i)X-TENANT" } }"#, Yes),
        (r#"{ safe_regex: { regex: "(" } }"#, Unknown),
        ("{ custom: { name: lua } }", Unknown),
        ("{ custom: { name: lua } }, { exact: x-tenant }", Yes),
        ("{ exact: a }, { prefix: x-t }", Yes),
        ("{ exact: a }, { exact: b }", No),
        ("", No),
    ] {
        assert_eq!(
            judged(patterns, &needed),
            (expected, expected),
            "{patterns}"
        );
    }
}

#[test]
fn all_that_starts_alike_is_covered_only_as_a_whole() {
    let needed = HeaderName::Prefix("mcp-param-".to_owned());
    for (patterns, covered, touched) in [
        ("{ prefix: mcp-param- }", Yes, Yes),
        ("{ prefix: mcp- }", Yes, Yes),
        ("{ contains: param }", Yes, Yes),
        (r#"{ safe_regex: { regex: "mcp-.+" } }"#, Yes, Yes),
        (r#"{ safe_regex: { regex: "mcp-param-[a-z]+" } }"#, No, Yes),
        (r#"{ safe_regex: { regex: "mcp-param-region" } }"#, No, Yes),
        (
            r#"{ safe_regex: { regex: "mcp\\-param\\-region" } }"#,
            No,
            Yes,
        ),
        ("{ exact: mcp-param-region }", No, Yes),
        ("{ prefix: mcp-param-re }", No, Yes),
        ("{ suffix: -bin }", No, Yes),
        ("{ contains: secret }", No, Yes),
        ("{ prefix: sec- }", No, No),
        ("{ exact: mcp-param }", No, No),
        (r#"{ safe_regex: { regex: "x-.*" } }"#, No, No),
    ] {
        assert_eq!(judged(patterns, &needed), (covered, touched), "{patterns}");
    }
}

#[test]
fn every_mixed_spelling_has_to_be_covered() {
    let needed = HeaderName::Spellings("x-user-id".to_owned());
    for (patterns, covered, touched) in [
        (r#"{ safe_regex: { regex: "x[-_]user[-_]id" } }"#, Yes, Yes),
        ("{ prefix: x }", Yes, Yes),
        ("{ exact: x_user-id }, { exact: x-user_id }", Yes, Yes),
        ("{ exact: x_user-id }", No, Yes),
        ("{ exact: x-user-id }, { exact: x_user_id }", No, No),
    ] {
        assert_eq!(judged(patterns, &needed), (covered, touched), "{patterns}");
    }
}
