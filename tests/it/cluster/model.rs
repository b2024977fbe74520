//! What a store that works would say, and everybody who asks while it does not: whatever passes is held against it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::flow::{End, Seen};
use super::stage::{Cluster, PENDING, until, waited_for};
use crate::harness::{Answer, Ask, Client};

/// How old the knowledge of a server may be that decides about something critical (`store.staleness.critical`).
pub(super) const BOUND: Duration = Duration::from_secs(1);
/// How long each of those waits who ask all the time.
const PAUSE: Duration = Duration::from_millis(10);
/// Retries of one approval together.
const RETRIES: usize = 8;

/// Everything that was acknowledged, and everything that was seen.
pub(super) struct Model {
    pub(super) cluster: Cluster,
    callers: Arc<Mutex<Vec<CheckRequest>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// By caller: which server said that they are out, if it has to know at once, and when that had been read.
    out: BTreeMap<usize, (Option<usize>, Instant)>,
    /// What each approval that a keeper has given is for.
    approved: BTreeMap<String, String>,
    /// What each use that was let through is of.
    used: Vec<String>,
    stop: Arc<AtomicBool>,
    asking: Vec<JoinHandle<()>>,
    made: usize,
}

impl Model {
    /// Nothing is known, and everybody who will be known is asked about at every server from now on.
    pub(super) fn of(cluster: Cluster) -> Self {
        let (callers, seen) = (Arc::<Mutex<_>>::default(), Arc::<Mutex<_>>::default());
        let stop = Arc::<AtomicBool>::default();
        let asking = cluster
            .clients
            .iter()
            .cloned()
            .enumerate()
            .map(|(server, client)| {
                let (callers, seen) = (Arc::clone(&callers), Arc::clone(&seen));
                tokio::spawn(ask_all(server, client, callers, seen, Arc::clone(&stop)))
            });
        let asking = asking.collect();
        Self {
            callers,
            seen,
            stop,
            asking,
            cluster,
            out: BTreeMap::new(),
            approved: BTreeMap::new(),
            used: Vec::new(),
            made: 0,
        }
    }

    /// A name that nobody has had.
    pub(super) fn name(&mut self, what: &str) -> String {
        self.made += 1;
        format!("{what}-{}", self.made)
    }

    /// Somebody who is let through everywhere, and their number.
    pub(super) async fn caller(&mut self) -> (usize, String) {
        let name = self.name("caller");
        let call = self.cluster.look(&name);
        (self.watch(&call).await, name)
    }

    /// Somebody who would be let through if anything could be decided.
    pub(super) fn caller_to_be(&mut self) -> (usize, String) {
        let name = self.name("caller");
        let call = self.cluster.look(&name).request();
        let mut callers = self.callers.lock().unwrap();
        callers.push(call);
        (callers.len() - 1, name)
    }

    /// A call that nothing stands against, and that is made all the time from now on.
    pub(super) async fn watch(&mut self, call: &Ask) -> usize {
        for client in &self.cluster.clients {
            until(client, call, "allow").await;
        }
        let mut callers = self.callers.lock().unwrap();
        callers.push(call.request());
        callers.len() - 1
    }

    /// Revokes somebody at one of the servers; whether that was acknowledged.
    pub(super) fn revoke(&mut self, (who, name): &(usize, String), by: usize) -> bool {
        let body = json!({ "kind": "subject", "issuer": "corp", "value": name });
        self.say((*who, Some(by)), by, "POST /revocations", &body)
    }

    /// Says that there is no fire, without which this caller may not pass; whether that was acknowledged. It is read from the store
    /// by everybody.
    pub(super) fn clear(&mut self, who: usize, by: usize) -> bool {
        let body = json!({ "reason": "no smoke" });
        self.say((who, None), by, "DELETE /conditions/fire", &body)
    }

    fn say(
        &mut self,
        (who, knows): (usize, Option<usize>),
        by: usize,
        line: &str,
        body: &Value,
    ) -> bool {
        let (status, said) = self.cluster.operator(by, line, body);
        let read = Instant::now();
        assert!(status == 200 || status == 503, "{status} {said}");
        if status == 200 {
            self.out.entry(who).or_insert((knows, read));
        }
        status == 200
    }

    /// Has something approved, and says for which vault.
    pub(super) async fn approved(&mut self, at: usize) -> String {
        let vault = self.name("vault");
        let ask = self.opening(&vault);
        let waiting = until(&self.cluster.clients[at], &ask, PENDING).await;
        self.approve(at, &waiting, &vault);
        vault
    }

    fn approve(&mut self, at: usize, waiting: &Answer, vault: &str) -> String {
        let id = waited_for(waiting);
        self.approved.insert(id.clone(), vault.to_owned());
        self.cluster.approve(at, &id);
        id
    }

    /// One requester for each: nobody waits for so many that there is no room for another.
    pub(super) fn opening(&self, vault: &str) -> Ask {
        self.cluster.open(&format!("opener-of-{vault}"), vault)
    }

    /// Many try to open a vault, at all servers at once; how many of them pass. None does who should not.
    pub(super) async fn rush(&mut self, vault: &str) -> usize {
        let ask = self.opening(vault);
        let rushing = self
            .cluster
            .clients
            .iter()
            .cycle()
            .take(RETRIES)
            .map(|client| {
                let (client, ask) = (client.clone(), ask.clone());
                tokio::spawn(async move { client.check(&ask).await })
            });
        let rushing: Vec<_> = rushing.collect();
        let before = self.used.len();
        for one in rushing {
            self.judge(vault, &one.await.unwrap());
        }
        self.used.len() - before
    }

    /// Tries at one server until the answer is this one.
    pub(super) async fn opens(&mut self, vault: &str, at: usize, expected: &str) -> Answer {
        let ask = self.opening(vault);
        let answer = until(&self.cluster.clients[at], &ask, expected).await;
        self.judge(vault, &answer);
        answer
    }

    /// Whoever passes has an approval for it that nobody has used.
    fn judge(&mut self, vault: &str, answer: &Answer) {
        if !answer.allows() {
            return;
        }
        let key = answer.sets("idempotency-key").expect("a key");
        let of = self.approved.get(&key).map(String::as_str);
        assert_eq!(
            of,
            Some(vault),
            "allowed by an approval that nobody has given for it"
        );
        assert!(!self.used.contains(&key), "{vault}: {key} is used twice");
        self.used.push(key);
    }

    /// Service is as it was, at every server: new approvals are opened, given, and used once, whoever is out stays out, and others
    /// pass.
    pub(super) async fn serves(&mut self) {
        for at in 0..self.cluster.clients.len() {
            let vault = self.approved(at).await;
            self.opens(&vault, at, "allow").await;
            self.opens(&vault, 1 - at, PENDING).await;
            self.caller().await;
        }
        for who in self.out.keys() {
            let call = self.callers.lock().unwrap()[*who].clone();
            for client in &self.cluster.clients {
                let answer = client.send(call.clone()).await;
                assert_eq!(End::of(&answer), End::Refused, "caller {who}: {answer:?}");
            }
        }
    }

    /// Nobody has passed who was out, as far as every server had to know.
    pub(super) async fn end(self) -> Cluster {
        self.stop.store(true, Ordering::Relaxed);
        for asking in self.asking {
            asking.await.unwrap();
        }
        let seen = self.seen.lock().unwrap();
        let count = |end| seen.iter().filter(|it| it.end == end).count();
        let [allowed, refused, faults] = [End::Allowed, End::Refused, End::Fault].map(count);
        eprintln!("{allowed} allowed, {refused} refused, {faults} faults");
        assert!(allowed > 0 && refused > 0, "there is nothing to judge");
        for it in seen.iter().filter(|it| it.end == End::Allowed) {
            let Some((knows, at)) = self.out.get(&it.who) else {
                continue;
            };
            let bound = if *knows == Some(it.server) {
                Duration::ZERO
            } else {
                BOUND
            };
            let late = it.asked.saturating_duration_since(*at + bound);
            assert!(late.is_zero(), "allowed {late:?} after the bound: {it:?}");
        }
        drop(seen);
        self.cluster
    }
}

/// Asks for everybody in turn.
async fn ask_all(
    server: usize,
    client: Client,
    callers: Arc<Mutex<Vec<CheckRequest>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
) {
    while !stop.load(Ordering::Relaxed) {
        let all = callers.lock().unwrap().clone();
        for (who, call) in all.into_iter().enumerate() {
            let asked = Instant::now();
            let end = End::of(&client.send(call).await);
            seen.lock().unwrap().push(Seen {
                who,
                server,
                asked,
                answered: Instant::now(),
                end,
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
