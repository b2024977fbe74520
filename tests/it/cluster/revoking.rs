//! What is revoked at one server is refused by both, in a moment and while checks flow.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::flow::{End, Flow, Seen};
use super::stage::{Cluster, until};
use crate::harness::valkey::Fsync;
use crate::harness::{Ask, SOON, eventually};

/// How many are revoked; a third each by their id, by their session and by their token.
const REVOKED: usize = 120;
/// Others, whom nothing happens to.
const STEADY: usize = 8;
/// How long before the next one.
const PAUSE: Duration = Duration::from_millis(40);
/// How old the knowledge of a server may be that decides about something critical (`store.staleness.critical`).
const BOUND: Duration = Duration::from_secs(1);
/// What is enough, 99 times of 100.
const ENOUGH: Duration = Duration::from_millis(100);
/// Checks a second of a server that is optimised, and of one that is not and runs beside other tests.
const FULL: u32 = 2_000;
const SLOW: u32 = 200;
/// What counts as a rate.
const NEARLY: f64 = 0.97;

fn target(number: usize, who: &str) -> Value {
    match number % 3 {
        0 => json!({ "kind": "subject", "issuer": "corp", "value": who }),
        1 => json!({ "kind": "session", "issuer": "corp", "value": format!("session-of-{who}") }),
        _ => json!({ "kind": "token", "issuer": "corp", "value": format!("token-of-{who}") }),
    }
}

/// Revokes one after the other at `one` while checks flow: what was seen, how many a second that were, and when each acknowledgement had
/// been read.
async fn revoke_all(cluster: &Cluster, wanted: u32) -> (Vec<Seen>, f64, Vec<Instant>) {
    let name = |number: usize| format!("caller-{wanted}-{number}");
    let calls: Vec<_> = (0..REVOKED + STEADY)
        .map(|number| cluster.look(&name(number)))
        .collect();
    for call in &calls {
        for client in &cluster.clients {
            until(client, call, "allow").await;
        }
    }
    let calls = calls.iter().map(Ask::request).collect();
    let flow = Flow::begin(&cluster.clients, calls, wanted);
    let mut acknowledged = Vec::new();
    for number in 0..REVOKED {
        flow.look_at(number);
        tokio::time::sleep(PAUSE / 2).await;
        let body = target(number, &name(number));
        // A machine that is too busy for the store is asked again.
        eventually(SOON, "it is acknowledged", || {
            let (status, said) = cluster.operator(0, "POST /revocations", &body);
            assert!(status == 200 || status == 503, "{said}");
            (status == 200).then_some(())
        });
        acknowledged.push(Instant::now());
        tokio::time::sleep(PAUSE / 2).await;
    }
    // Everybody who is out is asked about again once the bound is over for all of them.
    tokio::time::sleep(BOUND + PAUSE).await;
    let (seen, rate) = flow.end().await;
    (seen, rate, acknowledged)
}

/// For every revocation the time until the server let nobody pass any more who asked afterwards.
fn enforced(seen: &[Seen], acknowledged: &[Instant], server: usize) -> Vec<Duration> {
    let mut times: Vec<Duration> = acknowledged
        .iter()
        .enumerate()
        .map(|(who, at)| {
            let of_them = || {
                seen.iter()
                    .filter(|it| it.server == server && it.who == who)
            };
            let refused = of_them().filter(|it| it.end == End::Refused && it.answered > *at);
            let refused = refused.map(|it| it.answered).min();
            let passed = of_them().filter(|it| it.end == End::Allowed);
            let passed = passed.map(|it| it.asked).max();
            // A machine that is too busy may not have asked.
            refused.map_or(Duration::MAX, |refused| {
                passed
                    .map_or(refused, |passed| refused.max(passed))
                    .saturating_duration_since(*at)
            })
        })
        .collect();
    times.sort_unstable();
    times
}

/// Nobody passes who asked when it was too late; nobody is refused whom nothing happened to.
fn judge(seen: &[Seen], acknowledged: &[Instant]) {
    for it in seen {
        let Some(at) = acknowledged.get(it.who) else {
            assert_ne!(
                it.end,
                End::Refused,
                "somebody is refused who was not revoked: {it:?}"
            );
            continue;
        };
        // The server that has said so is to be taken at its word.
        let bound = if it.server == 0 {
            Duration::ZERO
        } else {
            BOUND
        };
        let late = it.asked.saturating_duration_since(*at + bound);
        assert!(
            it.end != End::Allowed || late.is_zero(),
            "allowed {late:?} after the bound: {it:?}"
        );
    }
}

/// The 99th of a hundred times, of each server.
fn p99(seen: &[Seen], rate: f64, acknowledged: &[Instant]) -> [Duration; 2] {
    [0, 1].map(|server| {
        let times = enforced(seen, acknowledged, server);
        let of = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
        eprintln!(
            "server {server}, {REVOKED} revocations, {rate:.0} checks a second: enforced after {:.1?} (p50), {:.1?} (p99), {:.1?} (most)",
            of(50), of(99), of(100)
        );
        of(99)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_is_revoked_passes_while_checks_flow() {
    let cluster = Cluster::start(Fsync::Never).await;
    let (seen, rate, acknowledged) = revoke_all(&cluster, SLOW).await;
    judge(&seen, &acknowledged);
    p99(&seen, rate, &acknowledged);
}

/// How long that takes is a figure of an optimised server on a machine that does nothing else.
#[ignore = "measures; run it alone: cargo test --release --test it cluster::revoking -- --ignored --nocapture"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_is_enforced_by_both_in_a_moment_while_2000_checks_a_second_flow() {
    let cluster = Cluster::start(Fsync::Never).await;
    let (seen, rate, acknowledged) = revoke_all(&cluster, FULL).await;
    judge(&seen, &acknowledged);
    let p99 = p99(&seen, rate, &acknowledged);
    assert!(
        rate >= NEARLY * f64::from(FULL),
        "this machine is too busy: {rate:.0} of {FULL} checks a second"
    );
    assert!(
        p99.iter().all(|time| *time < ENOUGH),
        "p99 of the servers: {p99:?}"
    );
}
