//! The client against a real server on loopback.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::outbound::testing::{Asked, Reply, TestServer};

/// How a server answers.
type Answer = Box<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// What a server was asked, one line a request.
type Log = Arc<Mutex<Vec<String>>>;

fn header<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    let mut lines = asked.head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn method(asked: &Asked) -> String {
    let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
    match body["method"].as_str() {
        Some(method) => method.to_owned(),
        None => asked.head.split(' ').next().unwrap_or_default().to_owned(),
    }
}

fn result(asked: &Asked, result: &Value) -> Reply {
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    Reply::json(json!({ "jsonrpc": "2.0", "id": body["id"], "result": result }).to_string())
}

fn refusal(asked: &Asked, status: u16, code: i64, message: &str) -> Reply {
    let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
    let error = json!({ "jsonrpc": "2.0", "id": body["id"], "error": { "code": code, "message": message } });
    Reply {
        status,
        ..Reply::json(error.to_string())
    }
}

fn opened(asked: &Asked, revision: &str) -> Reply {
    let answer = json!({ "protocolVersion": revision, "capabilities": { "tools": {} }, "serverInfo": { "name": "x", "version": "1" } });
    let mut reply = result(asked, &answer);
    reply
        .headers
        .push(("Mcp-Session-Id".to_owned(), "s-1".to_owned()));
    reply
}

fn page(names: &[&str], next: Option<&str>) -> Value {
    let tools: Vec<Value> = names
        .iter()
        .map(|name| json!({ "name": name, "inputSchema": { "type": "object" } }))
        .collect();
    json!({ "tools": tools, "nextCursor": next })
}

fn cursor(asked: &Asked) -> Option<String> {
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    body["params"]["cursor"].as_str().map(str::to_owned)
}

/// A server that keeps sessions, with another answer to `tools/list`.
fn in_sessions(asked: &Asked, list: impl Fn(&Asked) -> Reply) -> Reply {
    match method(asked).as_str() {
        "initialize" => opened(asked, "2025-11-25"),
        "tools/list" => list(asked),
        _ => Reply::status(202),
    }
}

async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (TestServer, Log) {
    let log = Log::default();
    let kept = Arc::clone(&log);
    let server = TestServer::answering(move |asked| {
        let seen = [
            header(asked, "mcp-session-id"),
            header(asked, "mcp-protocol-version"),
            header(asked, "mcp-method"),
        ];
        let seen = seen.map(|value| value.unwrap_or("-")).join(" ");
        kept.lock()
            .unwrap()
            .push(format!("{} {seen}", method(asked)));
        answer(asked)
    })
    .await;
    (server, log)
}

async fn ask(server: &TestServer) -> Result<Vec<String>, ClientError> {
    let url = HttpUrl::parse(&server.url("/mcp"), false).unwrap();
    let mut server = Server::new(url, None).unwrap();
    let tools = server.tools(&Progress::default()).await;
    server.end().await;
    Ok(tools?.into_iter().map(|tool| tool.name).collect())
}

#[tokio::test]
async fn a_session_is_opened_confirmed_read_to_its_last_page_and_ended() {
    let (server, log) = start(|asked| {
        in_sessions(asked, |asked| {
            let page = match cursor(asked).as_deref() {
                None => page(&["a", "b"], Some("p2")),
                Some("p2") => page(&["c"], None),
                Some(_) => return Reply::status(500),
            };
            result(asked, &page)
        })
    })
    .await;
    assert_eq!(ask(&server).await.unwrap(), ["a", "b", "c"]);
    let expected = [
        "initialize - - -",
        "notifications/initialized s-1 2025-11-25 -",
        "tools/list s-1 2025-11-25 -",
        "tools/list s-1 2025-11-25 -",
        "DELETE s-1 2025-11-25 -",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_server_may_prefer_an_older_revision_and_none_that_nobody_knows() {
    let (server, log) = start(|asked| match method(asked).as_str() {
        "initialize" => opened(asked, "2025-03-26"),
        "tools/list" => result(asked, &page(&["a"], None)),
        _ => Reply::status(202),
    })
    .await;
    assert_eq!(ask(&server).await.unwrap(), ["a"]);
    assert!(log.lock().unwrap()[2].contains("2025-03-26"));

    let (server, _) = start(|asked| opened(asked, "2031-01-01\u{1b}[2J")).await;
    let error = ask(&server).await.unwrap_err().to_string();
    assert!(error.contains("revision `2031-01-01\\u{1b}[2J`"), "{error}");
}

#[tokio::test]
async fn a_server_without_sessions_is_asked_without_one() {
    for refused in [
        |asked: &Asked| refusal(asked, 400, -32022, "unsupported protocol version"),
        |asked: &Asked| refusal(asked, 404, -32601, "method not found"),
        |asked: &Asked| refusal(asked, 200, -32601, "method not found"),
        |_: &Asked| Reply::status(400),
        |_: &Asked| Reply::status(405),
    ] {
        let (server, log) = start(move |asked| {
            let body: Value = serde_json::from_str(&asked.body).unwrap();
            let meta = &body["params"]["_meta"];
            let alone = meta["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
                && meta["io.modelcontextprotocol/clientCapabilities"].is_object();
            match method(asked).as_str() {
                "tools/list" if alone => result(asked, &page(&["a"], None)),
                _ => refused(asked),
            }
        })
        .await;
        assert_eq!(ask(&server).await.unwrap(), ["a"]);
        assert_eq!(
            *log.lock().unwrap(),
            ["initialize - - -", "tools/list - 2026-07-28 tools/list"]
        );
    }
}

#[tokio::test]
async fn a_server_that_takes_neither_says_both_reasons() {
    let (server, _) = start(|asked| match method(asked).as_str() {
        "initialize" => refusal(asked, 200, -1, "no sessions today"),
        _ => Reply::status(404),
    })
    .await;
    let error = ask(&server).await.unwrap_err().to_string();
    assert!(
        error.contains("no sessions today") && error.contains("status 404"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_is_found_in_a_stream_that_goes_on() {
    let (server, _) = start(|asked| {
        in_sessions(asked, |asked| {
            let body: Value = serde_json::from_str(&asked.body).unwrap();
            let answer = json!({ "jsonrpc": "2.0", "id": body["id"], "result": page(&["a"], None) });
            let other = json!({ "jsonrpc": "2.0", "id": body["id"], "method": "ping" });
            let notice = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": {} });
            let stream = format!("id: 0\ndata:\n\ndata: {notice}\n\nevent: message\ndata: {other}\n\ndata: {answer}\n\n: more\n");
            let mut reply = Reply::ok(stream);
            // The stream stays open: what was promised never comes.
            reply.length = reply.length.map(|length| length + 1_000);
            reply.headers.push(("content-type".to_owned(), "text/event-stream; charset=utf-8".to_owned()));
            reply
        })
    })
    .await;
    assert_eq!(ask(&server).await.unwrap(), ["a"]);
}

#[tokio::test]
async fn what_is_no_answer_is_named() {
    let stream = |text: &'static str| {
        move |_: &Asked| {
            let mut reply = Reply::ok(text);
            reply
                .headers
                .push(("content-type".to_owned(), "text/event-stream".to_owned()));
            reply
        }
    };
    let cases: Vec<(Answer, &str)> = vec![
        (Box::new(|_| Reply::status(401)), "--token-file"),
        (
            Box::new(|_| Reply::status(503)),
            "`tools/list` with status 503",
        ),
        (Box::new(|_| Reply::ok("<html>")), "neither"),
        (Box::new(|_| Reply::json("{")), "cannot be read as JSON"),
        (
            Box::new(|_| Reply::json("{}")),
            "answer to `tools/list` is none",
        ),
        (
            Box::new(|_| Reply::json(r#"{"jsonrpc":"2.0","id":999,"result":{"tools":[]}}"#)),
            "is none",
        ),
        (
            Box::new(|asked| result(asked, &json!({ "tools": 1 }))),
            "no answer to `tools/list`",
        ),
        (
            Box::new(|asked| result(asked, &page(&["a", "a"], None))),
            "two tools of the name `a`",
        ),
        (
            Box::new(|asked| result(asked, &page(&[], Some("same")))),
            "leads back to a page",
        ),
        (
            Box::new(|asked| refusal(asked, 200, -32603, "boom\n\u{202e}")),
            "error -32603: boom \\u{202e}",
        ),
        (
            Box::new(stream(
                "data: {\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"id\":1}\n\n",
            )),
            "without an answer",
        ),
        (
            Box::new(stream("data: {\"id\": 2, \"id\": 3}\n\n")),
            "two members with one name",
        ),
    ];
    for (answer, said) in cases {
        let (server, log) = start(move |asked| in_sessions(asked, &answer)).await;
        let error = crate::outbound::describe(&ask(&server).await.unwrap_err());
        assert_eq!(error.matches(said).count(), 1, "{said}: {error}");
        let last = log.lock().unwrap().last().cloned().unwrap_or_default();
        assert!(
            last.starts_with("DELETE s-1"),
            "the session is ended all the same: {last}"
        );
    }
}

#[tokio::test]
async fn a_list_without_end_ends() {
    let (server, _) = start(|asked| {
        in_sessions(asked, |asked| {
            let number: usize = cursor(asked).map_or(0, |cursor| cursor.parse().unwrap());
            result(asked, &page(&[], Some(&(number + 1).to_string())))
        })
    })
    .await;
    assert!(matches!(ask(&server).await, Err(ClientError::Endless)));
    assert!(server.hits() <= MAX_PAGES + 3, "{}", server.hits());
}

#[tokio::test]
async fn bytes_are_bounded_over_all_pages() {
    let (server, _) = start(|asked| {
        in_sessions(asked, |asked| {
            let mut page = page(
                &[],
                Some(&format!("{}x", cursor(asked).unwrap_or_default())),
            );
            page["filler"] = vec!["x".repeat(1_000_000); 5].into();
            result(asked, &page)
        })
    })
    .await;
    let error = ask(&server).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Call(OutboundError::TooLarge { limit }) if limit == super::super::MAX_BYTES),
        "{error}"
    );
    assert!(server.hits() < 8, "{}", server.hits());
}

#[tokio::test]
async fn time_is_bounded_over_all_pages() {
    let (server, _) = start(|asked| {
        let mut reply = in_sessions(asked, |asked| {
            result(
                asked,
                &page(
                    &[],
                    Some(&format!("{}x", cursor(asked).unwrap_or_default())),
                ),
            )
        });
        reply.delay = Duration::from_millis(100);
        reply
    })
    .await;
    let url = HttpUrl::parse(&server.url("/mcp"), false).unwrap();
    let patience = Duration::from_millis(700);
    let mut client = Server {
        exchange: Exchange::new(HttpClient::new().unwrap(), url, None, patience).unwrap(),
        session: None,
    };
    let started = Instant::now();
    let error = client.tools(&Progress::default()).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Call(OutboundError::Timeout { limit }) if limit == patience),
        "{error}"
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_goes_nowhere_else() {
    let secret: Secret = [b's'; 32].into();
    let (server, log) = start(|_| Reply {
        headers: vec![("location".to_owned(), "/elsewhere".to_owned())],
        ..Reply::status(307)
    })
    .await;
    let url = HttpUrl::parse(&server.url("/mcp"), false).unwrap();
    let mut client = Server::new(url, Some(&secret)).unwrap();
    let error = client.tools(&Progress::default()).await.unwrap_err();
    assert!(
        matches!(
            error,
            ClientError::Call(OutboundError::Redirect { status: 307 })
        ),
        "{error}"
    );
    assert_eq!(log.lock().unwrap().len(), 1);
    assert!(!format!("{client:?}").contains("sss"));
}

#[tokio::test]
async fn the_token_is_sent_and_a_refusal_of_it_is_said() {
    let secret: Secret = [b's'; 32].into();
    let (server, _) = start(|asked| match header(asked, "authorization") {
        Some("Bearer ssssssssssssssssssssssssssssssss") => {
            in_sessions(asked, |asked| result(asked, &page(&["a"], None)))
        }
        _ => Reply::status(401),
    })
    .await;
    let url = HttpUrl::parse(&server.url("/mcp"), false).unwrap();
    let mut client = Server::new(url.clone(), Some(&secret)).unwrap();
    assert_eq!(client.tools(&Progress::default()).await.unwrap().len(), 1);
    let mut stranger = Server::new(url.clone(), Some(&[b'x'; 32].into())).unwrap();
    let error = stranger.tools(&Progress::default()).await.unwrap_err();
    assert!(matches!(error, ClientError::TokenRefused(401)), "{error}");
    assert!(matches!(
        Server::new(url, Some(&[b'\n'; 32].into())),
        Err(ClientError::Token)
    ));
}

#[tokio::test]
async fn words_that_hold_the_token_are_not_shown() {
    let secret: Secret = [b's'; 32].into();
    let echo = |asked: &Asked| {
        header(asked, "authorization")
            .unwrap_or_default()
            .to_owned()
    };
    let answers: [Answer; 3] = [
        Box::new(move |asked| {
            refusal(
                asked,
                200,
                -32000,
                &format!("no such user: {}", echo(asked)),
            )
        }),
        Box::new(move |asked| {
            let mut page = page(&["a"], None);
            page["tools"][0]["description"] = echo(asked).into();
            result(asked, &page)
        }),
        Box::new(move |asked| {
            let mut page = page(&["a"], None);
            page["tools"][0]["inputSchema"]["properties"] = json!({ echo(asked): {} });
            let body = String::from_utf8(result(asked, &page).body).unwrap();
            Reply::json(body.replace("ss", "s\\u0073"))
        }),
    ];
    for answer in answers {
        let (server, _) = start(move |asked| in_sessions(asked, &answer)).await;
        let url = HttpUrl::parse(&server.url("/mcp"), false).unwrap();
        let mut client = Server::new(url, Some(&secret)).unwrap();
        let error = client.tools(&Progress::default()).await.unwrap_err();
        assert!(matches!(error, ClientError::Echo("tools/list")), "{error}");
        assert!(!crate::outbound::describe(&error).contains("sss"));
    }
}
