//! One decision, told alike in three places: the answer, Envoy's access log and countersign's record.

use serde_json::{Value, json};

use super::client::Request;
use super::stage::{SHIPPED, ci, person};

const CRM: &str = "crm.example.com";

/// The access log's view of a decision.
fn logged(line: &Value) -> Value {
    let keys = [
        "verdict", "reason", "rule", "route", "action", "subject", "actor",
    ];
    keys.iter()
        .map(|key| ((*key).to_owned(), line[*key].clone()))
        .collect()
}

fn list(person_id: &str, group: &str) -> Request {
    let token = person(person_id, CRM).groups(&[group]).scope("crm:read");
    Request::get(CRM, "/v1/customers?limit=7").bearer(&token.actor("crm-bot").sign())
}

#[test]
fn an_allow_is_in_the_access_log_and_in_the_record() {
    let answer = SHIPPED.send(&list("alice", "crm"));
    assert!(answer.is_from_upstream());
    let line = SHIPPED.envoy.logged(answer.request_id());
    let expected = json!({
        "verdict": "allow", "reason": "permitted", "rule": "crm-team", "route": "crm-api", "action": "customers.list",
        "subject": "corp/alice", "actor": "corp/crm-bot",
    });
    assert_eq!(logged(&line), expected);
    assert!(
        line["authz_us"]
            .as_u64()
            .or(line["authz_us"].as_str().and_then(|it| it.parse().ok()))
            .unwrap()
            > 0,
        "{line}"
    );
    same_decision(&line);
}

#[test]
fn a_denial_is_in_the_access_log_and_in_the_record() {
    let answer = SHIPPED.send(&list("bob", "payments"));
    let line = SHIPPED.envoy.logged(answer.request_id());
    let expected = json!({
        "verdict": "deny", "reason": "not_permitted", "rule": null, "route": "crm-api", "action": "customers.list",
        "subject": "corp/bob", "actor": "corp/crm-bot",
    });
    assert_eq!(logged(&line), expected);
    assert_eq!(
        (&line["status"], &line["details"]),
        (&json!(403), &json!("ext_authz_denied"))
    );
    assert_eq!(line["decision"], answer.json()["decision_id"]);
    assert_eq!(line["decision"], answer.header("x-decision-id").unwrap());
    same_decision(&line);
}

#[test]
fn the_rule_that_denied_is_told_to_operators_and_not_to_the_client() {
    let token = person("rita", "api.example.com")
        .groups(&["release"])
        .sign();
    let request = Request::post("api.example.com", "/v1/releases/42/approve").bearer(&token);
    let answer = SHIPPED.send(&request.body(b"{}"));
    let line = SHIPPED.envoy.logged(answer.request_id());
    assert_eq!(line["rule"], "release-step-up");
    let told = String::from_utf8(answer.body.clone()).unwrap();
    assert!(!told.contains("release-step-up"), "{told}");
    same_decision(&line);
}

#[test]
fn a_refusal_before_the_policy_is_recorded_too() {
    let answer = SHIPPED.send(&Request::get("echo.example.com", "/open;a=b"));
    assert_eq!(answer.reason(), "path_parameter");
    let line = SHIPPED.envoy.logged(answer.request_id());
    assert_eq!(
        (&line["verdict"], &line["reason"]),
        (&json!("deny"), &json!("path_parameter"))
    );
    same_decision(&line);
}

/// The headers by which a browser is known come through, and what they are a warning about is in both logs.
#[test]
fn a_browser_that_uses_a_service_account_is_warned_about() {
    const API: &str = "api.example.com";
    let token = ci("deployer", API).claim("environment", json!("staging"));
    let request = Request::get(API, "/healthz").bearer(&token.sign());
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://console.example.com"),
    ] {
        let answer = SHIPPED.send(&request.clone().header(name, value));
        assert!(answer.is_from_upstream(), "{name}");
        let line = SHIPPED.envoy.logged(answer.request_id());
        assert_eq!(line["warnings"], json!(["nhi10-browser"]), "{name}");
        let record = SHIPPED.record(line["decision"].as_str().unwrap());
        assert_eq!(record["warnings"][0]["id"], "deployer", "{name}");
    }
    let answer = SHIPPED.send(&request);
    let line = SHIPPED.envoy.logged(answer.request_id());
    assert_eq!(line["warnings"], Value::Null);
}

/// The record and the access log name one request, one decision and one policy.
fn same_decision(line: &Value) {
    let record = SHIPPED.record(line["decision"].as_str().unwrap());
    for key in ["verdict", "reason", "policy_version"] {
        assert_eq!(record[key], line[key], "{key}");
        assert!(record[key].is_string(), "{key}");
    }
    for key in ["rule", "route", "action"] {
        assert_eq!(record.get(key).unwrap_or(&Value::Null), &line[key], "{key}");
    }
    assert_eq!(record["request"]["id"], line["request_id"]);
}

#[test]
fn neither_log_holds_a_token_or_a_query() {
    let token = person("alice", "echo.example.com").groups(&["echo"]).sign();
    let request = Request::get("echo.example.com", "/known?secret=hunter2").bearer(&token);
    let answer = SHIPPED.send(&request.header("cookie", "session=hunter3"));
    let line = SHIPPED.envoy.logged(answer.request_id());
    let record = SHIPPED.record(line["decision"].as_str().unwrap());
    let said = format!("{line}{record}{}", SHIPPED.server.log());
    for secret in [
        token.as_str(),
        token.rsplit('.').next().unwrap(),
        "hunter2",
        "hunter3",
    ] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}
