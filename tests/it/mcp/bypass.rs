//! Every file of `bypass/` ends in a denial: asked directly, and through Envoy with its MCP filter and without.

use super::fixture::{Fixture, fixtures};
use super::stage::{BARE, Before, McpStage, PASSING, SESSIONS, setup};
use super::token;

/// What became of a fixture that did not end as it says.
type Wrong = Vec<String>;

#[tokio::test]
async fn each_is_denied_directly() {
    let server = setup().start();
    let client = server.client().await;
    let mut wrong = Wrong::new();
    for fixture in fixtures() {
        let groups: Vec<&str> = fixture.groups.iter().map(String::as_str).collect();
        let ask = fixture.ask(&token(&server.setup, "desk", &groups));
        let outcome = client.check(&ask).await.outcome();
        if outcome != format!("deny {}", fixture.expect) {
            wrong.push(format!(
                "{}: {outcome}, not {}",
                fixture.name, fixture.expect
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_is_denied_where_envoy_refuses_what_is_no_mcp() {
    through(&SESSIONS, Before::Refuses);
}

#[test]
fn each_is_denied_where_envoy_lets_pass_what_it_cannot_read() {
    through(&PASSING, Before::Passes);
}

#[test]
fn each_is_denied_where_envoy_reads_no_mcp() {
    through(&BARE, Before::Nothing);
}

fn through(stage: &McpStage, before: Before) {
    let fixtures = fixtures();
    let through_envoy = fixtures.iter().filter(|fixture| fixture.through_envoy());
    let wrong: Wrong = through_envoy
        .filter_map(|fixture| {
            let problem = problem(stage, before, fixture)?;
            Some(format!("{}: {problem}", fixture.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{before:?}\n{}", wrong.join("\n"));
}

/// What is wrong about the way in which it ended.
fn problem(stage: &McpStage, before: Before, fixture: &Fixture) -> Option<String> {
    let groups: Vec<&str> = fixture.groups.iter().map(String::as_str).collect();
    let request = fixture.request(&stage.token("desk", &groups), &fixture.name);
    let answer = stage.send(&request);
    let mark = Some(fixture.name.as_str());
    if !stage
        .tools
        .seen(|seen| seen.header("x-mark") == mark)
        .is_empty()
    {
        return Some("it has reached the server".to_owned());
    }
    let refused = match before {
        Before::Refuses => fixture.refuses,
        Before::Passes => fixture.passes,
        Before::Nothing => fixture.nothing,
    };
    let behind = fixture.expected_behind_envoy();
    let decision = answer.header("x-decision-id").map(str::to_owned);
    let (ended, expected) = match (decision, refused) {
        (None, Some(status)) => (
            format!("{} by Envoy", answer.status),
            format!("{status} by Envoy"),
        ),
        (None, None) => (
            format!("{} by Envoy", answer.status),
            fixture.expect.clone(),
        ),
        (Some(decision), refused) => {
            let reason = stage.stage.record(&decision)["reason"].clone();
            let ended = format!("{} {}", answer.status, reason.as_str().unwrap_or_default());
            let by_envoy = refused.map(|status| format!("{status} by Envoy"));
            (ended, by_envoy.unwrap_or_else(|| behind.to_owned()))
        }
    };
    (ended != expected).then(|| format!("{ended}, not {expected}"))
}
