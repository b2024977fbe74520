//! Ten thousand retries of single-use approvals over two servers: as many pass as were approved while nothing dies, and never
//! more when one of the servers does.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::{Request, Status};

use super::stage::{Cluster, PENDING, waited_for};
use crate::harness::valkey::Fsync;
use crate::harness::{Answer, Client, eventually_async};

const APPROVALS: usize = 200;
/// For each of them, half of them at each server.
const RETRIES: usize = 50;
/// Whoever asks for approvals waits for twenty at most.
const OF_ONE: usize = 10;
/// Retries in flight together; a server takes 1024.
const IN_FLIGHT: usize = 128;
/// How long a machine that does much else may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// Something that may be done once.
struct Approved {
    id: String,
    call: CheckRequest,
}

/// How a race went.
#[derive(Default)]
struct Outcome {
    /// The approval and the key of everybody who passed.
    passed: Vec<(usize, String)>,
    /// Retries that got no answer, or a fault, and began again.
    repeated: usize,
}

/// Has so many approved, half of them at each server.
async fn approved(cluster: &Cluster) -> Arc<Vec<Approved>> {
    let mut all = Vec::new();
    for number in 0..APPROVALS {
        let who = format!("opener-{}", number / OF_ONE);
        let call = cluster.open(&who, &format!("vault-{number}"));
        let at = number % 2;
        let id = waited_for(&cluster.clients[at].check(&call).await);
        cluster.approve(at, &id);
        all.push(Approved {
            id,
            call: call.request(),
        });
    }
    Arc::new(all)
}

/// Who answers, at the moment.
type Desks = Arc<Mutex<Vec<Client>>>;

struct Race {
    desks: Desks,
    answered: Arc<AtomicUsize>,
    racers: JoinSet<(usize, Option<String>, usize)>,
}

impl Race {
    /// Everybody sets off.
    fn begin(cluster: &Cluster, approved: &Arc<Vec<Approved>>) -> Self {
        let desks = Arc::new(Mutex::new(cluster.clients.clone()));
        let answered = Arc::<AtomicUsize>::default();
        let gate = Arc::new(Semaphore::new(IN_FLIGHT));
        let mut racers = JoinSet::new();
        for racer in 0..APPROVALS * RETRIES {
            let (desks, answered) = (Arc::clone(&desks), Arc::clone(&answered));
            let (gate, approved) = (Arc::clone(&gate), Arc::clone(approved));
            racers.spawn(async move {
                let _permit = gate.acquire().await.unwrap();
                let number = racer / RETRIES;
                let (key, repeated) = retry(&desks, racer % 2, &approved[number].call).await;
                answered.fetch_add(1, Ordering::Relaxed);
                (number, key, repeated)
            });
        }
        Self {
            desks,
            answered,
            racers,
        }
    }

    async fn end(mut self) -> Outcome {
        let mut outcome = Outcome::default();
        while let Some(racer) = self.racers.join_next().await {
            let (number, key, repeated) = racer.unwrap();
            outcome.passed.extend(key.map(|key| (number, key)));
            outcome.repeated += repeated;
        }
        outcome
    }
}

/// Asks with a deadline that a busy machine keeps: a use whose deadline passes is burned.
async fn send(client: &Client, call: &CheckRequest) -> Result<Answer, Status> {
    let mut request = Request::new(call.clone());
    let deadline = "60S".parse().unwrap();
    request.metadata_mut().insert("grpc-timeout", deadline);
    let mut checks = AuthorizationClient::new(client.channel.clone());
    Ok(Answer(checks.check(request).await?.into_inner()))
}

/// Asks one server until it says yes or that another approval is waited for; the key if it was a yes, and how often it was neither.
async fn retry(desks: &Desks, at: usize, call: &CheckRequest) -> (Option<String>, usize) {
    let end = Instant::now() + PATIENCE;
    let mut repeated = 0;
    loop {
        let client = desks.lock().unwrap()[at].clone();
        let said = match send(&client, call).await {
            Ok(answer) if answer.allows() => return (answer.sets("idempotency-key"), repeated),
            Ok(answer) if answer.outcome() == PENDING => return (None, repeated),
            Ok(answer) => answer.outcome(),
            Err(status) => status.to_string(),
        };
        assert!(Instant::now() < end, "{said}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        repeated += 1;
    }
}

/// Whoever passed had an approval, and nobody had the same.
fn each_once(outcome: &Outcome, approved: &[Approved]) {
    for (number, key) in &outcome.passed {
        assert_eq!(*key, approved[*number].id, "the key of another approval");
    }
    let keys: BTreeSet<_> = outcome.passed.iter().map(|(_, key)| key).collect();
    assert_eq!(
        keys.len(),
        outcome.passed.len(),
        "one approval let two pass"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_retries_pass_as_often_as_was_approved() {
    let cluster = Cluster::patient(Fsync::Never).await;
    cluster.serves("warm").await;
    let approved = approved(&cluster).await;
    let began = Instant::now();
    let outcome = Race::begin(&cluster, &approved).end().await;
    let took = began.elapsed();
    each_once(&outcome, &approved);
    assert_eq!(
        outcome.repeated, 0,
        "somebody got a fault, so uses may be burned"
    );
    assert_eq!(outcome.passed.len(), APPROVALS);
    eprintln!(
        "{} retries in {took:.1?}: {APPROVALS} passed of {APPROVALS} approved",
        APPROVALS * RETRIES
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_lets_nobody_pass_twice() {
    let mut cluster = Cluster::patient(Fsync::Never).await;
    cluster.serves("warm").await;
    let approved = approved(&cluster).await;
    let race = Race::begin(&cluster, &approved);
    let some = APPROVALS * RETRIES / 3;
    eventually_async(PATIENCE, "some have answers", async || {
        (race.answered.load(Ordering::Relaxed) >= some).then_some(())
    })
    .await;
    cluster.servers[1].signal("KILL");
    cluster.restart(1, "two").await;
    let (desks, answered) = (Arc::clone(&race.desks), Arc::clone(&race.answered));
    desks.lock().unwrap()[1] = cluster.clients[1].clone();
    assert!(
        answered.load(Ordering::Relaxed) < APPROVALS * RETRIES,
        "it was killed too late"
    );
    let outcome = race.end().await;
    each_once(&outcome, &approved);
    assert!(outcome.repeated > 0, "nobody has noticed");
    for one in approved.iter() {
        let found = cluster.approval(1, &one.id);
        let end = (&found["status"], &found["uses_left"]);
        assert_eq!(end, (&json!("consumed"), &json!(0)), "{found}");
    }
    let passed = outcome.passed.len();
    let burned = APPROVALS - passed;
    eprintln!(
        "{passed} passed of {APPROVALS} approved, {burned} were burned; {} answers did not come",
        outcome.repeated
    );
    // What was in flight at the moment of the kill is all that can be lost.
    assert!(passed > APPROVALS / 2, "{burned} were burned");
    cluster.serves("afterwards").await;
}
