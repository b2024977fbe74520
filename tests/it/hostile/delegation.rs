//! Who acts for whom: chains that are too deep, go in circles, name strangers, or hide somebody who may not act.

use serde_json::{Value, json};

use super::draft::Place::Crm;
use super::draft::{CI, CORP, Draft};
use super::{MINTED, Row, bad, good, hold, setup};

pub(super) fn rows(now: i64) -> Vec<Row> {
    let new = || Draft::new(Crm, now);
    let act = |value: Value| new().claim("act", value);
    let sub = |value: &str| new().claim("sub", json!(value));
    let client = |value: &str| new().claim("client_id", json!(value));
    let malformed = |name, draft| bad(name, "deny 401 delegation_malformed", draft);
    let cycle = |name, draft| bad(name, "deny 401 delegation_cycle", draft);
    let deep = |name, draft| bad(name, "deny 401 delegation_too_deep", draft);
    let stranger = |name, draft| bad(name, "deny 403 actor_unregistered", draft);
    let not_permitted = |name, draft| bad(name, "deny 403 not_permitted", draft);
    let suspended = |name, draft| bad(name, "deny 403 identity_suspended", draft);
    let gone = |name, draft| bad(name, "deny 403 identity_offboarded", draft);
    let bot = |inner: Value| json!({ "sub": "crm-bot", "act": inner });
    vec![
        good("nobody acts", new()),
        good("the agent acts", act(json!({ "sub": "crm-bot" }))),
        good(
            "the agent acts, with its issuer",
            act(json!({ "sub": "crm-bot", "iss": CORP })),
        ),
        good("four entries", act(chain(4))),
        deep("five entries", act(chain(5))),
        deep("nine entries", act(chain(9))),
        cycle(
            "the actor twice",
            act(bot(json!({ "sub": "x", "act": { "sub": "crm-bot" } }))),
        ),
        cycle(
            "the actor twice, once with its issuer",
            act(bot(json!({ "sub": "crm-bot", "iss": CORP }))),
        ),
        cycle("the subject acts", act(json!({ "sub": "alice" }))),
        cycle(
            "the subject acts further in",
            act(bot(json!({ "sub": "alice", "iss": CORP }))),
        ),
        malformed(
            "an issuer that nobody knows",
            act(json!({ "sub": "crm-bot", "iss": "https://attacker.example" })),
        ),
        malformed(
            "an issuer that the route does not take",
            act(json!({ "sub": "crm-bot", "iss": CI })),
        ),
        malformed(
            "an issuer with a trailing slash",
            act(json!({ "sub": "crm-bot", "iss": format!("{CORP}/") })),
        ),
        malformed(
            "an issuer that is null",
            act(json!({ "sub": "crm-bot", "iss": null })),
        ),
        malformed(
            "an issuer that nobody knows further in",
            act(bot(
                json!({ "sub": "x", "iss": "https://attacker.example" }),
            )),
        ),
        malformed("act that is a text", act(json!("crm-bot"))),
        malformed("act that is a list", act(json!([{ "sub": "crm-bot" }]))),
        malformed("act that is null", act(json!(null))),
        malformed("act that is empty", act(json!({}))),
        malformed("act with a number", act(json!({ "sub": 7 }))),
        malformed(
            "act with a client only",
            act(json!({ "client_id": "crm-bot" })),
        ),
        malformed("act with a line break", act(json!({ "sub": "crm-bot\n" }))),
        malformed("act further in that is a text", act(bot(json!("x")))),
        malformed("act further in that is null", act(bot(json!(null)))),
        good(
            "may_act is not act",
            new().claim("may_act", json!({ "sub": "paused" })),
        ),
        stranger(
            "an agent that nobody registered",
            act(json!({ "sub": "new-bot" })),
        ),
        stranger("a person as actor", act(json!({ "sub": "bob" }))),
        not_permitted("an agent without groups", act(json!({ "sub": "idle" }))),
        not_permitted(
            "an agent that brings groups along",
            act(json!({ "sub": "idle", "groups": ["crm-agents", "crm"] })),
        ),
        not_permitted(
            "a permitted agent behind one that is not",
            act(json!({ "sub": "idle", "act": { "sub": "crm-bot" } })),
        ),
        not_permitted("the agent alone", sub("crm-bot")),
        not_permitted(
            "the agent for somebody without a permit",
            act(json!({ "sub": "crm-bot" })).claim("groups", json!(["payments"])),
        ),
        good("the agent as client", client("crm-bot")),
        not_permitted("an agent without groups as client", client("idle")),
        suspended("a suspended actor", act(json!({ "sub": "paused" }))),
        suspended(
            "a suspended agent further in",
            act(bot(json!({ "sub": "paused" }))),
        ),
        suspended("a suspended client", client("paused")),
        suspended(
            "a suspended client behind an actor",
            client("paused").claim("act", json!({ "sub": "crm-bot" })),
        ),
        gone("an off-boarded actor", act(json!({ "sub": "gone" }))),
        gone(
            "an off-boarded agent further in",
            act(bot(json!({ "sub": "x", "act": { "sub": "gone" } }))),
        ),
        gone("an off-boarded client", client("gone")),
        gone(
            "an off-boarded client behind an actor",
            client("gone").claim("act", json!({ "sub": "crm-bot" })),
        ),
        gone("an off-boarded subject", sub("gone")),
        bad(
            "an expired actor",
            "deny 403 identity_expired",
            act(json!({ "sub": "lapsed" })),
        ),
        bad(
            "a subject of another kind",
            "deny 403 kind_mismatch",
            sub("night-shift"),
        ),
    ]
}

/// The agent, in front of others, in front of others.
fn chain(entries: usize) -> Value {
    let inner = (1..entries).fold(Value::Null, |inner, n| link(&format!("hop-{n}"), inner));
    link("crm-bot", inner)
}

fn link(sub: &str, inner: Value) -> Value {
    match inner {
        Value::Null => json!({ "sub": sub }),
        inner => json!({ "sub": sub, "act": inner }),
    }
}

#[tokio::test]
async fn chains_may_deny_and_never_grant() {
    hold(rows, setup()).await;
}

#[tokio::test]
async fn the_upstream_learns_who_acts_and_never_who_might() {
    let server = setup().start();
    let client = server.client().await;
    for (row, actor) in [
        ("the agent acts", "crm-bot"),
        ("may_act is not act", "alice"),
        ("nobody acts", "alice"),
    ] {
        let ask = Crm.ask().bearer(MINTED.token(row));
        let answer = client.check(&ask).await;
        assert_eq!(answer.sets("x-actor").as_deref(), Some(actor), "{row}");
    }
}
