//! What an answer holds, for the decisions of the sample policies.

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use serde_json::{Value, json};

use super::{API, CRM, payer, seller};
use crate::harness::{Ask, PAYMENTS, Setup};

#[tokio::test]
async fn an_allow_forwards_and_says_who_asks() {
    let server = Setup::new().start();
    let client = server.client().await;
    let answer = client
        .check(&Ask::payments("/v1/payments").bearer(&payer(&server)))
        .await;
    assert_eq!((answer.outcome().as_str(), answer.code()), ("allow", 0));
    assert_eq!(answer.sets("x-user").as_deref(), Some("alice"));
    for option in &answer.ok().headers {
        assert_eq!(
            option.append_action(),
            HeaderAppendAction::OverwriteIfExistsOrAdd
        );
    }
    let version = server.status()["policy"]["version"].clone();
    let mut metadata = answer.metadata();
    let id = metadata
        .as_object_mut()
        .unwrap()
        .shift_remove("decision_id")
        .unwrap();
    assert!(id.as_str().is_some_and(|id| id.len() >= 16), "{id}");
    let expected = json!({
        "action": "payments.list", "policy_version": version, "reason": "permitted", "route": "payments",
        "rule": "payments-team", "subject": "corp/alice", "verdict": "allow",
    });
    assert_eq!(metadata, expected);
}

#[tokio::test]
async fn identity_headers_that_are_not_set_are_removed_in_every_spelling() {
    let server = Setup::new().start();
    let client = server.client().await;
    let ask = Ask::payments("/v1/payments").bearer(&payer(&server));
    let ask = ask
        .header("x-user", "root")
        .header("x_user", "root")
        .header("x_actor", "root");
    let answer = client.check(&ask).await;
    let removed = &answer.ok().headers_to_remove;
    // `x-user` is overwritten; what the policy could set and does not here must not come from the client.
    for name in ["x-actor", "x_actor", "x_user"] {
        assert!(removed.iter().any(|it| it == name), "{name}: {removed:?}");
    }
    assert!(!removed.iter().any(|it| it == "x-user"), "{removed:?}");
    let anonymous = client
        .check(&Ask::new("GET", "api.example.com", "/healthz"))
        .await;
    let removed = &anonymous.ok().headers_to_remove;
    assert!(removed.iter().any(|it| it == "x-user"), "{removed:?}");
}

#[tokio::test]
async fn a_page_is_capped_and_a_small_one_is_left_alone() {
    let server = Setup::new().start();
    let client = server.client().await;
    let token = seller(&server);
    let ask = |path| Ask::new("GET", "crm.example.com", path).bearer(&token);
    let capped = client.check(&ask("/v1/customers?limit=5000")).await;
    let set = &capped.ok().query_parameters_to_set;
    assert_eq!(
        set.iter()
            .map(|it| (it.key.as_str(), it.value.as_str()))
            .collect::<Vec<_>>(),
        [("limit", "100")]
    );
    assert_eq!(
        (capped.sets("x-user"), capped.sets("x-actor")),
        (Some("alice".into()), Some("alice".into()))
    );
    let small = client.check(&ask("/v1/customers?limit=20")).await;
    assert!(small.ok().query_parameters_to_set.is_empty());
}

#[tokio::test]
async fn an_agent_acts_for_somebody_who_may_and_never_alone() {
    let server = Setup::new().start();
    let client = server.client().await;
    let ask = |token: &str| Ask::new("GET", "crm.example.com", "/v1/customers").bearer(token);
    let token = |sub: &str, groups: &[&str]| {
        server
            .setup
            .corp
            .token(sub)
            .audience(CRM)
            .groups(groups)
            .scope("crm:read")
    };
    let both = client
        .check(&ask(&token("alice", &["crm"]).actor("crm-bot").sign()))
        .await;
    assert_eq!(both.outcome(), "allow");
    assert_eq!(both.sets("x-actor").as_deref(), Some("crm-bot"));
    assert_eq!(
        (both.told("subject"), both.told("actor")),
        ("corp/alice".into(), "corp/crm-bot".into())
    );
    for (refused, reason) in [
        (
            token("bob", &["payments"]).actor("crm-bot"),
            "not_permitted",
        ),
        (token("crm-bot", &[]), "not_permitted"),
        (
            token("alice", &["crm"]).actor("other-bot"),
            "actor_unregistered",
        ),
    ] {
        let answer = client.check(&ask(&refused.sign())).await;
        assert_eq!(answer.outcome(), format!("deny 403 {reason}"));
    }
}

/// Every kind of refusal: who asks for what, and the whole answer.
#[tokio::test]
async fn refusals_have_their_status_challenge_and_problem_document() {
    let server = Setup::new().start();
    let client = server.client().await;
    let corp = &server.setup.corp;
    let token = |groups: &[&str]| {
        corp.token("alice")
            .audience(PAYMENTS)
            .groups(groups)
            .scope("payments:read")
    };
    let rita = corp.token("rita").audience(API).groups(&["release"]).sign();
    let list = Ask::payments("/v1/payments");
    let create = Ask::new("POST", "payments.example.com", "/v1/payments");
    let approve = Ask::new("POST", "api.example.com", "/v1/releases/42/approve");
    let realm = concat!(
        r#"Bearer realm="https://payments.example.com", "#,
        r#"resource_metadata="https://payments.example.com/.well-known/oauth-protected-resource""#
    );
    let invalid = |why: &str| {
        Some(format!(
            r#"{realm}, error="invalid_token", error_description="{why}""#
        ))
    };
    let cases = [
        (list.clone(), 16, 401, "authentication_required",
            Some(format!(r#"{realm}, {}, algs="ES256 ES384 EdDSA""#, realm.replace("Bearer", "DPoP"))), json!({ "kind": "authenticate" })),
        (
            list.clone().bearer(&token(&["payments"]).claim("exp", json!(1_700_000_000)).sign()),
            16, 401, "token_expired", invalid("The access token has expired"), Value::Null,
        ),
        (
            list.clone().bearer(&token(&["payments"]).audience(CRM).sign()),
            16, 401, "token_audience", invalid("The access token is not meant for this resource"), Value::Null,
        ),
        (
            create.bearer(&token(&["payments"]).sign()),
            7, 403, "insufficient_scope",
            Some(format!(
                r#"{realm}, error="insufficient_scope", error_description="The access token lacks a scope", scope="payments:write""#
            )),
            json!({ "kind": "scope", "scope": ["payments:write"] }),
        ),
        (list.clone().bearer(&token(&["sales"]).sign()), 7, 403, "not_permitted", None, Value::Null),
        (
            approve.bearer(&rita),
            16, 401, "insufficient_user_authentication",
            Some(concat!(
                r#"Bearer realm="https://api.example.com", "#,
                r#"resource_metadata="https://api.example.com/.well-known/oauth-protected-resource", "#,
                r#"error="insufficient_user_authentication", "#,
                r#"error_description="A stronger or fresher authentication is required", acr_values="phr phrh", max_age="300""#
            ).to_owned()),
            json!({ "kind": "step_up", "acr_values": ["phr", "phrh"], "max_age": 300 }),
        ),
        (Ask::new("GET", "nowhere.example.com", "/"), 7, 403, "no_route", None, Value::Null),
        (Ask::payments("/v1/../payments"), 7, 400, "path_dot_segment", None, Value::Null),
    ];
    for (ask, code, status, reason, challenge, remedy) in cases {
        let answer = client.check(&ask).await;
        assert_eq!(
            (answer.code(), answer.status(), answer.reason().as_str()),
            (code, status, reason),
            "{ask:?}"
        );
        assert_eq!(answer.header("www-authenticate"), challenge, "{reason}");
        assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
        assert_eq!(
            answer.header("content-type").as_deref(),
            Some("application/problem+json")
        );
        let problem = answer.problem();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["reason"], reason);
        assert_eq!(problem["type"], format!("urn:countersign:reason:{reason}"));
        assert_eq!(problem["remedy"], remedy, "{reason}");
        assert_eq!(problem["decision_id"], answer.told("decision_id"));
        assert_eq!(
            answer.header("x-decision-id"),
            Some(answer.told("decision_id"))
        );
        assert_eq!(answer.told("verdict"), "deny");
        let body = &answer.denied().body;
        for secret in ["payments-team", "release-step-up", "alice"] {
            assert!(!body.contains(secret), "{body}");
        }
    }
}

#[tokio::test]
async fn a_fresh_and_strong_authentication_approves_a_release() {
    let server = Setup::new().start();
    let client = server.client().await;
    let approve = Ask::new("POST", "api.example.com", "/v1/releases/42/approve");
    let now = crate::harness::now();
    for (acr, age, outcome) in [
        ("phr", 60, "allow"),
        ("phr", 3600, "deny 401 insufficient_user_authentication"),
        ("pwd", 60, "deny 401 insufficient_user_authentication"),
    ] {
        let token = server
            .setup
            .corp
            .token("rita")
            .audience(API)
            .groups(&["release"]);
        let token = token
            .claim("acr", json!(acr))
            .claim("auth_time", json!(now - age))
            .sign();
        assert_eq!(
            client
                .check(&approve.clone().bearer(&token))
                .await
                .outcome(),
            outcome,
            "{acr} {age}"
        );
    }
}

#[tokio::test]
async fn a_deployment_needs_its_workload_and_its_environment() {
    let server = Setup::new().start();
    let client = server.client().await;
    let token = server
        .setup
        .ci
        .token("deployer")
        .audience(API)
        .claim("environment", json!("staging"))
        .sign();
    let deploy = |environment: &str| {
        Ask::new(
            "POST",
            "api.example.com",
            &format!("/v1/{environment}/deployments"),
        )
        .bearer(&token)
    };
    let runner = "spiffe://example.org/ci/runner";
    for (ask, outcome) in [
        (deploy("staging").principal(runner), "allow"),
        (
            deploy("production").principal(runner),
            "deny 403 guard_unmet",
        ),
        (deploy("staging"), "deny 403 workload_required"),
        (
            deploy("staging").principal("spiffe://example.org/web/runner"),
            "deny 403 workload_required",
        ),
        (
            deploy("staging").principal("spiffe://example.com/ci/runner"),
            "deny 403 workload_required",
        ),
        (
            deploy("staging").principal("spiffe://example.org/ci/../runner"),
            "deny 403 certificate_invalid",
        ),
        // A header is no certificate.
        (
            deploy("staging").header("x-forwarded-client-cert", format!("URI={runner}")),
            "deny 403 workload_required",
        ),
    ] {
        assert_eq!(client.check(&ask).await.outcome(), outcome, "{ask:?}");
    }
}
