//! The client against a real server on loopback that says what it is told to say.

use serde_json::json;

use super::*;
use crate::outbound::testing::{Asked, Reply, TestServer};

fn arguments(admin: String) -> RemoteArgs {
    RemoteArgs {
        config: ConfigArgs {
            config: PathBuf::from("/nonexistent"),
        },
        admin: Some(admin),
        token_file: None,
        ca: None,
        certificate: None,
        json: false,
    }
}

fn remote(server: &TestServer, token: Option<&str>) -> Remote {
    let arguments = arguments(server.url("/"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let token_file = token.map(|token| {
        std::fs::write(&file, token).unwrap();
        file
    });
    let arguments = RemoteArgs {
        token_file,
        ..arguments
    };
    arguments.remote(&server.url("/")).unwrap()
}

fn problem(status: u16, code: &str, headers: &[(&str, &str)]) -> Reply {
    let body = json!({ "status": status, "code": code, "detail": "it is\u{1b}[2J so" });
    let mut reply = Reply::json(body.to_string());
    reply.status = status;
    let kind = ("content-type", "application/problem+json");
    let headers = headers.iter().chain([&kind]);
    reply.headers = headers
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect();
    reply
}

#[tokio::test]
async fn every_method_sends_its_body_and_the_token() {
    let server = TestServer::answering(|asked: &Asked| {
        let line = asked.head.lines().next().unwrap_or_default();
        let bearer = asked
            .head
            .to_lowercase()
            .contains("authorization: bearer s3cret");
        let said = json!({ "line": line, "bearer": bearer, "body": asked.body });
        let mut reply = Reply::json(said.to_string());
        reply.headers.push(("etag".to_owned(), "\"7\"".to_owned()));
        reply
    })
    .await;
    let remote = remote(&server, Some("s3cret\n"));
    let body = json!({ "a": 1 });
    let said = |line: &str, body: &str| Said {
        status: 200,
        body: json!({ "line": line, "bearer": true, "body": body }),
        etag: Some("\"7\"".to_owned()),
    };
    let (text, none) = (r#"{"a":1}"#, "");
    let got = remote.get("/a?b=c").await.unwrap();
    assert_eq!(got, said("GET /a?b=c HTTP/1.1", none));
    let got = remote.post("/a", &body).await.unwrap();
    assert_eq!(got, said("POST /a HTTP/1.1", text));
    let got = remote.put("/a", &body).await.unwrap();
    assert_eq!(got, said("PUT /a HTTP/1.1", text));
    let got = remote.delete("/a", &body).await.unwrap();
    assert_eq!(got, said("DELETE /a HTTP/1.1", text));
    assert!(!format!("{remote:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_no_is_told_with_what_to_do() {
    let step_up = "DPoP error=\"x\", Bearer error=\"insufficient_user_authentication\", acr_values=\"phr phrh\", max_age=\"300\"";
    let cases: [(Option<&str>, u16, &str, &str); 5] = [
        (
            None,
            401,
            "",
            "it is\\u{1b}[2J so (401 some_code); say who you are: `--token-file FILE`, or `COUNTERSIGN_TOKEN`",
        ),
        (
            Some("x"),
            401,
            "Bearer error=\"invalid_token\"",
            "it is\\u{1b}[2J so (401 some_code); the server does not take this token: is it over, or meant for somebody else than `admin.audience`?",
        ),
        (
            Some("x"),
            401,
            step_up,
            "it is\\u{1b}[2J so (401 some_code); sign in again with `acr_values=phr phrh` not longer than 300 s ago, and use the new token",
        ),
        (
            Some("x"),
            403,
            "Bearer error=\"insufficient_scope\", scope=\"a b\"",
            "it is\\u{1b}[2J so (403 some_code); use a token with the scope `a b`",
        ),
        (Some("x"), 409, "", "it is\\u{1b}[2J so (409 some_code)"),
    ];
    for (token, status, challenge, expected) in cases {
        let challenge = challenge.to_owned();
        let server = TestServer::start(move |_| {
            let headers = [("www-authenticate", challenge.as_str())];
            let headers = if challenge.is_empty() {
                &[][..]
            } else {
                &headers
            };
            problem(status, "some_code", headers)
        })
        .await;
        // The environment of whoever runs the tests may have a token.
        let mut remote = remote(&server, token);
        remote.token = remote.token.filter(|_| token.is_some());
        let error = remote.get("/").await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn another_server_is_not_taken_for_ours() {
    for (reply, what) in [
        (Reply::ok("<html>"), "no JSON"),
        (Reply::json("<html>"), "JSON in name only"),
        (Reply::status(404), "a 404 of somebody else"),
        (
            Reply {
                status: 500,
                ..Reply::json("{}")
            },
            "no problem document",
        ),
    ] {
        let server = TestServer::start(move |_| reply.clone()).await;
        let error = remote(&server, None).get("/").await.unwrap_err();
        assert!(
            matches!(error, RemoteError::Foreign { .. }),
            "{what}: {error}"
        );
        assert!(error.to_string().contains("see `admin.listen`"), "{error}");
    }
}

#[tokio::test]
async fn nobody_there_is_said_and_plain_http_goes_no_further_than_this_machine() {
    let gone = TestServer::start(|_| Reply::ok("")).await;
    let remote = remote(&gone, None);
    drop(gone);
    let error = anyhow::Error::from(remote.get("/").await.unwrap_err());
    let text = format!("{error:#}");
    assert!(text.contains("did not answer; is the server up"), "{text}");
    for (url, expected) in [
        (
            "http://ops.example.com",
            "everybody on the way would read the token",
        ),
        ("ops.example.com", "not an absolute URL"),
        ("https://ops.example.com?x=secret", "has a query"),
    ] {
        let error = arguments(String::new()).remote(url).unwrap_err();
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
}
