//! What the SDK's client does not speak, as bytes: older revisions of the session, streams and their end, and answers to denials as
//! they are on the wire.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::HOST;
use super::stage::{McpStage, SESSIONS};
use crate::envoy::client::{Answer, Request};

/// Revisions with sessions that the SDK's client never offers.
const OLDER: [&str; 3] = ["2024-11-05", "2025-03-26", "2025-06-18"];

fn request(stage: &McpStage, method: &str, route: &str) -> Request {
    Request::new(method, HOST, format!("/{route}"))
        .bearer(&stage.token(route, &[route]))
        .header("accept", "application/json, text/event-stream")
}

fn post(stage: &McpStage, route: &str, headers: &[(&str, &str)], message: &Value) -> Answer {
    let mut request = request(stage, "POST", route).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    stage.send(&request.body(message.to_string().as_bytes()))
}

/// The message in an answer, which may be an event.
fn message(answer: &Answer) -> Value {
    let text = String::from_utf8_lossy(&answer.body);
    let data = text.lines().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(data.unwrap_or(&text))
        .unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

fn call(tool: &str, arguments: &Value) -> Value {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": "seven", "method": "tools/call", "params": params })
}

/// Opens a session in this revision, and returns its id.
fn open(revision: &str) -> String {
    let client = json!({ "name": "raw", "version": "1" });
    let params = json!({ "protocolVersion": revision, "capabilities": {}, "clientInfo": client });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let opened = post(&SESSIONS, "desk", &[], &hello);
    assert_eq!(opened.status, 200, "{opened:?}");
    assert_eq!(message(&opened)["result"]["protocolVersion"], revision);
    let session = opened.header("mcp-session-id").unwrap().to_owned();
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let told = post(&SESSIONS, "desk", &[("mcp-session-id", &session)], &ready);
    assert_eq!(told.status, 202, "{told:?}");
    session
}

#[test]
fn older_revisions_have_their_sessions() {
    for revision in OLDER {
        let session = open(revision);
        // Clients of 2025-03-26 and before send no such header.
        let mut headers = vec![("mcp-session-id", session.as_str())];
        if revision == "2025-06-18" {
            headers.push(("mcp-protocol-version", revision));
        }
        let post = |message: &Value| post(&SESSIONS, "desk", &headers, message);
        let listed = message(&post(&call("list_customers", &json!({ "limit": 2 }))));
        assert_eq!(
            listed["result"]["content"][0]["text"], "listed 2",
            "{revision}"
        );
        assert_eq!(listed["id"], "seven");
        let refused = post(&call("delete_customer", &json!({ "id": 2 })));
        assert_eq!(refused.status, 403, "{revision}");
        let error = message(&refused);
        assert_eq!(
            (&error["id"], &error["error"]["data"]["reason"]),
            (&json!("seven"), &json!("not_permitted"))
        );
        let again = message(&post(&call("list_customers", &json!({}))));
        assert_eq!(again["result"]["isError"], false, "{revision}");
        let batch = json!([call("list_customers", &json!({}))]);
        assert_eq!(post(&batch).status, 400, "{revision}");
        end(&session, &headers);
    }
}

/// Ends the session, as the client does; after that there is none.
fn end(session: &str, headers: &[(&str, &str)]) {
    let mut delete = request(&SESSIONS, "DELETE", "desk");
    for (name, value) in headers {
        delete = delete.header(name, value);
    }
    assert_eq!(SESSIONS.send(&delete).status, 200);
    let seen = SESSIONS.tools.await_seen("the end of the session", |seen| {
        seen.method == "DELETE" && seen.header("mcp-session-id") == Some(session)
    });
    assert_eq!(seen.path, "/desk");
    let gone = post(
        &SESSIONS,
        "desk",
        headers,
        &call("list_customers", &json!({})),
    );
    assert_eq!(gone.status, 404);
}

/// The status line and the type of the answer to a GET, which does not end.
fn listen(route: &str, token: &str, session: &str) -> (String, String) {
    let mut stream = TcpStream::connect(SESSIONS.stage.envoy.plain).unwrap();
    let lines = [
        format!("GET /{route} HTTP/1.1"),
        format!("host: {HOST}"),
        format!("authorization: Bearer {token}"),
        "accept: text/event-stream".to_owned(),
        "mcp-protocol-version: 2025-11-25".to_owned(),
        format!("mcp-session-id: {session}"),
    ];
    stream
        .write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes())
        .unwrap();
    let mut head = BufReader::new(stream).lines().map(Result::unwrap);
    let status = head.next().unwrap();
    let types = head.take_while(|line| !line.is_empty());
    let mut types = types.filter_map(|line| line.strip_prefix("content-type: ").map(str::to_owned));
    (status, types.next().unwrap_or_default())
}

#[test]
fn a_stream_opens_for_who_may_listen_and_for_nobody_else() {
    let session = open("2025-11-25");
    let (status, of) = listen("desk", &SESSIONS.token("desk", &["desk"]), &session);
    assert_eq!(
        (status.as_str(), of.as_str()),
        ("HTTP/1.1 200 OK", "text/event-stream")
    );
    let (status, of) = listen("desk", &SESSIONS.token("desk", &["strangers"]), &session);
    assert_eq!(
        (status.as_str(), of.as_str()),
        ("HTTP/1.1 403 Forbidden", "application/json")
    );
}

#[test]
fn each_style_of_refusal_has_its_status_on_the_wire() {
    let versioned = [("mcp-protocol-version", "2025-11-25")];
    let refused = call("delete_customer", &json!({ "id": 2 }));
    for (route, status) in [("desk", 403), ("rpc", 200), ("tool", 200)] {
        let answer = post(&SESSIONS, route, &versioned, &refused);
        assert_eq!(answer.status, status, "{route}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/json"),
            "{route}"
        );
        assert_eq!(message(&answer)["id"], "seven", "{route}");
        // What cannot be read is told in the status, whatever the style: nobody finds an answer without an id.
        let unread = json!({ "jsonrpc": "2.0", "id": "seven", "method": "tools/call", "params": { "name": 1 } });
        assert_eq!(
            post(&SESSIONS, route, &versioned, &unread).status,
            400,
            "{route}"
        );
        let nobody = Request::post(HOST, format!("/{route}"))
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json");
        let answer = SESSIONS.send(&nobody.body(refused.to_string().as_bytes()));
        assert_eq!(answer.status, 401, "{route}");
        assert!(
            answer
                .header("www-authenticate")
                .unwrap()
                .contains("resource_metadata=")
        );
        assert_eq!(
            message(&answer)["error"]["data"]["reason"],
            "authentication_required"
        );
    }
}

#[test]
fn a_refused_notification_has_no_id() {
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let request = Request::post(HOST, "/desk")
        .bearer(&SESSIONS.token("desk", &["strangers"]))
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json");
    let answer = SESSIONS.send(&request.body(told.to_string().as_bytes()));
    assert_eq!(answer.status, 403);
    assert_eq!(message(&answer).get("id"), None);
}

#[test]
fn where_tokens_come_from_is_told_to_anybody() {
    let path = "/.well-known/oauth-protected-resource/desk";
    let answer = SESSIONS.send(&Request::get(HOST, path));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["resource"], format!("https://{HOST}/desk"));
    assert!(SESSIONS.tools.seen(|seen| seen.path == path).is_empty());
}
