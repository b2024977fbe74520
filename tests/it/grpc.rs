//! Checks over the real gRPC port: what Envoy gets for what it asks.

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use serde_json::{Value, json};

use crate::harness::{Answer, Ask, PAYMENTS, SOON, Server, Setup, check_within, eventually};

const CRM: &str = "https://crm.example.com";
const API: &str = "https://api.example.com";

/// A token of somebody who may list payments.
fn payer(server: &Server) -> String {
    let token = server.setup.corp.token("alice").audience(PAYMENTS);
    token.groups(&["payments"]).scope("payments:read").sign()
}

/// A token of a member of the CRM team.
fn seller(server: &Server) -> String {
    let token = server.setup.corp.token("alice").audience(CRM);
    token.groups(&["crm"]).scope("crm:read").sign()
}

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
    let realm = r#"Bearer realm="https://payments.example.com""#;
    let invalid = |why: &str| {
        Some(format!(
            r#"{realm}, error="invalid_token", error_description="{why}""#
        ))
    };
    let cases = [
        (list.clone(), 16, 401, "authentication_required", Some(realm.to_owned()), json!({ "kind": "authenticate" })),
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
                r#"Bearer realm="https://api.example.com", error="insufficient_user_authentication", "#,
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
            deploy("staging").principal("spiffe://example.org/ci/../runner"),
            "deny 403 workload_required",
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

/// What a decision is, apart from the id that every one has of its own.
fn essence(answer: &Answer) -> String {
    let id = answer.told("decision_id");
    let mut response = answer.0.clone();
    response.dynamic_metadata = None;
    let mut metadata = answer.metadata();
    metadata["decision_id"] = Value::Null;
    format!("{response:?} {metadata}").replace(&id, "ID")
}

#[tokio::test]
async fn every_shape_and_every_listener_gives_the_same_decision() {
    let server = Setup::new().unix().start();
    let clients = [server.client().await, server.unix_client().await];
    let good = Ask::new("POST", "payments.example.com", "/v1/payments?x=1");
    let token = server
        .setup
        .corp
        .token("alice")
        .audience(PAYMENTS)
        .groups(&["payments"])
        .scope("payments:write")
        .sign();
    let asks = [
        good.clone().bearer(&token).body(r#"{"amount":1}"#),
        good.clone().body(r#"{"amount":1}"#),
        good.clone().bearer(&token).bearer(&token),
        good.clone().bearer(&token).header("x-latin", b"caf\xe9"),
        good.clone()
            .bearer(&token)
            .header("X-Upper", "1")
            .header("content-length", "99")
            .body("{}"),
        Ask::payments("/v1/payments/%2e%2e").bearer(&token),
    ];
    for ask in asks {
        let mut seen = Vec::new();
        for client in &clients {
            for shape in [ask.clone(), ask.clone().merged()] {
                for shape in [shape.clone(), shape.text_body()] {
                    seen.push(essence(&client.check(&shape).await));
                }
            }
        }
        assert_eq!(seen.len(), 8);
        assert!(
            seen.iter().all(|other| other == &seen[0]),
            "{ask:?}: {seen:#?}"
        );
    }
}

#[tokio::test]
async fn a_check_without_a_request_is_denied_as_no_http() {
    let server = Setup::new().start();
    let client = server.client().await;
    for request in [
        CheckRequest::default(),
        CheckRequest {
            attributes: Some(AttributeContext::default()),
        },
    ] {
        let answer = client.send(request).await.unwrap();
        assert_eq!(answer.outcome(), "deny 400 no_http");
        assert_eq!(answer.code(), 7);
    }
}

#[expect(clippy::too_many_lines, reason = "one table, one row an ambiguity")]
#[tokio::test]
async fn every_ambiguity_has_a_reason_of_its_own() {
    let server = Setup::new().start();
    let client = server.client().await;
    let token = payer(&server);
    let path = |path: &str| Ask::payments(path).bearer(&token);
    let host = |host: &str| Ask::new("GET", host, "/v1/payments").bearer(&token);
    let list = || path("/v1/payments");
    let cases = vec![
        (path("/v1/./payments"), "400 path_dot_segment"),
        (path("/v1/x/../payments"), "400 path_dot_segment"),
        (path("/v1/x/%2e%2E/payments"), "400 path_dot_segment"),
        (path("//v1/payments"), "400 path_empty_segment"),
        (path("/v1//payments"), "400 path_empty_segment"),
        (path("/v1%2fpayments"), "400 path_encoded_slash"),
        (path("/v1\\payments"), "400 path_backslash"),
        (path("/v1%5cpayments"), "400 path_backslash"),
        (path("/v1/payments%00"), "400 path_control_character"),
        (path("/v1/p%61yments"), "400 path_encoded_unreserved"),
        (path("/v1/payments/%2541"), "400 path_double_encoding"),
        (path("/v1/payments;v=1"), "400 path_parameter"),
        (path("/v1/payments%3Bv"), "400 path_parameter"),
        (path("/v1/payments#x"), "400 path_delimiter"),
        (path("/v1/payments%23x"), "400 path_delimiter"),
        (path("/v1/payments%3Fx"), "400 path_delimiter"),
        (path("/v1/payments/%ff"), "400 path_not_utf8"),
        (path("/v1/payments/%zz"), "400 path_malformed"),
        (path("v1/payments"), "400 path_malformed"),
        (path(""), "400 path_malformed"),
        (path("/v1/payments/"), "400 path_trailing_slash"),
        (path("/V1/payments"), "403 no_action"),
        (path("/v1/payments?x=%zz"), "400 query_malformed"),
        (path("/v1/payments?x=%ff"), "400 query_malformed"),
        (
            path("/v1/payments?access_token=t"),
            "400 credential_ambiguous",
        ),
        (host(""), "400 host_malformed"),
        (host("user@payments.example.com"), "400 host_malformed"),
        (host("payments.example.com:http"), "400 host_malformed"),
        (
            list().header("host", "other.example.com"),
            "400 host_malformed",
        ),
        (list().bearer(&token), "400 authorization_ambiguous"),
        (
            Ask::payments("/v1/payments").header("authorization", "Basic x, Bearer y"),
            "400 authorization_ambiguous",
        ),
        (
            list()
                .header("content-length", "1")
                .header("content-length", "2"),
            "400 header_repeated",
        ),
        (
            list()
                .header("content-type", "a/b")
                .header("content-type", "c/d"),
            "400 header_repeated",
        ),
        (
            list().header("x-http-method-override", "DELETE"),
            "400 method_override",
        ),
        (list().header("bad name", "x"), "400 request_malformed"),
        (
            list().header("x-split", "a\r\nx-user: root"),
            "400 request_malformed",
        ),
        (
            list().header("x-large", "x".repeat(100 * 1024)),
            "400 headers_too_large",
        ),
        (
            Ask::new("", "payments.example.com", "/v1/payments"),
            "400 request_malformed",
        ),
        (list().certificate("%zz"), "400 request_malformed"),
        (list().context("route", "nowhere"), "403 unknown_route"),
        (
            Ask::payments("/v1/payments").header("authorization", "Basic eDp5"),
            "401 credential_unsupported",
        ),
        (
            Ask::payments("/v1/payments").header("authorization", "Bearer x"),
            "401 token_malformed",
        ),
        (
            Ask::payments("/v1/payments").bearer(&"x.".repeat(5000)),
            "401 token_too_large",
        ),
    ];
    for (ask, outcome) in cases {
        for ask in [ask.clone().merged(), ask] {
            let answer = client.check(&ask).await;
            assert_eq!(answer.outcome(), format!("deny {outcome}"), "{ask:?}");
        }
    }
    let crm = Ask::new("GET", "crm.example.com", "/v1/customers?limit=1&limit=5000")
        .bearer(&seller(&server));
    assert_eq!(
        client.check(&crm).await.outcome(),
        "deny 400 query_repeated"
    );
    let crm =
        Ask::new("GET", "crm.example.com", "/v1/customers?limit=ten").bearer(&seller(&server));
    assert_eq!(
        client.check(&crm).await.outcome(),
        "deny 400 parameter_invalid"
    );
    let cut = r#"{"id":"#;
    let same = list().header("x-envoy-auth-partial-body", "true").body(cut);
    assert_eq!(
        client.check(&same).await.outcome(),
        "allow",
        "no rule reads the body"
    );
}

#[tokio::test]
async fn one_host_is_the_same_in_every_spelling() {
    let server = Setup::new().start();
    let client = server.client().await;
    let token = payer(&server);
    for host in [
        "payments.example.com",
        "PAYMENTS.Example.com",
        "payments.example.com:443",
        "payments.example.com.",
    ] {
        let answer = client
            .check(&Ask::new("GET", host, "/v1/payments").bearer(&token))
            .await;
        assert_eq!(answer.outcome(), "allow", "{host}");
    }
}

#[expect(clippy::too_many_lines, reason = "one table, one row a token")]
#[tokio::test]
async fn hostile_tokens_are_refused_with_a_reason_each() {
    let server = Setup::new().start();
    let client = server.client().await;
    let corp = &server.setup.corp;
    let base = || {
        corp.token("alice")
            .audience(PAYMENTS)
            .groups(&["payments"])
            .scope("payments:read")
    };
    let stranger = crate::harness::Key::es256("first");
    let unknown = crate::harness::Key::es256("nobody-knows");
    // The id of a P-256 key, for a signature that P-256 cannot make.
    let other = crate::harness::Key::rs256("first");
    let cases = [
        (base().sign(), "allow"),
        (base().key(&stranger).sign(), "deny 401 token_signature"),
        (base().key(&unknown).sign(), "deny 401 token_key_unknown"),
        (base().key(&other).sign(), "deny 401 token_algorithm"),
        (
            base().header("alg", json!("none")).sign(),
            "deny 401 token_algorithm",
        ),
        (
            base().header("alg", json!("HS256")).sign(),
            "deny 401 token_algorithm",
        ),
        (
            base().header("alg", json!("EdDSA")).sign(),
            "deny 401 token_algorithm",
        ),
        (
            base().header("typ", json!("JWT")).sign(),
            "deny 401 token_type",
        ),
        (
            base().header("typ", json!("secevent+jwt")).sign(),
            "deny 401 token_type",
        ),
        (
            base()
                .header("crit", json!(["b64"]))
                .header("b64", json!(false))
                .sign(),
            "deny 401 token_critical",
        ),
        (
            base()
                .claim("iss", json!("http://127.0.0.1:10080/corp/"))
                .sign(),
            "deny 401 token_issuer",
        ),
        (
            base().claim("exp", json!("4102444800")).sign(),
            "deny 401 token_claims",
        ),
        (
            base().claim("exp", Value::Null).sign(),
            "deny 401 token_claims",
        ),
        (
            base().claim("nbf", json!(4_102_444_800_i64)).sign(),
            "deny 401 token_not_yet_valid",
        ),
        (
            base().claim("aud", Value::Null).sign(),
            "deny 401 token_audience",
        ),
        (
            base().claim("act", json!("crm-bot")).sign(),
            "deny 401 delegation_malformed",
        ),
    ];
    let mut wrong = Vec::new();
    for (token, expected) in cases {
        let outcome = client
            .check(&Ask::payments("/v1/payments").bearer(&token))
            .await
            .outcome();
        if outcome != expected {
            wrong.push(format!("{outcome}, not {expected}: {token}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn an_offboarded_identity_is_refused_whatever_its_token_says() {
    let server = Setup::new().start();
    let client = server.client().await;
    let token = server
        .setup
        .ci
        .token("nightly-export")
        .audience(API)
        .claim("environment", json!("staging"))
        .sign();
    let ask = Ask::new("GET", "api.example.com", "/healthz").bearer(&token);
    assert_eq!(
        client.check(&ask).await.outcome(),
        "deny 403 identity_offboarded"
    );
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_an_explicit_503() {
    let server = Setup::new().start();
    let ask = Ask::payments("/v1/payments").bearer(&payer(&server));
    for timeout in ["1u", "1n", "5m"] {
        let answer = check_within(server.grpc, &ask, timeout).await;
        assert_eq!(
            (answer.code(), answer.outcome().as_str()),
            (14, "fault 503 deadline_exceeded"),
            "{timeout}"
        );
        assert_eq!(answer.header("retry-after").as_deref(), Some("1"));
    }
    // Less than the margin leaves no time either; more does.
    assert_eq!(
        check_within(server.grpc, &ask, "2S").await.outcome(),
        "allow"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_shed_with_explicit_answers() {
    let setup = Setup::new().replacing("concurrency: 1024", "concurrency: 1");
    let server = setup.start();
    // Much to read, so that two checks meet.
    let ask = Ask::payments("/v1/payments").bearer(&payer(&server));
    let ask = (0..100).fold(ask, |ask, number| {
        ask.header(&format!("x-{number}"), "x".repeat(500))
    });
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(server.client().await);
    }
    let (mut shed, mut allowed) = (0_u32, 0_u32);
    let started = std::time::Instant::now();
    while shed == 0 {
        assert!(
            started.elapsed() < SOON,
            "{allowed} checks, and none was shed"
        );
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..100 {
            let (client, ask) = (clients[number % clients.len()].clone(), ask.clone());
            tasks.spawn(async move { client.check(&ask).await.outcome() });
        }
        for outcome in tasks.join_all().await {
            match outcome.as_str() {
                "allow" => allowed += 1,
                "fault 503 overloaded" => shed += 1,
                other => panic!("{other}"),
            }
        }
    }
    assert!(allowed > 0);
    assert_eq!(
        server.metric("countersign_checks_shed_total").to_string(),
        shed.to_string()
    );
    let decided = usize::try_from(shed + allowed).unwrap();
    eventually(SOON, "a record for each", || {
        (server.records().len() == decided).then_some(())
    });
}

#[tokio::test]
async fn what_envoy_says_about_a_request_can_decide_it() {
    let setup = Setup::new();
    setup.edit(
        "countersign.yaml",
        "\nproviders:\n",
        "\ntrusted_metadata: [example.filter]\nproviders:\n",
    );
    let rules = concat!(
        "rules:\n",
        "  - { id: tenant, guard: payments.list, must: 'has(context.extensions.tenant) && context.extensions.tenant == \"a\"' }\n",
        "  - { id: level, guard: payments.list, must: 'has(context.metadata[\"example.filter\"].level) && context.metadata[\"example.filter\"].level == \"high\"' }\n",
    );
    let text = setup
        .read("policies/payments.yaml")
        .replacen("rules:\n", rules, 1);
    setup.write("policies/payments.yaml", &text);
    let server = setup.start();
    let client = server.client().await;
    let bare = Ask::payments("/v1/payments")
        .bearer(&payer(&server))
        .sni("payments.example.com");
    let tenant = bare.clone().context("tenant", "a");
    let level = |level: &str| {
        tenant
            .clone()
            .metadata("example.filter", json!({ "level": level }))
    };
    assert_eq!(client.check(&level("high")).await.outcome(), "allow");
    for ask in [
        bare,
        tenant.clone(),
        level("low"),
        tenant
            .clone()
            .metadata("other.filter", json!({ "level": "high" })),
    ] {
        assert_eq!(
            client.check(&ask).await.outcome(),
            "deny 403 guard_unmet",
            "{ask:?}"
        );
    }
    // The route that Envoy names decides alone: the host does not.
    let elsewhere =
        Ask::new("GET", "elsewhere.example.com", "/v1/payments").bearer(&payer(&server));
    assert_eq!(
        client.check(&elsewhere).await.outcome(),
        "deny 403 no_route"
    );
    let named = elsewhere
        .context("route", "payments")
        .context("tenant", "a")
        .metadata("example.filter", json!({ "level": "high" }));
    assert_eq!(client.check(&named).await.outcome(), "allow");
}
