//! Every file of `bypass/` ends in a denial: asked directly, and through Envoy with its MCP filter and without. Where it is the
//! token that is wrong, the same call with a good one is allowed.

use super::fixture::{Credential, Fixture, fixtures};
use super::peers::Seen;
use super::stage::{BARE, Before, McpStage, PASSING, SESSIONS, setup};

/// What became of a fixture that did not end as it says.
type Wrong = Vec<String>;

#[tokio::test]
async fn each_is_denied_directly() {
    let server = setup().start();
    let client = server.client().await;
    let mut wrong = Wrong::new();
    for fixture in fixtures() {
        if fixture.twice {
            let ask = fixture.ask(&fixture.credential(&server.setup));
            let outcome = client.check(&ask).await.outcome();
            assert_eq!(outcome, "allow", "{} at first", fixture.name);
        }
        let ask = fixture.ask(&fixture.credential(&server.setup));
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

#[tokio::test]
async fn each_is_allowed_directly_with_a_good_token() {
    let server = setup().start();
    let client = server.client().await;
    let mut wrong = Wrong::new();
    let mut asked = 0;
    for fixture in fixtures() {
        let Some(good) = fixture.good_credential() else {
            continue;
        };
        asked += 1;
        let outcome = client.check(&fixture.ask(&good)).await.outcome();
        if outcome != "allow" {
            wrong.push(format!("{}: {outcome}, not allow", fixture.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_ne!(asked, 0);
}

#[test]
fn each_is_allowed_through_envoy_with_a_good_token() {
    for fixture in fixtures() {
        if let Some(good) = fixture.good_credential() {
            reaches(&SESSIONS, &fixture, &good, "good");
        }
    }
}

/// Sends the fixture with this credential, and waits for it at the server.
fn reaches(stage: &McpStage, fixture: &Fixture, credential: &Credential, how: &str) {
    let mark = format!("{} {how}", fixture.name);
    stage.send(&fixture.request(credential, &mark));
    let what = format!("`{mark}` at the server");
    let seen = |seen: &Seen| seen.header("x-mark") == Some(&mark);
    stage.tools.await_seen(&what, seen);
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
    let setup = &stage.stage.server.setup;
    if fixture.twice {
        reaches(stage, fixture, &fixture.credential(setup), "at first");
    }
    let request = fixture.request(&fixture.credential(setup), &fixture.name);
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
