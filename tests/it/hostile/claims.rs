//! Claims of every wrong type and size: what is present and not understood refuses the token, never counts as absent.

use serde_json::{Value, json};

use super::draft::Draft;
use super::draft::Place::Payments;
use super::{Row, bad, good, hold, setup};

pub(super) fn rows(now: i64) -> Vec<Row> {
    let new = || Draft::new(Payments, now);
    let groups = |value: Value| new().claim("groups", value);
    let scope = |value: Value| new().claim("scope", value);
    let claims = |name, draft| bad(name, "deny 401 token_claims", draft);
    let binding = |name, cnf| bad(name, "deny 401 token_binding", new().claim("cnf", cnf));
    let lacks = |name, draft| bad(name, "deny 403 insufficient_scope", draft);
    let many = |count: usize| json!((0..count).map(|n| format!("{n:x}")).collect::<Vec<_>>());
    vec![
        claims("groups that are a text", groups(json!("payments"))),
        claims(
            "groups that are an object",
            groups(json!({ "payments": true })),
        ),
        claims("groups null", groups(json!(null))),
        claims("groups true", groups(json!(true))),
        claims("groups with a number", groups(json!(["payments", 7]))),
        claims("groups with a list", groups(json!(["payments", ["crm"]]))),
        claims("groups with an empty one", groups(json!(["payments", ""]))),
        claims("groups with a line break", groups(json!(["payments\n"]))),
        claims("1001 groups", groups(many(1001))),
        bad(
            "no groups",
            "deny 403 not_permitted",
            new().no_claim("groups"),
        ),
        bad(
            "groups of another case",
            "deny 403 not_permitted",
            groups(json!(["Payments"])),
        ),
        bad(
            "groups with a glob",
            "deny 403 not_permitted",
            groups(json!(["*"])),
        ),
        good("scope in a list", scope(json!(["payments:read"]))),
        good("scope twice", scope(json!("payments:read payments:read"))),
        claims("257 scopes", scope(json!("a ".repeat(257)))),
        bad(
            "10000 scopes",
            "deny 401 token_too_large",
            scope(json!("a ".repeat(10_000))),
        ),
        claims("scope that is a number", scope(json!(7))),
        claims(
            "scope that is an object",
            scope(json!({ "payments:read": true })),
        ),
        claims("scope null", scope(json!(null))),
        claims("scope with a number", scope(json!(["payments:read", 7]))),
        claims(
            "scope with a line break",
            scope(json!("payments:read\ncrm:read")),
        ),
        lacks("scope missing", new().no_claim("scope")),
        lacks("scope empty", scope(json!(""))),
        lacks("scope of another case", scope(json!("Payments:Read"))),
        lacks(
            "scope that starts like ours",
            scope(json!("payments:readers")),
        ),
        lacks("scope with commas", scope(json!("payments:read,crm:read"))),
        lacks("scope with a glob", scope(json!("payments:* *"))),
        lacks(
            "two scopes as one of a list",
            scope(json!(["payments:read crm:read"])),
        ),
        claims(
            "declared claim of another type",
            new().claim("department", json!(7)),
        ),
        claims(
            "declared claim null",
            new().claim("department", json!(null)),
        ),
        bad(
            "bound to a key",
            "deny 401 token_bound",
            new().claim(
                "cnf",
                json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }),
            ),
        ),
        binding("bound to nothing", json!({})),
        binding("bound to null", json!(null)),
        binding("bound in an unknown way", json!({ "jwk": { "kty": "EC" } })),
        binding(
            "bound to half a thumbprint",
            json!({ "jkt": "0ZcOCORZNYy" }),
        ),
        claims("acr that is a number", new().claim("acr", json!(7))),
        claims("amr that is a text", new().claim("amr", json!("mfa"))),
        claims("jti that is a number", new().claim("jti", json!(7))),
        claims(
            "client that is a number",
            new().claim("client_id", json!(7)),
        ),
        claims(
            "client with a nul",
            new().claim("client_id", json!("web\0")),
        ),
    ]
}

#[tokio::test]
async fn a_claim_that_is_not_understood_refuses_the_token() {
    hold(rows, setup()).await;
}
