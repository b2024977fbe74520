//! Refused messages, in the style of their route.

use serde_json::{Value, json};

use super::{ask, call, raw, setup, token, told};
use crate::harness::{Ask, Server};

fn id_of(body: &Value) -> &Value {
    body.get("id").unwrap_or(&Value::Null)
}

#[tokio::test]
async fn every_style_says_what_is_missing() {
    let server = setup().start();
    let client = server.client().await;
    let export = call(json!("r-1"), "export_customers", &json!({ "rows": 10 }));
    let remedy = json!({ "kind": "scope", "scope": ["crm:export", "crm:read"] });
    for (path, status) in [("http", 403), ("rpc", 200), ("tool", 200)] {
        let asked = ask(path, &export).bearer(&token(&server, path, &["crm"]));
        let (told, body, answer) = told(&client, &asked).await;
        assert_eq!((told, id_of(&body)), (status, &json!("r-1")), "{path}");
        assert_eq!(
            answer.header("content-type").as_deref(),
            Some("application/json")
        );
        let data = if path == "tool" {
            assert_eq!(body["result"]["isError"], true);
            assert_eq!(body["result"]["resultType"], "complete");
            body["result"]["structuredContent"].clone()
        } else {
            assert_eq!(body["error"]["code"], 40302);
            body["error"]["data"].clone()
        };
        let id = answer.told("decision_id");
        let expected =
            json!({ "reason": "insufficient_scope", "decision_id": id, "remedy": remedy });
        assert_eq!(data, expected);
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge.is_some(), status == 403, "{challenge:?}");
        if let Some(challenge) = challenge {
            assert!(
                challenge.contains(r#"scope="crm:export crm:read""#),
                "{challenge}"
            );
            let document = r#"resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/http""#;
            assert!(challenge.contains(document), "{challenge}");
        }
    }
}

/// A client may ask for exactly the scopes of a challenge (RFC 6750, section 3), so it would lose what it has.
#[tokio::test]
async fn a_challenge_names_all_scopes_of_the_call_and_the_remedy_those_that_are_missing() {
    let server = setup().start();
    let client = server.client().await;
    let export = call(1, "export_customers", &json!({ "rows": 10 }));
    let token = server.setup.corp.token("alice").groups(&["crm"]);
    let token = token.audience("https://mcp.example.com/http");
    let token = token.scope("crm:export mail:read").sign();
    let (status, body, answer) = told(&client, &ask("http", &export).bearer(&token)).await;
    assert_eq!(status, 403);
    let remedy = &body["error"]["data"]["remedy"];
    assert_eq!(remedy["scope"], json!(["crm:read"]));
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.ends_with(r#", scope="crm:export crm:read""#),
        "{challenge}"
    );
}

#[tokio::test]
async fn whoever_has_no_good_token_hears_it_from_http() {
    let server = setup().start();
    let client = server.client().await;
    let list = call(json!(3), "list_customers", &json!({}));
    for path in ["http", "rpc", "tool", "hidden"] {
        let forged = ask(path, &list).bearer("nonsense");
        for (asked, reason) in [
            (ask(path, &list), "authentication_required"),
            (forged, "token_malformed"),
        ] {
            let (status, body, answer) = told(&client, &asked).await;
            assert_eq!((status, id_of(&body)), (401, &json!(3)), "{path}");
            assert_eq!(body["error"]["code"], 40101);
            assert_eq!(body["error"]["data"]["reason"], reason);
            assert!(answer.header("www-authenticate").is_some());
        }
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_http() {
    let server = setup().start();
    let client = server.client().await;
    let notification = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    for path in ["http", "rpc", "tool"] {
        let token = token(&server, path, &["nobody"]);
        let (status, body, _) = told(&client, &ask(path, &notification).bearer(&token)).await;
        assert_eq!((status, body.get("id")), (403, None), "{path}");
        assert_eq!(body["error"]["code"], 40301);
        let raw = |body: &str| raw(path, body).bearer(&token);
        for (text, code) in [
            (r#"{"jsonrpc":"2.0","#, -32700),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        ] {
            let (status, body, _) = told(&client, &raw(text)).await;
            assert_eq!(status, 400, "{text}");
            assert_eq!(
                (&body["id"], &body["error"]["code"]),
                (&Value::Null, &json!(code))
            );
        }
        let unknown = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let asked = raw(unknown).header("mcp-protocol-version", "2031-01-01");
        let (status, body, _) = told(&client, &asked).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!(-32022)));
        assert_eq!(body["error"]["data"]["requested"], "2031-01-01");
    }
}

/// Everything that the client sees, but for the decision's own id.
pub(super) async fn seen(
    server: &Server,
    ask: &Ask,
) -> (i32, String, Vec<(String, String)>, String) {
    let answer = server.client().await.check(ask).await;
    assert!(!answer.allows(), "{ask:?}");
    let id = answer.told("decision_id");
    let denied = answer.denied();
    let headers = denied.headers.iter().filter_map(|it| it.header.as_ref());
    let headers = headers.map(|it| (it.key.clone(), it.value.replace(&id, "ID")));
    let body = denied.body.replace(&id, "ID");
    (answer.status(), body, headers.collect(), answer.reason())
}

/// Refused tools, and why: what does not exist, what somebody else may call, what nobody may, and what does not fit.
const TOOLS: [(&str, &str, &str); 5] = [
    ("no_such_tool", "{}", "no_action"),
    ("export_customers", r#"{"rows":1}"#, "not_permitted"),
    ("export_customers", r#"{"rows":"x"}"#, "argument_invalid"),
    (
        "export_customers",
        r#"{"rows":1,"more":1}"#,
        "argument_undeclared",
    ),
    ("delete_customer", r#"{"id":"1"}"#, "forbidden"),
];

#[tokio::test]
async fn nobody_can_tell_what_is_forbidden_from_what_is_not_there() {
    let server = setup().start();
    let token = token(&server, "hidden", &["crm"]);
    for known in [true, false] {
        let mut answers = Vec::new();
        for (tool, arguments, reason) in TOOLS {
            let arguments = serde_json::from_str(arguments).unwrap();
            // The same name in every question: only what stands behind it may make a difference.
            let asked = ask("hidden", &call(json!(1), tool, &arguments));
            let asked = if known { asked.bearer(&token) } else { asked };
            let (status, body, headers, logged) = seen(&server, &asked).await;
            if known {
                assert_eq!(logged, reason, "{tool}");
                assert!(body.contains(&format!("Unknown tool: {tool}")), "{body}");
            }
            answers.push((status, body.replace(tool, "TOOL"), headers));
        }
        let first = &answers[0];
        assert!(answers.iter().all(|it| it == first), "{answers:#?}");
        assert_eq!(first.0, if known { 400 } else { 401 });
        assert!(!known || !first.1.contains("reason"), "{first:?}");
    }
}

#[tokio::test]
async fn methods_and_prompts_are_hidden_like_tools() {
    let server = setup().start();
    let token = token(&server, "hidden", &["crm"]);
    let of = |method: &str, name: Option<&str>| {
        let params = name.map_or(json!({}), |name| json!({ "name": name }));
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        ask("hidden", &body).bearer(&token)
    };
    // Declared and not permitted, or not there.
    let (declared, unknown) = (
        of("prompts/get", Some("draft")),
        of("prompts/get", Some("other")),
    );
    let (declared, unknown) = (
        seen(&server, &declared).await,
        seen(&server, &unknown).await,
    );
    assert_eq!(declared.1.replace("draft", "other"), unknown.1);
    assert_eq!((declared.0, declared.2), (unknown.0, unknown.2));
    // A method that nobody is permitted, and one that there is not.
    let (known, unknown) = (of("tools/list", None), of("tools/lost", None));
    let (known, unknown) = (seen(&server, &known).await, seen(&server, &unknown).await);
    assert_eq!(known.1.replace("tools/list", "tools/lost"), unknown.1);
    assert_eq!((known.0, known.2), (unknown.0, unknown.2));
}

#[tokio::test]
async fn who_may_call_is_told_what_to_add() {
    let server = setup().start();
    let list = call(json!(1), "list_customers", &json!({}));
    let asked = ask("hidden", &list).bearer(&token(&server, "hidden", &["crm"]));
    let (status, body, _, reason) = seen(&server, &asked).await;
    assert_eq!((status, reason.as_str()), (403, "insufficient_scope"));
    assert!(body.contains("crm:read"), "{body}");
}
