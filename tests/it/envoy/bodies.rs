//! Bodies: whole or not at all.

use super::client::Request;
use super::stage::{SHIPPED, person};

const ECHO: &str = "echo.example.com";

/// Envoy's `max_request_bytes` in `envoy.yaml`.
const LIMIT: usize = 65_536;

fn post() -> Request {
    let token = person("alice", ECHO).groups(&["echo"]).sign();
    Request::post(ECHO, "/known").bearer(&token)
}

fn bytes(length: usize) -> Vec<u8> {
    // Every byte there is, most of them no UTF-8.
    (0..=u8::MAX).cycle().take(length).collect()
}

#[test]
fn a_body_of_up_to_the_limit_arrives_whole() {
    for length in [0, 1, 1000, LIMIT - 1, LIMIT] {
        let body = bytes(length);
        let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
        let mut requests = vec![post().body(&body)];
        if length > 0 {
            requests.push(post().chunked(&body, 4096));
            requests.push(post().chunked(&body, 40_000));
        }
        for request in requests {
            let answer = SHIPPED.send(&request);
            assert!(
                answer.is_from_upstream(),
                "{length}: {} {}",
                answer.status,
                answer.reason()
            );
            let seen = answer.json();
            assert_eq!(
                (seen["body"].as_u64(), seen["sum"].as_u64()),
                (Some(length as u64), Some(sum))
            );
        }
    }
}

#[test]
fn a_larger_body_is_refused_without_a_question() {
    let before = SHIPPED.upstream.requests_to("/known?larger");
    for length in [LIMIT + 1, 2 * LIMIT] {
        let body = bytes(length);
        let token = person("alice", ECHO).groups(&["echo"]).sign();
        let post = || Request::post(ECHO, "/known?larger").bearer(&token);
        for request in [post().body(&body), post().chunked(&body, 4096)] {
            let answer = SHIPPED.send(&request);
            assert_eq!(answer.status, 413, "{length}");
            let line = SHIPPED.envoy.logged(answer.request_id());
            assert!(line["decision"].is_null(), "{line}");
        }
    }
    assert_eq!(SHIPPED.upstream.requests_to("/known?larger"), before);
}

#[test]
fn a_body_does_not_help_who_may_not() {
    let answer = SHIPPED.send(&Request::post(ECHO, "/known").chunked(&bytes(1000), 100));
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (401, "authentication_required")
    );
}
