//! The client against a real server on loopback.

use std::time::{Duration, Instant};

use super::testing::{Reply, TestServer};
use super::{HttpClient, HttpUrl, Limits, OutboundError, UrlError};

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
