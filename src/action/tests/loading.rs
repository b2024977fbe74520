//! What cannot be loaded, and where it says so.

use serde_json::{Value as Json, json};

use super::compile;

/// The findings of a route, as `code at path`.
fn findings(spec: &Json, actions: &Json) -> Vec<String> {
    let compiled = compile("api", spec, actions);
    let findings = compiled.err().unwrap_or_default();
    findings
        .into_iter()
        .map(|finding| {
            let text = finding.to_string();
            let path = text.split(": ").next().unwrap_or_default().to_owned();
            format!("{} at {path}", finding.code)
        })
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn mistakes_of_a_route_are_found_at_load() {
    for (change, expected) in [
        (json!({ "match": {} }), "invalid-match at match"),
        (
            json!({ "match": { "path": "/a" } }),
            "invalid-match at match",
        ),
        (
            json!({ "match": { "host": "a.test", "route": "api" } }),
            "invalid-match at match",
        ),
        (
            json!({ "match": { "route": "api", "path": "/a" } }),
            "invalid-match at match",
        ),
        (
            json!({ "match": { "route": "other" } }),
            "route-id at match.route",
        ),
        (
            json!({ "match": { "host": [] } }),
            "empty-list at match.host",
        ),
        (
            json!({ "match": { "host": "A.test" } }),
            "invalid-host at match.host",
        ),
        (
            json!({ "match": { "host": ["a.test", "*.test"] } }),
            "invalid-host at match.host[1]",
        ),
        (
            json!({ "match": { "host": "a.test:443" } }),
            "invalid-host at match.host",
        ),
        (
            json!({ "match": { "host": "a..test" } }),
            "invalid-host at match.host",
        ),
        (
            json!({ "match": { "host": "[::0001]" } }),
            "invalid-host at match.host",
        ),
        (
            json!({ "match": { "host": "a.test", "path": "crm" } }),
            "invalid-path at match.path",
        ),
        (
            json!({ "match": { "host": "a.test", "path": "/crm/" } }),
            "invalid-path at match.path",
        ),
        (
            json!({ "match": { "host": "a.test", "path": "/a//b" } }),
            "invalid-path at match.path",
        ),
        (
            json!({ "match": { "host": "a.test", "path": "/a/../b" } }),
            "invalid-path at match.path",
        ),
        (
            json!({ "match": { "host": "a.test", "path": "/{x}" } }),
            "invalid-path at match.path",
        ),
        (
            json!({ "match": { "host": "a.test", "path": "/a;b" } }),
            "invalid-path at match.path",
        ),
        (json!({ "url": "api.test" }), "invalid-url at url"),
        (json!({ "url": "https://" }), "invalid-url at url"),
        (json!({ "url": "https:///a" }), "invalid-url at url"),
        (json!({ "url": "https://a.test/?x" }), "invalid-url at url"),
        (
            json!({ "url": "https://a.test/\nx: y" }),
            "invalid-url at url",
        ),
        (
            json!({ "url": "https://a.test/\u{e9}" }),
            "invalid-url at url",
        ),
        (json!({ "audience": "" }), "invalid-audience at audience"),
        (
            json!({ "providers": ["corp", "corp"] }),
            "duplicate-provider at providers[1]",
        ),
        (
            json!({ "providers": ["a b"] }),
            "invalid-name at providers[0]",
        ),
    ] {
        let mut spec = json!({ "match": { "host": "a.test" }, "url": "https://a.test" });
        for (key, value) in change.as_object().unwrap() {
            spec[key] = value.clone();
        }
        assert_eq!(findings(&spec, &json!({})), [expected], "{change}");
    }
}

#[test]
fn mistakes_of_an_action_are_found_at_load() {
    let spec = json!({ "match": { "host": "a.test", "path": "/v1" }, "url": "https://a.test", "providers": ["corp"] });
    for (action, expected) in [
        (json!({}), "no-operation at actions.x"),
        (
            json!({ "http": "/v1/a" }),
            "invalid-operation at actions.x.http",
        ),
        (
            json!({ "http": "get /v1/a" }),
            "invalid-operation at actions.x.http",
        ),
        (
            json!({ "http": "GET v1/a" }),
            "invalid-operation at actions.x.http",
        ),
        (
            json!({ "http": ["GET /v1/a", "GET /v1//a"] }),
            "invalid-operation at actions.x.http[1]",
        ),
        (
            json!({ "http": "GET /v1/../a" }),
            "invalid-operation at actions.x.http",
        ),
        (
            json!({ "http": "GET /v1/a%20b" }),
            "invalid-operation at actions.x.http",
        ),
        (
            json!({ "http": "GET /v1/*" }),
            "invalid-operation at actions.x.http",
        ),
        (
            json!({ "http": "GET /v1/{x}y" }),
            "invalid-operation at actions.x.http",
        ),
        (
            json!({ "http": "GET /v1/{}" }),
            "invalid-operation at actions.x.http",
        ),
        (
            json!({ "http": "GET /v1/{*x}/y" }),
            "invalid-operation at actions.x.http",
        ),
        (
            json!({ "http": "GET /v1/{x}/{x}" }),
            "invalid-operation at actions.x.http",
        ),
        (
            json!({ "grpc": "Cart.Add" }),
            "invalid-operation at actions.x.grpc",
        ),
        (
            json!({ "grpc": "shop..Cart/Add" }),
            "invalid-operation at actions.x.grpc",
        ),
        (
            json!({ "http": "GET /v2/a" }),
            "unreachable-action at actions.x.http",
        ),
        (
            json!({ "http": "GET /v1/a", "tier": "huge" }),
            "invalid-tier at actions.x.tier",
        ),
        (
            json!({ "http": "GET /v1/a", "scope": "a  b" }),
            "invalid-scope at actions.x.scope",
        ),
        (
            json!({ "http": "GET /v1/a", "scope": "a\"b" }),
            "invalid-scope at actions.x.scope",
        ),
        (
            json!({ "http": "GET /v1/a", "params": { "y": "int" } }),
            "unknown-parameter at actions.x.params.y",
        ),
        (
            json!({ "http": "GET /v1/{y}", "params": { "y": "integer" } }),
            "invalid-type at actions.x.params.y",
        ),
        (
            json!({ "http": "GET /v1/{y}", "params": { "y": "duration" } }),
            "invalid-type at actions.x.params.y",
        ),
        (
            json!({ "http": ["GET /v1/{y}", "GET /v1/b/{z}"] }),
            "different-parameters at actions.x",
        ),
        (
            json!({ "http": "GET /v1/a", "query": { "q": "list(string)" } }),
            "invalid-type at actions.x.query.q",
        ),
        (
            json!({ "http": "GET /v1/a", "resource": { "type": "t", "id": "params.nope" } }),
            "invalid-expression at actions.x.resource.id",
        ),
        (
            json!({ "http": "GET /v1/a", "resource": { "type": "t", "id": "query.q" } }),
            "invalid-expression at actions.x.resource.id",
        ),
        (
            json!({ "http": "GET /v1/a", "resource": { "type": "t", "id": "1" } }),
            "invalid-expression at actions.x.resource.id",
        ),
        (
            json!({ "http": "GET /v1/a", "resource": { "type": "", "id": "\"1\"" } }),
            "invalid-resource at actions.x.resource.type",
        ),
    ] {
        assert_eq!(
            findings(&spec, &json!({ "x": action })),
            [expected],
            "{action}"
        );
    }
    assert_eq!(
        findings(&spec, &json!({ "a b": { "http": "GET /v1/a" } })),
        ["invalid-name at actions.a b"]
    );
}

#[test]
fn every_mistake_is_reported_at_once() {
    let spec = json!({ "match": { "host": ["A", "B"] }, "url": "x", "providers": ["?"] });
    let actions = json!({
        "one": { "http": ["GET", "POST"], "tier": "huge" },
        "two": { "grpc": "x" },
    });
    assert_eq!(
        findings(&spec, &actions),
        [
            "invalid-host at match.host[0]",
            "invalid-host at match.host[1]",
            "invalid-url at url",
            "invalid-name at providers[0]",
            "invalid-operation at actions.one.http[0]",
            "invalid-operation at actions.one.http[1]",
            "invalid-tier at actions.one.tier",
            "invalid-operation at actions.two.grpc",
        ]
    );
}

#[test]
fn two_actions_for_the_same_requests_are_an_error() {
    let spec = json!({ "match": { "host": "a.test" }, "url": "https://a.test" });
    for actions in [
        json!({ "a": { "http": "GET /x" }, "b": { "http": "GET /x" } }),
        json!({ "a": { "http": "GET /x/{y}" }, "b": { "http": "GET /x/{z}" } }),
        json!({ "a": { "http": "GET /x/{*y}" }, "b": { "http": "GET /x/{*z}" } }),
        json!({ "a": { "http": "* /x" }, "b": { "http": "* /x" } }),
        json!({ "a": { "http": "POST /s.S/M" }, "b": { "grpc": "s.S/M" } }),
        json!({ "a": { "http": "GET /q/{y}" }, "b": { "http": ["GET /x/{y}", "GET /q/{y}"] } }),
        // A third action whose pattern would match the text of the others' patterns hides nothing.
        json!({ "a": { "http": "GET /x/{*y}" }, "b": { "http": "GET /x/{*z}" }, "c": { "http": "* /x/{w}" } }),
        json!({ "a": { "http": "* /x/{*y}" }, "b": { "http": "* /x/{*z}" }, "c": { "http": "GET /x/{w}" } }),
    ] {
        let found = findings(&spec, &actions);
        assert!(
            !found.is_empty()
                && found
                    .iter()
                    .all(|finding| finding == "action-conflict at actions.b"),
            "{actions}: {found:?}"
        );
    }
    for actions in [
        json!({ "a": { "http": "GET /x" }, "b": { "http": "* /x" } }),
        json!({ "a": { "http": "GET /x/{y}" }, "b": { "http": "GET /x/{*y}" } }),
        json!({ "a": { "http": "GET /x/{y}/z" }, "b": { "http": "GET /x/{z}" } }),
        json!({ "a": { "http": "GET /x" }, "b": { "http": "GET /x/" } }),
    ] {
        assert_eq!(findings(&spec, &actions), [""; 0], "{actions}");
    }
}

#[test]
fn a_scope_needs_a_provider_that_can_grant_it() {
    let spec = json!({ "match": { "host": "a.test" }, "url": "https://a.test" });
    let actions = json!({ "x": { "http": "GET /x", "scope": "a" } });
    assert_eq!(
        findings(&spec, &actions),
        ["scope-without-provider at actions.x.scope"]
    );
}
