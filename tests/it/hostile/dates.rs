//! When a token is good: dates of every wrong type, and the edges of the leeway of 30 seconds.

use serde_json::{Value, json};

use super::draft::Draft;
use super::draft::Place::Payments;
use super::{Row, bad, good, hold, setup};

pub(super) fn rows(now: i64) -> Vec<Row> {
    let new = || Draft::new(Payments, now);
    let exp = |value: Value| new().claim("exp", value);
    let claims = |name, draft| bad(name, "deny 401 token_claims", draft);
    let expired = |name, draft| bad(name, "deny 401 token_expired", draft);
    let early = |name, draft| bad(name, "deny 401 token_not_yet_valid", draft);
    vec![
        good(
            "exp with a fraction",
            exp(json!(600.5 + f64::from(i32::try_from(now).unwrap()))),
        ),
        good(
            "exp in exponents",
            new().no_claim("exp").also(r#""exp":1e10"#),
        ),
        good("exp within the leeway", exp(json!(now - 2))),
        expired("exp one second beyond the leeway", exp(json!(now - 31))),
        expired("exp long ago, with a fraction", exp(json!(1.5))),
        expired("exp zero", exp(json!(0))),
        claims("exp that is a text", exp(json!((now + 600).to_string()))),
        claims("exp that is a date", exp(json!("2999-01-01T00:00:00Z"))),
        claims("exp that is empty", exp(json!(""))),
        claims("exp missing", new().no_claim("exp")),
        claims("exp null", exp(json!(null))),
        claims("exp true", exp(json!(true))),
        claims("exp in a list", exp(json!([now + 600]))),
        claims("exp in an object", exp(json!({ "value": now + 600 }))),
        claims("exp in milliseconds", exp(json!((now + 600) * 1000))),
        claims("exp negative", exp(json!(-1))),
        claims(
            "exp beyond 64 bits",
            new()
                .no_claim("exp")
                .also(r#""exp":99999999999999999999999999"#),
        ),
        claims(
            "exp as large as a number gets",
            new().no_claim("exp").also(r#""exp":1e308"#),
        ),
        bad(
            "exp not a number",
            "deny 401 token_malformed",
            new().no_claim("exp").also(r#""exp":NaN"#),
        ),
        bad(
            "exp infinite",
            "deny 401 token_malformed",
            new().no_claim("exp").also(r#""exp":1e999"#),
        ),
        good("nbf within the leeway", new().claim("nbf", json!(now + 20))),
        early("nbf in the future", new().claim("nbf", json!(now + 3600))),
        claims(
            "nbf that is a text",
            new().claim("nbf", json!(now.to_string())),
        ),
        claims("nbf null", new().claim("nbf", json!(null))),
        claims("nbf in milliseconds", new().claim("nbf", json!(now * 1000))),
        good("iat missing", new().no_claim("iat")),
        early("iat in the future", new().claim("iat", json!(now + 3600))),
        claims(
            "iat that is a text",
            new().claim("iat", json!(now.to_string())),
        ),
        claims("iat in milliseconds", new().claim("iat", json!(now * 1000))),
        claims("iat negative", new().claim("iat", json!(-5))),
        claims(
            "auth_time in the future",
            new().claim("auth_time", json!(now + 3600)),
        ),
        claims(
            "auth_time that is a text",
            new().claim("auth_time", json!(now.to_string())),
        ),
    ]
}

#[tokio::test]
async fn dates_are_numbers_and_the_leeway_is_all_there_is() {
    hold(rows, setup()).await;
}
