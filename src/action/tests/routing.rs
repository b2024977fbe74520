//! Which route, and which action on it.

use serde_json::json;

use super::{RouteTable, action, compile, request, route, table};
use crate::action::EXTENSION_KEY;
use crate::model::reason::Reason;

fn found(table: &RouteTable, host: &str, path: &str) -> Result<String, Reason> {
    let found = table.find(&request("GET", host, path));
    found
        .map(|route| route.route.id.to_string())
        .map_err(|denial| denial.reason)
}

#[test]
fn a_route_id_decides_alone() {
    let table = table(&[
        ("by-host", json!({ "host": "a.test" })),
        ("by-id", json!({ "route": "by-id" })),
    ]);
    let named = |id: &str| {
        let mut request = request("GET", "a.test", "/");
        request
            .context_extensions
            .insert(EXTENSION_KEY.into(), id.into());
        let found = table.find(&request);
        found
            .map(|route| route.route.id.to_string())
            .map_err(|denial| denial.reason)
    };
    assert_eq!(named("by-id"), Ok("by-id".into()));
    assert_eq!(named("by-host"), Ok("by-host".into()));
    for unknown in ["", "nope", "By-Id", "by-id ", "../by-id"] {
        assert_eq!(named(unknown), Err(Reason::UnknownRoute), "{unknown:?}");
    }
}

#[test]
fn hosts_are_exact() {
    let table = table(&[
        ("two", json!({ "host": ["a.test", "[::1]"] })),
        ("by-id", json!({ "route": "by-id" })),
    ]);
    assert_eq!(found(&table, "a.test", "/x"), Ok("two".into()));
    assert_eq!(found(&table, "[::1]", "/x"), Ok("two".into()));
    for other in ["b.a.test", "test", "a.test.", "A.test", ""] {
        assert_eq!(found(&table, other, "/x"), Err(Reason::NoRoute), "{other}");
    }
}

#[test]
fn the_longest_prefix_of_whole_segments_wins() {
    let table = table(&[
        ("root", json!({ "host": "a.test" })),
        ("crm", json!({ "host": "a.test", "path": "/crm" })),
        ("deep", json!({ "host": "a.test", "path": "/crm/v1/x" })),
        ("other", json!({ "host": "b.test", "path": "/crm" })),
    ]);
    for (path, id) in [
        ("/", "root"),
        ("/crmx", "root"),
        ("/Crm", "root"),
        ("/crm", "crm"),
        ("/crm/", "crm"),
        ("/crm/v1", "crm"),
        ("/crm/v1/xy", "crm"),
        ("/crm/v1/x", "deep"),
        ("/crm/v1/x/y/z", "deep"),
    ] {
        assert_eq!(found(&table, "a.test", path), Ok(id.into()), "{path}");
    }
    assert_eq!(found(&table, "b.test", "/"), Err(Reason::NoRoute));
    assert_eq!(found(&table, "b.test", "/crm/x"), Ok("other".into()));
}

#[test]
fn two_routes_for_the_same_requests_are_an_error_at_the_second() {
    let spec = |host: &[&str]| json!({ "match": { "host": host }, "url": "https://a.test" });
    let one = compile("one", &spec(&["a.test"]), &json!({})).unwrap();
    let two = compile("two", &spec(&["b.test", "a.test"]), &json!({})).unwrap();
    let findings = RouteTable::build(vec![one, two], |_| false).unwrap_err();
    let words: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        ["two.match: routes `one` and `two` match the same host and path"]
    );
}

#[test]
fn the_most_specific_pattern_wins_from_the_left() {
    let route = route(&json!({
        "literal": { "http": "GET /a/b" },
        "one": { "http": "GET /a/{x}" },
        "inner": { "http": "GET /a/{x}/c" },
        "rest": { "http": "GET /a/{*rest}" },
        "left": { "http": "GET /a/b/{y}/d" },
        "any": { "http": "GET /{*all}" },
    }));
    for (path, id) in [
        ("/a/b", "literal"),
        ("/a/c", "one"),
        ("/a/b/c", "inner"),
        ("/a/x/c", "inner"),
        ("/a/x/d", "rest"),
        ("/a/b/c/d", "left"),
        ("/a/b/c/d/e", "rest"),
        ("/b", "any"),
        ("/b/c", "any"),
        ("/a", "any"),
    ] {
        assert_eq!(action(&route, "GET", path), Ok(id.into()), "{path}");
    }
}

#[test]
fn a_named_method_beats_any_method_and_methods_are_exact() {
    let route = route(&json!({
        "any": { "http": "* /a" },
        "get": { "http": "GET /a" },
        "write": { "http": ["POST /b", "PUT /b"] },
        "deeper": { "http": "* /b/c" },
        "post-rest": { "http": "POST /b/{x}" },
    }));
    assert_eq!(action(&route, "GET", "/a"), Ok("get".into()));
    assert_eq!(action(&route, "PURGE", "/a"), Ok("any".into()));
    assert_eq!(action(&route, "POST", "/a"), Ok("any".into()));
    assert_eq!(action(&route, "PUT", "/b"), Ok("write".into()));
    // The path is compared first: literal text beats a parameter, whatever the method.
    assert_eq!(action(&route, "POST", "/b/c"), Ok("deeper".into()));
    assert_eq!(action(&route, "POST", "/b/d"), Ok("post-rest".into()));
    for (method, path) in [
        ("GET", "/b"),
        ("put", "/b"),
        ("HEAD", "/b"),
        ("POST", "/b/c/d"),
    ] {
        assert_eq!(
            action(&route, method, path),
            Err(Reason::NoAction),
            "{method} {path}"
        );
    }
}

#[test]
fn grpc_methods_are_posts() {
    let route = route(&json!({
        "add": { "grpc": "shop.Cart/Add" },
        "cart": { "grpc": "shop.Cart/*" },
    }));
    assert_eq!(action(&route, "POST", "/shop.Cart/Add"), Ok("add".into()));
    assert_eq!(
        action(&route, "POST", "/shop.Cart/Clear"),
        Ok("cart".into())
    );
    for (method, path) in [
        ("GET", "/shop.Cart/Add"),
        ("POST", "/shop.Cart"),
        ("POST", "/shop.Cart/Add/More"),
        ("POST", "/shop.Carts/Add"),
    ] {
        assert_eq!(
            action(&route, method, path),
            Err(Reason::NoAction),
            "{method} {path}"
        );
    }
}

#[test]
fn a_trailing_slash_is_denied_unless_the_pattern_has_it() {
    let route = route(&json!({
        "plain": { "http": "GET /a" },
        "slash": { "http": "GET /b/" },
        "one": { "http": "GET /c/{x}" },
        "rest": { "http": "GET /d/{*rest}" },
        "root": { "http": "GET /" },
    }));
    assert_eq!(action(&route, "GET", "/"), Ok("root".into()));
    assert_eq!(action(&route, "GET", "/b/"), Ok("slash".into()));
    for path in ["/a/", "/c/x/", "/d/x/", "/d/x/y/"] {
        assert_eq!(
            action(&route, "GET", path),
            Err(Reason::PathTrailingSlash),
            "{path}"
        );
    }
    for path in ["/b", "/c", "/c/", "/d", "/d/", "/e/"] {
        assert_eq!(action(&route, "GET", path), Err(Reason::NoAction), "{path}");
    }
}

fn described_at<'a>(table: &'a RouteTable, host: &str, path: &str) -> Option<&'a str> {
    let route = table.described(&request("GET", host, path))?;
    Some(route.route.id.as_str())
}

#[test]
fn metadata_is_at_one_path_of_the_routes_own_hosts() {
    let of = |id, matches, url| {
        let spec = json!({ "match": matches, "url": url });
        compile(id, &spec, &json!({})).unwrap()
    };
    let crm = of(
        "crm",
        json!({ "host": ["a.test", "b.test"], "path": "/inside" }),
        "https://a.test/crm",
    );
    let root = of("root", json!({ "host": "a.test" }), "https://a.test/");
    let named = of("named", json!({ "route": "named" }), "https://c.test/n");
    let table = RouteTable::build(vec![crm, root, named], |_| true).unwrap();
    let base = "/.well-known/oauth-protected-resource";
    let crm = format!("{base}/crm");
    assert_eq!(described_at(&table, "a.test", &crm), Some("crm"));
    assert_eq!(described_at(&table, "b.test", &crm), Some("crm"));
    assert_eq!(described_at(&table, "a.test", base), Some("root"));
    for (host, path) in [
        ("b.test", base),
        ("c.test", &format!("{base}/n")),
        ("a.test", &format!("{crm}/")),
        ("a.test", &format!("{base}/inside")),
        ("a.test", &format!("{base}/crm/x")),
        ("a.test", "/crm/.well-known/oauth-protected-resource"),
    ] {
        assert_eq!(described_at(&table, host, path), None, "{host}{path}");
    }
    let named = |path: &str, id: &str| {
        let mut request = request("GET", "a.test", path);
        let extensions = &mut request.context_extensions;
        extensions.insert(EXTENSION_KEY.into(), id.into());
        let found = table.described(&request);
        found.map(|route| route.route.id.to_string())
    };
    assert_eq!(named(&format!("{base}/n"), "named"), Some("named".into()));
    // The id decides alone.
    assert_eq!(named(&crm, "named"), None);
    assert_eq!(named(&crm, "nope"), None);
}

#[test]
fn two_routes_with_one_address_for_their_metadata_are_an_error() {
    let build = |described: bool| {
        let of = |id, path| {
            let matches = json!({ "host": "a.test", "path": path });
            let spec = json!({ "match": matches, "url": "https://a.test" });
            compile(id, &spec, &json!({})).unwrap()
        };
        RouteTable::build(vec![of("one", "/one"), of("two", "/two")], |_| described)
    };
    let findings = build(true).unwrap_err();
    let words: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [concat!(
            "two.url: routes `one` and `two` are on one host and have one path of `url`, ",
            "so their metadata would have one address"
        )]
    );
    assert!(build(false).is_ok());
}
