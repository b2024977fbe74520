use super::*;

fn rule(id: &str) -> RuleId {
    RuleId::new(id).unwrap()
}

fn names(headers: &RequestHeaders) -> Vec<String> {
    headers.iter().map(|(name, _)| name.to_string()).collect()
}

#[test]
fn every_configuration_needs_what_every_check_reads_and_no_more() {
    let headers = RequestHeaders::default();
    assert_eq!(
        names(&headers),
        [
            "authorization",
            "authz-approval-token",
            "content-encoding",
            "content-length",
            "content-type",
            "dpop",
            "host",
            "x-http-method",
            "x-http-method-override",
            "x-method-override",
            "x-request-id",
        ]
    );
    let only_told: Vec<String> = headers
        .iter()
        .filter(|(_, needs)| !needs.iter().any(|need| need.decides))
        .map(|(name, _)| name.to_string())
        .collect();
    assert_eq!(only_told, ["x-request-id"]);
}

#[test]
fn a_header_that_a_policy_names_is_needed_by_whoever_names_it() {
    let mut headers = RequestHeaders::default();
    let (one, two) = (rule("one"), rule("two"));
    for id in [&one, &two] {
        headers.of_attribute(&["request", "headers", "X-Tenant"], Reader::Rule(id));
        headers.of_attribute(&["request", "method"], Reader::Rule(id));
    }
    let name = HeaderName::Exact("x-tenant".to_owned());
    let (_, needs) = headers.iter().find(|(known, _)| **known == name).unwrap();
    let by: Vec<&By> = needs.iter().map(|need| &need.by).collect();
    assert_eq!(by, [&By::Rule(one), &By::Rule(two)]);
    assert!(headers.computed().is_empty());
}

#[test]
fn a_name_that_only_a_request_tells_needs_every_header() {
    let mut headers = RequestHeaders::default();
    headers.of_attribute(&["request", "headers"], Reader::Rule(&rule("any")));
    let need = headers.computed().first().unwrap();
    assert_eq!(
        (&need.by, &*need.why),
        (
            &By::Rule(rule("any")),
            "rule `any` reads headers by a computed name"
        )
    );
    assert_eq!(names(&headers), names(&RequestHeaders::default()));
}

#[test]
fn a_pattern_matches_the_names_that_stand_for_it() {
    let mixed = HeaderName::Spellings("x-user-id".to_owned());
    assert_eq!(mixed.samples(), ["x_user-id", "x-user_id"]);
    let pattern = mixed.pattern();
    let text = pattern["safe_regex"]["regex"].as_str().unwrap();
    let regex = regex::Regex::new(&format!("^(?:{text})$")).unwrap();
    assert!(mixed.samples().iter().all(|name| regex.is_match(name)));
    for other in ["x-user", "x.user-id", "x-user-id-2", "ax-user-id"] {
        assert!(!regex.is_match(other), "{other}");
    }
    let dotted = HeaderName::Spellings("a.b-c-d".to_owned()).pattern();
    assert_eq!(dotted["safe_regex"]["regex"], r"a\.b[-_]c[-_]d");
    let many = HeaderName::Spellings("a-".repeat(40) + "a");
    assert!(!many.samples().is_empty() && many.samples().len() <= 64);
}

#[test]
fn what_is_written_is_the_pattern_in_one_line() {
    for name in [
        HeaderName::Exact("x-'odd'#".to_owned()),
        HeaderName::Prefix("mcp-param-".to_owned()),
        HeaderName::Spellings("a.b-c-d".to_owned()),
    ] {
        let text = format!("pattern: {}", name.written_pattern());
        let file = std::path::Path::new("x");
        let document = crate::config::yaml::Document::read(file, &text).unwrap();
        let path = crate::config::yaml::KeyPath::root().join("pattern");
        let read: serde_json::Value = document.decode(&path).unwrap();
        assert_eq!(read, name.pattern());
    }
}
