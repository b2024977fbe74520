//! An Envoy that sends what `check --envoy-headers` prints and nothing else, beside one that sends every header.

use serde_json::json;

use super::client::{Answer, Request};
use super::process::Change;
use super::stage::Stage;
use crate::harness::{Setup, run};
use crate::listed::{list, rich};

const HOST: &str = "listed.example.com";

/// What the shipped configuration says about headers.
const SHIPPED: &str = "              disallowed_headers:
                patterns:
                - exact: cookie
                - prefix: sec-ch-
";

/// Headers with underscores get as far as countersign.
fn underscores() -> Change {
    let from = "headers_with_underscores_action: REJECT_REQUEST";
    (from, "headers_with_underscores_action: ALLOW".to_owned())
}

/// Something of everything, and the tests' own route beside it.
fn setup() -> Setup {
    let setup = rich();
    setup.write("policies/echo.yaml", include_str!("echo.yaml"));
    setup
}

/// What a configuration needs, as it is printed, where the shipped one says what is not sent.
fn printed(setup: &Setup) -> String {
    let printed = list(setup, &[]).stdout;
    let lines: Vec<&str> = printed.lines().collect();
    let indent = " ".repeat(14);
    format!("{indent}{}\n", lines.join(&format!("\n{indent}")))
}

/// One request for each way in which a header matters, and some in which none does.
fn requests(stage: &Stage) -> Vec<Request> {
    let token = |id: &str| stage.person(id, HOST).sign();
    let alice = token("alice");
    let get = |path: &str| Request::get(HOST, path);
    let read = || get("/read").bearer(&alice).header("x-tenant", "one");
    let write = || {
        let typed = Request::post(HOST, "/write").header("content-type", "application/json");
        typed.bearer(&alice)
    };
    let drop = |path: &str| Request::new("DELETE", HOST, path).bearer(&alice);
    let machine = stage.server.setup.ci.token("deployer");
    let machine = machine.claim("environment", json!("staging"));
    let machine = machine.audience(&format!("https://{HOST}")).sign();
    let open = || get("/open").bearer(&machine);
    let echo = stage.person("bob", "echo.example.com").groups(&["echo"]);
    let known = Request::get("echo.example.com", "/known").bearer(&echo.sign());
    let mut all = vec![
        get("/read"),
        read(),
        get("/read").bearer(&alice),
        read().header("x-tenant", "two"),
        read().header("x-odd", "1"),
        read().header("x-tell", "tales"),
        read().header("X_User-Name", "mallory"),
        read().header("x-user-name", "mallory"),
        read().header("x-http-method", "PUT"),
        read().header("x-method-override", "PUT"),
        read().header("dpop", "a").header("dpop", "b"),
        read().header("authz-approval-token", "a.b.c"),
        read().header("x-partner-key", "key"),
        read().header("cookie", "portal_key=key"),
        read().header("x-unread", "1").header("te", "trailers"),
        write().body(br#"{"amount":1}"#),
        write().chunked(br#"{"amount":1}"#, 4),
        write()
            .header("content-encoding", "gzip")
            .body(br#"{"amount":1}"#),
        open(),
        open().header("origin", "https://page.example.com"),
        open().header("sec-fetch-mode", "cors"),
        drop("/drop/it"),
        drop("/drop/it").body(b"{}"),
        known.clone(),
        known.header("x-debug", "1"),
    ];
    all.extend(messages(
        &stage.person("alice", "mcp.example.com/desk").sign(),
    ));
    all
}

/// A call of a tool, and what a header says about it that is wrong.
fn messages(token: &str) -> Vec<Request> {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "list", "arguments": { "region": "eu" } },
    });
    let call = |headers: &[(&str, &str)]| {
        let request = Request::post("mcp.example.com", "/desk").bearer(token);
        let request = request
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        let add = |request: Request, (name, value): &(&str, &str)| request.header(name, value);
        let request = headers.iter().fold(request, add);
        request.body(message.to_string().as_bytes())
    };
    vec![
        call(&[]),
        call(&[("mcp-method", "tools/list")]),
        call(&[("mcp-name", "export")]),
        call(&[("mcp-param-region", "us")]),
        call(&[("mcp-param-region", "eu")]),
        call(&[("mcp-protocol-version", "1999-01-01")]),
        call(&[("mcp-session-id", "a,b")]),
    ]
}

/// What became of a request, for the client and for the upstream.
fn became(answer: &Answer) -> (u16, String, Vec<Vec<String>>) {
    let upstream = [
        "x-user-name",
        "x_user-name",
        "x-told",
        "x-user",
        "x-debug",
        "authz-approval-token",
    ];
    let seen = upstream.map(|name| answer.upstream(name));
    (answer.status, answer.reason(), seen.to_vec())
}

#[test]
fn an_envoy_with_the_printed_list_decides_like_one_that_sends_everything() {
    let everything = Stage::start(&[underscores(), (SHIPPED, String::new())], setup());
    let setup = setup();
    let printed = printed(&setup);
    let listed = Stage::start(&[underscores(), (SHIPPED, printed)], setup);
    let mut reasons = std::collections::BTreeSet::new();
    let requests = requests(&everything).into_iter().zip(requests(&listed));
    for (whole, some) in requests {
        let (expected, found) = (
            became(&everything.send(&whole)),
            became(&listed.send(&some)),
        );
        assert_eq!(found, expected, "{whole:?}");
        reasons.insert(expected.1);
    }
    // Not all of them end alike for a reason that has nothing to do with headers.
    assert!(reasons.len() >= 8, "{reasons:?}");
    let found = doctor(&listed);
    assert!(!found.contains(&"headers-not-sent".to_owned()), "{found:?}");
}

#[test]
fn doctor_finds_what_a_running_envoy_leaves_out() {
    let setup = setup();
    let printed = printed(&setup);
    let left_out = printed
        .lines()
        .filter(|line| !line.contains("\"x-tenant\""))
        .fold(String::new(), |text, line| text + line + "\n");
    assert_ne!(printed, left_out);
    let stage = Stage::start(&[(SHIPPED, left_out)], setup);
    let codes = doctor(&stage);
    // One finding for each of the two listeners.
    assert_eq!(codes, ["headers-not-sent", "headers-not-sent"]);
}

/// The errors and warnings about what an Envoy runs with.
fn doctor(stage: &Stage) -> Vec<String> {
    let url = format!("http://{}/config_dump", stage.envoy.admin);
    let arguments = ["doctor", &url, "--config", "countersign.yaml", "--json"];
    let ran = run(stage.server.setup.folder(), arguments).json();
    let problems = ran["problems"].as_array().unwrap().iter();
    let told = problems.filter(|it| it["severity"] != "note" && it["code"] == "headers-not-sent");
    told.map(|it| {
        assert!(
            it["path"].as_str().unwrap().ends_with("allowed_headers"),
            "{it}"
        );
        assert!(
            it["message"]
                .as_str()
                .unwrap()
                .contains("rule `one-tenant`"),
            "{it}"
        );
        it["code"].as_str().unwrap().to_owned()
    })
    .collect()
}
