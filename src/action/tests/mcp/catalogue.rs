//! Which declared action a name or URI is.

use serde_json::{Value as Json, json};

use super::{action, call, crm, message, shop, tool};
use crate::action::CompiledRoute;
use crate::model::reason::Reason;

fn read(route: &CompiledRoute, uri: &str) -> Result<String, Reason> {
    action(
        route,
        &message(&call("resources/read", &json!({ "uri": uri }))),
    )
}

fn prompt(name: &str) -> Result<String, Reason> {
    let params = json!({ "name": name, "arguments": { "topic": "x" } });
    action(&shop(), &message(&call("prompts/get", &params)))
}

#[test]
fn a_tool_that_is_not_declared_is_no_action() {
    for name in [
        "Search",
        "search ",
        " search",
        "search\u{200b}",
        "\u{17f}earch",
        "search_",
        "mcp.ping",
    ] {
        let found = action(&shop(), &message(&tool(name, &json!({}))));
        assert_eq!(found, Err(Reason::NoAction), "{name:?}");
    }
}

#[test]
fn a_declared_prompt_is_not_the_protocols() {
    assert_eq!(prompt("summarise").as_deref(), Ok("summary"));
    assert_eq!(prompt("other").as_deref(), Ok("mcp.prompts.get"));
    for name in ["Summarise", "SUMMARISE", "\u{17f}ummarise"] {
        assert_eq!(prompt(name), Err(Reason::NoAction), "{name}");
    }
}

#[test]
fn the_most_specific_pattern_wins() {
    let route = crm(&json!({
        "any": { "uri": "file:///*/*" },
        "reports": { "uri": "file:///reports/*" },
        "first": { "uri": ["file:///reports/q1*", "db://first"] },
        "one": { "uri": "file:///reports/q1.pdf" },
    }));
    for (uri, expected) in [
        ("file:///other/x", "any"),
        ("file:///reports/x", "reports"),
        ("file:///reports/q1.txt", "first"),
        ("file:///reports/q1.pdf", "one"),
        ("db://first", "first"),
        ("file:///reports/x/y", "mcp.resources.read"),
        ("db://second", "mcp.resources.read"),
    ] {
        assert_eq!(read(&route, uri).as_deref(), Ok(expected), "{uri}");
    }
}

#[test]
fn a_uri_that_may_mean_another_is_not_compared() {
    for uri in [
        "file:///reports/../secret",
        "file:///reports/..",
        "file:///reports/.",
        "file:///reports/%2e%2e",
        "file:///reports/%2E%2E%2Fsecret",
        "file:///reports/..%2fsecret",
        "file:///reports/a%5cb",
        "file:///reports/a%00",
        "file:///reports/%2525",
        "file:///reports/a%zz",
        "file:///reports/a%4",
        "file:///reports/%61",
        "file:///reports\\x",
        "file:///reports/a#b",
        "file:///reports/a b",
        "file:////reports/x",
        "file:///reports//x",
        "FILE:///reports/x",
        "reports/x",
        "1file:///x",
    ] {
        assert_eq!(read(&shop(), uri), Err(Reason::MessageMalformed), "{uri}");
        for method in ["resources/subscribe", "resources/unsubscribe"] {
            let found = action(&shop(), &message(&call(method, &json!({ "uri": uri }))));
            assert_eq!(found, Err(Reason::MessageMalformed), "{method} {uri}");
        }
    }
    for uri in [
        "file:///Reports/x",
        "file:///reports/x?y",
        "file:///REPORTS/x?y",
        // A server that makes a path or a URL of it reads `file:///reports/x`.
        "file:/reports/x",
        "file:reports/x",
        "file://localhost/reports/x",
        "file:///reports/x/",
    ] {
        assert_eq!(read(&shop(), uri), Err(Reason::NoAction), "{uri}");
    }
    for uri in [
        "file:///reports/a%20b",
        "file:///reports/",
        "file:///reports/\u{e9}",
    ] {
        assert_eq!(read(&shop(), uri).as_deref(), Ok("reports"), "{uri}");
    }
    for uri in [
        "db://x?a=b",
        "urn:isbn:1",
        "mailbox:inbox/1",
        "repo://Owner/x/",
    ] {
        assert_eq!(
            read(&shop(), uri).as_deref(),
            Ok("mcp.resources.read"),
            "{uri}"
        );
    }
}

#[test]
fn another_way_to_write_a_declared_uri_opens_nothing() {
    let route = crm(&json!({
        "open": { "uri": ["https://docs.test/*", "file:///reports/*", "db://x", "note:///A*"] },
        "closed": { "uri": ["https://docs.test/a+b", "file:///reports/q1.pdf", "db://x?table=pay", "note:///a*"] },
    }));
    for (uri, expected) in [
        ("https://docs.test/a+b", Ok("closed")),
        ("https://docs.test/a%2Bb", Err(Reason::NoAction)),
        ("https://docs.test/A+b", Err(Reason::NoAction)),
        ("https://docs.test:443/a+b", Err(Reason::NoAction)),
        ("https://me@docs.test/a+b", Err(Reason::NoAction)),
        ("https:docs.test/a+b", Err(Reason::NoAction)),
        ("https:///docs.test/a+b", Err(Reason::NoAction)),
        ("https://docs.test/b+a", Ok("open")),
        ("file:///reports/q1.pdf", Ok("closed")),
        ("file:///reports/Q1.pdf", Err(Reason::NoAction)),
        ("file:///reports/q2.pdf", Ok("open")),
        ("db://x?table=pay", Ok("closed")),
        ("db://x?a=1&table=pay", Err(Reason::NoAction)),
        ("db://x", Ok("open")),
        // Both are declared, so both are meant.
        ("note:///Ab", Ok("open")),
        ("note:///ab", Ok("closed")),
    ] {
        assert_eq!(
            read(&route, uri).as_deref(),
            expected.as_ref().copied(),
            "{uri}"
        );
    }
}

#[test]
fn what_a_resource_action_touches_can_be_its_uri() {
    let route = crm(&json!({
        "reports": { "uri": "file:///reports/*", "resource": { "type": "report", "id": "params.uri" } },
    }));
    let body = call("resources/read", &json!({ "uri": "file:///reports/q1" }));
    let resource = super::asked(&route, &message(&body))
        .unwrap()
        .resource
        .unwrap();
    assert_eq!(
        (resource.kind.as_ref(), resource.id.as_ref()),
        ("report", "file:///reports/q1")
    );
}

#[test]
fn a_route_brings_the_protocols_actions() {
    let built: Vec<String> = crm(&json!({}))
        .route
        .actions
        .iter()
        .inspect(|action| assert!(action.builtin && action.tier.as_str() == "low"))
        .map(|action| action.id.to_string())
        .collect();
    let protocol = [
        "mcp.discover",
        "mcp.end_session",
        "mcp.initialize",
        "mcp.list_prompts",
        "mcp.list_resource_templates",
        "mcp.list_resources",
        "mcp.list_tools",
        "mcp.listen",
        "mcp.notify",
        "mcp.ping",
        "mcp.respond",
        "mcp.set_log_level",
    ];
    let by_name = [
        "mcp.completions.complete",
        "mcp.prompts.get",
        "mcp.resources.read",
        "mcp.resources.subscribe",
        "mcp.resources.unsubscribe",
        "mcp.tasks.cancel",
        "mcp.tasks.get",
        "mcp.tasks.update",
    ];
    let mut all = [protocol.as_slice(), by_name.as_slice()].concat();
    all.sort_unstable();
    assert_eq!(built, all);
    let glob = crate::model::glob::Glob::dotted("mcp.*");
    let open: Vec<&str> = all.into_iter().filter(|id| glob.matches(id)).collect();
    assert_eq!(open, protocol, "`mcp.*` opens protocol only");
}

#[test]
fn a_route_that_envoy_names_takes_any_path() {
    let spec = json!({ "match": { "route": "crm" }, "url": "https://mcp.test/crm", "protocol": "mcp", "server": "crm" });
    let route = super::compile(
        "crm",
        &spec,
        &json!({ "search": { "tool": "search", "extra": "allow" } }),
    )
    .unwrap();
    let mut request = message(&tool("search", &Json::Object(serde_json::Map::new())));
    request.path = "/anything".into();
    assert_eq!(action(&route, &request).as_deref(), Ok("search"));
}
