//! The client against a real server on loopback.

use std::time::{Duration, Instant};

use super::testing::{Reply, TestServer};
use super::{Form, HttpClient, HttpUrl, Limits, OutboundError, UrlError};

const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(5),
    max_bytes: 64,
};

async fn get(server: &TestServer, limits: Limits) -> Result<Vec<u8>, OutboundError> {
    let url = HttpUrl::parse(&server.url("/keys?secret=hush"), false).unwrap();
    HttpClient::new().unwrap().get(&url, limits).await
}

#[tokio::test]
async fn a_complete_200_answer_is_returned() {
    let server = TestServer::start(|path| Reply::ok(path)).await;
    assert_eq!(get(&server, LIMITS).await.unwrap(), b"/keys?secret=hush");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_named() {
    for status in [301, 302, 303, 307, 308] {
        let server = TestServer::start(move |_| Reply {
            headers: vec![("location".to_owned(), "/elsewhere".to_owned())],
            ..Reply::status(status)
        })
        .await;
        let error = get(&server, LIMITS).await.unwrap_err();
        assert!(matches!(error, OutboundError::Redirect { status: found } if found == status));
        assert!(error.to_string().contains("redirects are not followed"));
        assert_eq!(server.hits(), 1);
    }
}

#[tokio::test]
async fn any_other_status_is_an_error() {
    for status in [201, 204, 206, 400, 401, 404, 500, 503] {
        let server = TestServer::start(move |_| Reply::status(status)).await;
        let error = get(&server, LIMITS).await.unwrap_err();
        assert!(matches!(error, OutboundError::Status { status: found } if found == status));
    }
}

#[tokio::test]
async fn a_declared_length_over_the_limit_is_refused() {
    let server = TestServer::start(|_| Reply::ok(vec![b'x'; 65])).await;
    assert!(matches!(
        get(&server, LIMITS).await,
        Err(OutboundError::TooLarge { limit: 64 })
    ));
    let server = TestServer::start(|_| Reply::ok(vec![b'x'; 64])).await;
    assert_eq!(get(&server, LIMITS).await.unwrap().len(), 64);
}

#[tokio::test]
async fn an_undeclared_length_over_the_limit_is_refused_as_it_streams() {
    // Dripped byte by byte, the whole answer would take 100 s: it is refused at byte 65 instead.
    let server = TestServer::start(|_| Reply {
        length: None,
        drip: Some(Duration::from_millis(1)),
        ..Reply::ok(vec![b'x'; 100_000])
    })
    .await;
    assert!(matches!(
        get(&server, LIMITS).await,
        Err(OutboundError::TooLarge { limit: 64 })
    ));
}

#[tokio::test]
async fn a_dripping_answer_ends_at_the_time_limit() {
    let server = TestServer::start(|_| Reply {
        drip: Some(Duration::from_millis(50)),
        ..Reply::ok(vec![b'x'; 60])
    })
    .await;
    let limits = Limits {
        timeout: Duration::from_millis(300),
        ..LIMITS
    };
    let started = Instant::now();
    let error = get(&server, limits).await.unwrap_err();
    assert!(matches!(error, OutboundError::Timeout { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let server = TestServer::start(|_| Reply {
        length: Some(60),
        ..Reply::ok("half")
    })
    .await;
    assert!(matches!(
        get(&server, LIMITS).await,
        Err(OutboundError::Body(_))
    ));
}

#[tokio::test]
async fn errors_do_not_contain_the_url() {
    let server = TestServer::start(|_| Reply::ok("")).await;
    let url = HttpUrl::parse(&server.url("/keys?secret=hush"), false).unwrap();
    drop(server);
    tokio::task::yield_now().await;
    let error = HttpClient::new()
        .unwrap()
        .get(&url, LIMITS)
        .await
        .unwrap_err();
    assert!(matches!(error, OutboundError::Connect(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("hush"));
    assert!(!format!("{url:?} {url}").contains("hush"));
}

#[tokio::test]
async fn an_https_url_is_never_called_without_tls() {
    let server = TestServer::start(|_| Reply::ok("secret")).await;
    let url = server.url("/").replace("http:", "https:");
    let url = HttpUrl::parse(&url, true).unwrap();
    let limits = Limits {
        timeout: Duration::from_millis(300),
        ..LIMITS
    };
    // The server waits for a request that never comes; without root certificates not even that happens.
    let answer = HttpClient::new().unwrap().get(&url, limits).await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(server.hits(), 0);
}

#[test]
fn plain_http_needs_loopback_or_permission() {
    for text in [
        "https://issuer.example.com/jwks",
        "http://localhost:8080/",
        "http://127.0.0.1/",
        "http://[::1]:1/",
    ] {
        assert!(HttpUrl::parse(text, false).is_ok(), "{text}");
    }
    for text in [
        "http://issuer.example.com/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://10.0.0.1/",
    ] {
        assert_eq!(
            HttpUrl::parse(text, false),
            Err(UrlError::PlainHttp),
            "{text}"
        );
        assert!(HttpUrl::parse(text, true).is_ok(), "{text}");
    }
}

#[test]
fn other_urls_are_refused() {
    for (text, error) in [
        ("", UrlError::Malformed),
        ("/jwks.json", UrlError::Malformed),
        ("https://", UrlError::Malformed),
        ("file:///etc/passwd", UrlError::Scheme),
        ("ftp://example.com/", UrlError::Scheme),
        ("https://user@example.com/", UrlError::Credentials),
        ("https://:secret@example.com/", UrlError::Credentials),
        ("https://example.com/#keys", UrlError::Fragment),
    ] {
        assert_eq!(HttpUrl::parse(text, true), Err(error), "{text}");
    }
}

const FORM: Form<'_> = Form {
    fields: &[("token", "s3cret+token")],
    basic: Some(("me", "s3cret")),
};

async fn post(server: &TestServer) -> Result<Vec<u8>, OutboundError> {
    let url = HttpUrl::parse(&server.url("/introspect"), false).unwrap();
    let client = HttpClient::new().unwrap();
    client.post_form(&url, &FORM, LIMITS).await
}

#[tokio::test]
async fn a_form_is_posted_with_its_client_and_asks_for_json() {
    let server = TestServer::answering(|asked| {
        let head = asked.head.to_ascii_lowercase();
        let whole = asked.head.starts_with("POST /introspect HTTP/1.1\r\n")
            && head.contains("content-type: application/x-www-form-urlencoded\r\n")
            && head.contains("accept: application/json\r\n")
            && asked.head.contains("Basic bWU6czNjcmV0\r\n");
        Reply::json(format!("{whole} {}", asked.body))
    })
    .await;
    assert_eq!(post(&server).await.unwrap(), b"true token=s3cret%2Btoken");
}

#[tokio::test]
async fn an_answer_to_a_form_has_to_say_that_it_is_json() {
    let with = |types: &'static [&'static str]| {
        TestServer::start(move |_| Reply {
            headers: types
                .iter()
                .map(|value| ("content-type".to_owned(), (*value).to_owned()))
                .collect(),
            ..Reply::ok("{}")
        })
    };
    for types in [
        &["application/json"][..],
        &["application/json;charset=UTF-8"],
        &["Application/JSON ; charset=utf-8"],
    ] {
        assert!(post(&with(types).await).await.is_ok(), "{types:?}");
    }
    for types in [
        &[][..],
        &["text/html"],
        &["application/jsonp"],
        &["application/token-introspection+jwt"],
        &["application/json", "text/html"],
    ] {
        let answer = post(&with(types).await).await;
        assert!(matches!(answer, Err(OutboundError::NotJson)), "{types:?}");
    }
}

#[tokio::test]
async fn a_form_is_not_sent_on_and_not_told() {
    let elsewhere = TestServer::start(|_| Reply::json("{}")).await;
    let location = elsewhere.url("/");
    for status in [301, 302, 303, 307, 308] {
        let location = location.clone();
        let server = TestServer::start(move |_| Reply {
            headers: vec![("location".to_owned(), location.clone())],
            ..Reply::status(status)
        })
        .await;
        let error = post(&server).await.unwrap_err();
        assert!(matches!(error, OutboundError::Redirect { .. }), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("s3cret"));
    }
    assert_eq!(elsewhere.hits(), 0);
    let gone = TestServer::start(|_| Reply::ok("")).await;
    let url = HttpUrl::parse(&gone.url("/"), false).unwrap();
    drop(gone);
    tokio::task::yield_now().await;
    let client = HttpClient::new().unwrap();
    let error = client.post_form(&url, &FORM, LIMITS).await.unwrap_err();
    assert!(
        !format!("{error:?} {error}").contains("s3cret"),
        "{error:?}"
    );
}
