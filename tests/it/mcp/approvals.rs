//! A tool call that waits for an approval, made by the official SDK's client: what it makes of the answer in each revision, and that
//! the same call passes when somebody has approved it.

use serde_json::{Value, json};

use super::peers::{Agent, Outcome};
use super::stage::{McpStage, SESSIONS, SINGLE};
use crate::harness::{SOON, eventually, now, send_body};

/// The arguments of the call, with a note that makes it this test's own.
fn arguments(note: &str) -> Value {
    json!({ "segment": "eu", "rows": 10, "note": note })
}

fn exports(agent: &mut Agent, note: &str) -> Outcome {
    agent.calls("export_customers", &arguments(note))
}

fn agent(stage: &McpStage, mode: &str, asks: bool) -> Agent {
    let token = stage.token("wait", &["wait"]);
    let at = stage.stage.envoy.plain;
    let (agent, connected) = Agent::connect_as(at, "/wait", (mode, asks), &token);
    connected.ok();
    agent
}

/// Approves, as somebody who may.
fn approve(stage: &McpStage, id: &str) {
    let server = &stage.stage.server;
    let token = server.setup.corp.token("lea").groups(&["leads"]);
    // Whoever approves has just shown a strong key.
    let token = token.audience("https://approve.example.com");
    let token = token.claim("acr", json!("phr"));
    let token = token.claim("auth_time", json!(now() - 1)).sign();
    let headers = format!("authorization: Bearer {token}\r\n");
    let line = format!("POST /approvals/{id}/approve");
    let reply = send_body(server.admin(), &line, &headers, "{}").unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
}

/// The id in the URL where people look at an approval.
fn id_of(url: &Value) -> String {
    let url = url.as_str().unwrap();
    let id = url.strip_prefix("https://approve.example.com/approvals/");
    let id = id.unwrap_or_else(|| panic!("{url}"));
    assert!(id.starts_with("apr_"), "{url}");
    id.to_owned()
}

fn text(outcome: &Outcome) -> &str {
    outcome.ok()["content"][0]["text"]
        .as_str()
        .unwrap_or_default()
}

fn exported(outcome: &Outcome) -> bool {
    text(outcome).starts_with("exported 10")
}

/// The SDK asks its person, makes the same call again by itself, and the person was gone long enough for somebody to approve.
#[test]
fn a_client_that_sends_people_there_comes_back_and_passes() {
    let mut agent = agent(&SINGLE, "2026-07-28", true);
    let mut outcome = exports(&mut agent, "asked");
    let asked = outcome.asked();
    assert_eq!(asked["mode"], "url");
    assert!(
        asked["message"]
            .as_str()
            .unwrap()
            .contains("needs an approval")
    );
    let id = id_of(&asked["url"]);
    approve(&SINGLE, &id);
    // What was approved is in every memory within a moment; until then the person is asked for the same again.
    outcome = eventually(SOON, "the call passes", || {
        let next = agent.person("accept");
        if next.is_asked() {
            assert_eq!(id_of(&next.asked()["url"]), id);
            return None;
        }
        Some(next)
    });
    assert!(exported(&outcome), "{outcome:?}");
    // The use is gone: the same call waits again, for another approval.
    let again = exports(&mut agent, "asked");
    assert_ne!(id_of(&again.asked()["url"]), id);
    let declined = agent.person("decline");
    assert_eq!(declined.ok()["isError"], true);
    assert!(text(&declined).contains("make exactly the same call again"));
    agent.closes().ok();
}

#[test]
fn a_client_of_a_session_is_told_by_its_own_error_where_to_send_people() {
    let mut agent = agent(&SESSIONS, "legacy", true);
    let refused = exports(&mut agent, "session");
    let error = refused.error();
    assert_eq!(error["code"], -32042);
    let asked = &error["data"]["elicitations"][0];
    let id = id_of(&asked["url"]);
    assert_eq!(asked["elicitationId"], id);
    assert_eq!(error["data"]["approval"]["id"], id);
    approve(&SESSIONS, &id);
    let passed = eventually(SOON, "the call passes", || {
        let next = exports(&mut agent, "session");
        (!next.is_error()).then_some(next)
    });
    assert!(exported(&passed), "{passed:?}");
    agent.closes().ok();
}

#[test]
fn the_model_behind_any_other_client_reads_what_its_call_waits_for() {
    let mut agent = agent(&SINGLE, "2026-07-28", false);
    let waits = exports(&mut agent, "model");
    let result = waits.ok();
    assert_eq!(result["isError"], true);
    let approval = &result["structuredContent"]["approval"];
    let id = id_of(&approval["url"]);
    assert!(text(&waits).contains(&id), "{}", text(&waits));
    approve(&SINGLE, &id);
    let passed = eventually(SOON, "the call passes", || {
        let next = exports(&mut agent, "model");
        (next.ok()["isError"] != true).then_some(next)
    });
    assert!(exported(&passed), "{passed:?}");
    agent.closes().ok();
}
