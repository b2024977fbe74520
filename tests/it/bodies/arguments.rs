//! What a body says, and what the rules make of it.

use super::{ORDER, SERVER, cause, client, order, post};
use crate::harness::{SOON, eventually};

#[tokio::test]
async fn rules_decide_on_arguments() {
    let client = client().await;
    let with = |more: &str| {
        order(format!(
            r#"{{"payment":{{"amount":5,"currency":"EUR"}},{more}}}"#
        ))
    };
    for (ask, outcome) in [
        (order(ORDER), "allow"),
        (
            order(r#"{"payment":{"amount":1000,"currency":"EUR"}}"#),
            "allow",
        ),
        (
            order(r#"{"payment":{"amount":1001,"currency":"EUR"}}"#),
            "deny 403 guard_unmet",
        ),
        (
            order(r#"{"payment":{"amount":9007199254740991,"currency":"EUR"}}"#),
            "deny 403 guard_unmet",
        ),
        (with(r#""rate":1"#), "allow"),
        (with(r#""rate":1e-3"#), "allow"),
        (with(r#""due":"2029-12-31T23:59:59.999Z""#), "allow"),
        (
            with(r#""due":"2029-12-31T23:59:59-00:01""#),
            "deny 403 guard_unmet",
        ),
        (with(r#""tags":["a","b"]"#), "allow"),
        (with(r#""limits":{"day":9,"night":99}"#), "allow"),
        (
            with(r#""limits":{"day":9,"Day":99}"#),
            "deny 400 argument_invalid",
        ),
        (with(r#""limits":{"day":10}"#), "deny 403 guard_unmet"),
        (with(r#""note":"\u0021""#), "deny 403 guard_unmet"),
        (with(r#""meta":{"test":false}"#), "allow"),
        (with(r#""meta":{"test":true}"#), "deny 403 guard_unmet"),
        // What cannot be compared fails.
        (with(r#""meta":{"test":"false"}"#), "deny 403 guard_unmet"),
        (with(r#""meta":7"#), "allow"),
    ] {
        let answer = client.check(&ask).await;
        assert_eq!(answer.outcome(), outcome, "{ask:?} {}", cause(&answer));
    }
    let answer = client.check(&order(ORDER)).await;
    assert_eq!(answer.sets("x-order").as_deref(), Some("EUR5"));
}

#[tokio::test]
async fn an_argument_of_another_type_is_refused() {
    let client = client().await;
    let amount = |value: &str| {
        order(format!(
            r#"{{"payment":{{"amount":{value},"currency":"EUR"}}}}"#
        ))
    };
    for value in [
        "5.0",
        "5e0",
        "-0",
        "\"5\"",
        "null",
        "true",
        "[5]",
        "{}",
        "9007199254740992",
        "-9007199254740992",
        "9007199254740993",
        "18446744073709551616",
        "1e400",
    ] {
        let answer = client.check(&amount(value)).await;
        let expected = match value {
            "1e400" => "deny 400 body_malformed",
            _ => "deny 400 argument_invalid",
        };
        assert_eq!(answer.outcome(), expected, "{value}");
    }
    let answer = client.check(&amount("\"s3cret\"")).await;
    assert_eq!(cause(&answer), "argument `amount` is not of type `int`");
    let answer = client.check(&order(r#"{"payment":{"amount":5}}"#)).await;
    assert_eq!(answer.outcome(), "deny 400 argument_invalid");
    assert_eq!(cause(&answer), "argument `currency` is missing");
    let answer = client.check(&order("[]")).await;
    assert_eq!(answer.outcome(), "deny 400 argument_invalid");
}

#[tokio::test]
async fn what_is_not_declared_is_refused_unless_it_may_be_there() {
    let client = client().await;
    for (ask, outcome) in [
        (
            order(r#"{"payment":{"amount":5,"currency":"EUR"},"s3cret":1}"#),
            "deny 400 argument_undeclared",
        ),
        (
            order(r#"{"payment":{"amount":5,"currency":"EUR","s3cret":1}}"#),
            "deny 400 argument_undeclared",
        ),
        (
            order(r#"{"payment":{"amount":5,"currency":"EUR"},"Note":"s3cret"}"#),
            "deny 400 argument_undeclared",
        ),
        (
            post("/loose", r#"{"amount":5,"s3cret":{"x":[1]}}"#),
            "allow",
        ),
        (
            post("/loose", r#"{"s3cret":1}"#),
            "deny 400 argument_invalid",
        ),
        (
            post("/loose", r#"{"amount":5,"AMOUNT":6}"#),
            "deny 400 argument_undeclared",
        ),
        (
            post("/loose", r#"{"Amount":6}"#),
            "deny 400 argument_undeclared",
        ),
        (post("/batch", r#"[{"amount":5}]"#), "allow"),
        (post("/batch", r#"[{"amount":5},{"amount":6}]"#), "allow"),
        (
            post("/batch", r#"[{"amount":5},{"amount":6},{}]"#),
            "deny 400 argument_undeclared",
        ),
        (post("/batch", "[]"), "deny 400 argument_invalid"),
    ] {
        let answer = client.check(&ask).await;
        assert_eq!(answer.outcome(), outcome, "{ask:?}");
        let cause = cause(&answer);
        assert!(!cause.contains("s3cret"), "{cause}");
    }
}

#[tokio::test]
async fn a_text_that_is_too_long_for_a_condition_fails_the_rules_that_read_it() {
    let client = client().await;
    let long = "x".repeat(16 * 1024 + 1);
    let body = |name: &str, text: &str| {
        order(format!(
            r#"{{"payment":{{"amount":5,"currency":"EUR"}},"{name}":{text}}}"#
        ))
    };
    let answer = client.check(&body("tags", &format!("[\"{long}\"]"))).await;
    assert_eq!(answer.outcome(), "allow", "no rule reads it");
    let answer = client.check(&body("note", &format!("\"{long}\""))).await;
    assert_eq!(answer.outcome(), "deny 403 guard_unmet");
    let answer = client
        .check(&body("note", &format!("\"{}\"", &long[1..])))
        .await;
    assert_eq!(answer.outcome(), "allow");
}

#[tokio::test]
async fn nothing_of_a_body_stands_in_the_log() {
    let client = client().await;
    for body in [
        r#"{"payment":{"amount":5,"currency":"h1dden"},"h1dden":1}"#,
        r#"{"payment":{"amount":"h1dden","currency":"EUR"}}"#,
        r#"{"payment":{"amount":5,"currency":"EUR"},"note":"h1dden"}"#,
        r#"{"h1dden"}"#,
    ] {
        let answer = client.check(&order(body)).await;
        let decision = answer.told("decision_id");
        let records = eventually(SOON, "a decision's record", || {
            let text = std::fs::read_to_string(SERVER.0.setup.audit_file()).unwrap_or_default();
            text.contains(&decision).then_some(text)
        });
        assert!(!records.contains("h1dden"), "{body}");
        assert!(!format!("{answer:?}").contains("h1dden"), "{body}");
    }
    assert!(!SERVER.0.log().contains("h1dden"));
}
