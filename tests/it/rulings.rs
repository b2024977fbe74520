//! Rulings that are looked up: never those of a policy that is gone, and never past a revocation, whatever goes on meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use countersign::app::offline_snapshot;
use countersign::audit::Audit;
use countersign::authorizer::{Authorizer, Live, ShadowQueue, Sightings, Snapshot};
use countersign::config::{Overrides, load};
use countersign::ext_authz::{access_request, now};
use countersign::model::revocation::{Revocation, Target};
use countersign::model::time::Timestamp;
use countersign::telemetry::Metrics;
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::harness::{Ask, PAYMENTS, SOON, Setup, eventually};

const POLICY: &str = "policies/payments.yaml";
/// The permit of the sample, and what an edit makes of it.
const TEAM: &str = "group: payments }";
const OTHERS: &str = "group: auditors }";
/// Those who ask at the same time; there is another person in every round.
const ASKING: usize = 3;
const ROUNDS: u64 = 8;
/// Answers in each state of things: more than an action is weighed with, so that it is looked up before the next one.
const ANSWERS: u64 = 120;

/// What is asked of, and what changes under those who ask.
struct World {
    authorizer: Authorizer,
    snapshot: Arc<ArcSwap<Snapshot>>,
    live: Live,
    /// Whose requests are sent.
    round: AtomicUsize,
    /// Whether the policy in force, and what is revoked, refuse them.
    closed: AtomicBool,
    answers: AtomicU64,
    wrong: AtomicU64,
    requests: Vec<CheckRequest>,
}

/// A configuration in which rules compute a lot about a payment.
fn busy() -> Setup {
    let setup = Setup::new();
    let guards = (0..12).map(|number| {
        let must = format!(
            "subject.id.size() > {number} - 20 && request.method != 'M{number}' && ['a', 'b'].all(x, x != 'c{number}')"
        );
        format!("  - {{ id: busy-{number}, guard: payments.list, must: \"{must}\" }}\n")
    });
    let rules = format!("rules:\n{}", guards.collect::<String>());
    setup.edit(POLICY, "rules:\n", &rules);
    setup
}

fn snapshot(setup: &Setup, live: &Live) -> Snapshot {
    let bundle = load(&setup.path("countersign.yaml"), &Overrides::default());
    let mut snapshot = offline_snapshot(bundle.unwrap(), now(), true).unwrap();
    // As a server has it: one memory for all that it loads.
    snapshot.rulings = live.rulings.rulings(&snapshot.policy);
    snapshot.live = live.clone();
    snapshot
}

impl World {
    fn new(setup: &Setup, runtime: &Runtime) -> Self {
        let bundle = load(&setup.path("countersign.yaml"), &Overrides::default()).unwrap();
        let live = Live::none();
        let metrics = Metrics::new("test", now()).unwrap();
        let (audit, writer) = Audit::open(&bundle.audit, metrics.clone()).unwrap();
        runtime.spawn(writer.run(CancellationToken::new(), Duration::ZERO));
        let (queue, worker) = ShadowQueue::new(audit.clone(), metrics.clone());
        runtime.spawn(worker.run(std::future::pending()));
        let snapshot = Arc::new(ArcSwap::from_pointee(snapshot(setup, &live)));
        let requests = (0..ROUNDS).map(|round| {
            let token = setup.corp.token(&person(round)).audience(PAYMENTS);
            let token = token.groups(&["payments"]).scope("payments:read");
            Ask::payments("/v1/payments")
                .bearer(&token.sign())
                .request()
        });
        Self {
            authorizer: Authorizer::new(
                Arc::clone(&snapshot),
                audit,
                metrics,
                queue,
                Sightings::default(),
            ),
            snapshot,
            live,
            round: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            answers: AtomicU64::new(0),
            wrong: AtomicU64::new(0),
            requests: requests.collect(),
        }
    }

    /// Asks until the last round is over. Whoever began to ask when it was closed already, and passes, is wrong.
    fn ask(&self) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        while let Some(check) = self.requests.get(self.round.load(Ordering::SeqCst)) {
            let closed = self.closed.load(Ordering::SeqCst);
            let round = self.round.load(Ordering::SeqCst);
            let request = access_request(check, now()).unwrap();
            let arrival = Instant::now();
            let until = arrival + SOON;
            let decision = runtime.block_on(self.authorizer.decide(&request, arrival, until));
            let passed = decision.verdict.as_str() == "allow";
            // Nothing changed while it was asked.
            let same = self.closed.load(Ordering::SeqCst) == closed
                && self.round.load(Ordering::SeqCst) == round;
            let wrong = (closed && passed && same) || decision.verdict.as_str() == "fault";
            self.wrong.fetch_add(u64::from(wrong), Ordering::SeqCst);
            self.answers.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Waits until some more were answered.
    fn answered(&self) {
        let before = self.answers.load(Ordering::SeqCst);
        eventually(SOON, "answers", || {
            let since = self.answers.load(Ordering::SeqCst) - before;
            (since >= ANSWERS).then_some(())
        });
    }
}

fn person(round: u64) -> String {
    format!("alice-{round}")
}

fn revoked(sub: &str) -> Arc<Revocation> {
    Arc::new(Revocation {
        target: Target::parse("subject", Some("corp"), sub).unwrap(),
        not_before: None,
        blocked: Some(Timestamp::from_seconds(1)),
        lifted: None,
        expires: None,
        reason: Arc::from(""),
        by: Arc::from("a test"),
        at: Timestamp::from_seconds(1),
    })
}

/// In every round: everybody asks and passes, then a reload closes the action, then another opens it, then who asks is revoked.
#[test]
fn nobody_passes_on_a_ruling_from_before_a_reload_or_a_revocation() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (open, shut) = (busy(), busy());
    shut.edit(POLICY, TEAM, OTHERS);
    for issuer in ["corp.jwks.json", "ci.jwks.json"] {
        shut.write(issuer, &open.read(issuer));
    }
    let world = World::new(&open, &runtime);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..ASKING).map(|_| scope.spawn(|| world.ask())).collect();
        for round in 0..ROUNDS {
            world.answered();
            world.snapshot.store(Arc::new(snapshot(&shut, &world.live)));
            world.closed.store(true, Ordering::SeqCst);
            world.answered();
            world.closed.store(false, Ordering::SeqCst);
            world.snapshot.store(Arc::new(snapshot(&open, &world.live)));
            world.answered();
            world.live.revocations.apply(&[revoked(&person(round))]);
            world.closed.store(true, Ordering::SeqCst);
            world.answered();
            world.closed.store(false, Ordering::SeqCst);
            world.round.fetch_add(1, Ordering::SeqCst);
        }
        for asked in asking {
            asked.join().unwrap();
        }
    });
    assert_eq!(world.wrong.load(Ordering::SeqCst), 0);
    let status = world.live.rulings.status();
    assert!(status.hits > 100 * ROUNDS, "{status:?}");
}

/// A running server says what it chose, and how often what it looks up is found.
#[tokio::test]
async fn what_is_looked_up_is_counted() {
    let server = busy().start();
    let client = server.client().await;
    let token = server.setup.corp.token("alice").audience(PAYMENTS);
    let token = token.groups(&["payments"]).scope("payments:read").sign();
    let ask = Ask::payments("/v1/payments").bearer(&token);
    for _again in 0..100 {
        assert_eq!(client.check(&ask).await.outcome(), "allow");
    }
    let lookups = |result| {
        let series =
            format!("countersign_cache_lookups_total{{cache=\"rules\",result=\"{result}\"}}");
        server.count(&series)
    };
    // The first 33 are evaluated, to know how long that takes.
    assert_eq!((lookups("hit"), lookups("miss")), (66, 1));
    assert_eq!(
        server.count("countersign_cache_entries{cache=\"rules\"}"),
        1
    );
    let actions = |stand| {
        server.count(&format!(
            "countersign_rule_cache_actions{{rulings=\"{stand}\"}}"
        ))
    };
    assert_eq!((actions("tried"), actions("looked_up")), (1, 0));
    assert!(actions("weighed") > 0 && actions("never") > 0 && actions("needless") > 0);
}
