//! Whether a body is all of it, and JSON.

use super::{ORDER, bare, cause, client, order, post};
use crate::harness::Ask;

const INCOMPLETE: &str = "deny 400 input_incomplete";

#[tokio::test]
async fn a_whole_body_is_read() {
    let client = client().await;
    for ask in [
        order(ORDER),
        order(ORDER).merged(),
        order(ORDER).header("x-envoy-auth-partial-body", "false"),
        // Decompressed by a filter before.
        order(ORDER).size(30),
        order(ORDER).size(-1),
        order(ORDER).header("content-encoding", "identity"),
        bare("/orders", ORDER).header("content-type", "Application/JSON; charset=\"UTF-8\""),
        bare("/orders", ORDER).header("content-type", "application/merge-patch+json"),
    ] {
        let answer = client.check(&ask).await;
        assert_eq!(answer.outcome(), "allow", "{ask:?}");
        assert_eq!(answer.sets("x-amount").as_deref(), Some("5"), "{ask:?}");
    }
}

#[tokio::test]
async fn a_body_that_may_not_be_whole_is_refused_and_the_log_names_the_setting() {
    let client = client().await;
    let length = ORDER.len().to_string();
    let json = ("content-type", "application/json");
    for (ask, setting) in [
        (order(""), "`with_request_body`"),
        (
            order("").header("content-length", &length),
            "`with_request_body`",
        ),
        (
            order(ORDER).header("x-envoy-auth-partial-body", "true"),
            "`allow_partial_message: false`",
        ),
        (
            order(ORDER).header("x-envoy-auth-partial-body", "TRUE"),
            "`max_request_bytes`",
        ),
        (
            order(ORDER).header("content-length", "4096"),
            "`allow_partial_message: false`",
        ),
        (
            order(ORDER).header("content-length", "2"),
            "`allow_partial_message: false`",
        ),
        (
            order(ORDER).unmeasured().size(4096),
            "`allow_partial_message: false`",
        ),
        (order(ORDER).unmeasured(), "`envoy.filters.http.buffer`"),
        (
            order(ORDER).unmeasured().size(-1),
            "`envoy.filters.http.buffer`",
        ),
        (
            order(ORDER)
                .unmeasured()
                .header("x-envoy-auth-partial-body", "false"),
            "`envoy.filters.http.buffer`",
        ),
        (order(ORDER).text_body(), "`pack_as_bytes: true`"),
        (
            order(ORDER).text_body().unmeasured(),
            "`pack_as_bytes: true`",
        ),
        (
            order(ORDER).header("content-encoding", "gzip"),
            "`envoy.filters.http.decompressor`",
        ),
        (
            order(ORDER).header("content-encoding", ""),
            "`envoy.filters.http.decompressor`",
        ),
        (
            Ask::new("GET", "orders.example.com", "/any").header(json.0, json.1),
            "`with_request_body`",
        ),
    ] {
        let answer = client.check(&ask).await;
        assert_eq!(answer.outcome(), INCOMPLETE, "{ask:?}");
        let cause = cause(&answer);
        assert!(cause.contains(setting), "{ask:?}: {cause}");
        let told = answer.problem().to_string();
        assert!(
            !told.contains("envoy"),
            "the client learns no setting: {told}"
        );
    }
}

#[tokio::test]
async fn only_unambiguous_json_in_utf_8_is_read() {
    let client = client().await;
    let typed = |name: &str| bare("/orders", ORDER).header("content-type", name);
    let deep = format!(r#"{{"meta":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    for (ask, outcome) in [
        (bare("/orders", ORDER), "deny 400 body_type"),
        (typed("text/json"), "deny 400 body_type"),
        (
            typed("application/json; charset=utf-16"),
            "deny 400 body_type",
        ),
        (
            typed("application/x-www-form-urlencoded"),
            "deny 400 body_type",
        ),
        (order("{"), "deny 400 body_malformed"),
        (order(format!("{ORDER} {ORDER}")), "deny 400 body_malformed"),
        (order(format!("\u{feff}{ORDER}")), "deny 400 body_malformed"),
        (
            order([&ORDER.as_bytes()[..5], b"\xff"].concat()),
            "deny 400 body_malformed",
        ),
        (
            order(r#"{"payment":{"amount":5,"currency":"EUR","\u0061mount":9}}"#),
            "deny 400 body_malformed",
        ),
        (
            order(r#"{"meta":{"s3cret":1,"s3cret":2}}"#),
            "deny 400 body_malformed",
        ),
        (
            order(r#"{"note":"\ud800s3cret"}"#),
            "deny 400 body_malformed",
        ),
        (order(deep), "deny 400 body_too_complex"),
        (
            order(format!("[{}0]", "0,".repeat(100_000))),
            "deny 400 body_too_complex",
        ),
    ] {
        let answer = client.check(&ask).await;
        assert_eq!(answer.outcome(), outcome);
        let cause = cause(&answer);
        assert!(!cause.is_empty() && !cause.contains("s3cret"), "{cause}");
    }
}

#[tokio::test]
async fn who_declares_no_arguments_is_not_asked_for_a_body() {
    let client = client().await;
    for ask in [
        post("/blind", ""),
        post("/blind", "{"),
        bare("/blind", "a=b").unmeasured(),
        post("/blind", "x").header("content-encoding", "gzip"),
        post("/blind", "x").header("x-envoy-auth-partial-body", "true"),
    ] {
        let answer = client.check(&ask).await;
        assert_eq!(answer.outcome(), "allow", "{ask:?}");
    }
}
