//! Many who ask at once.

use std::collections::BTreeMap;
use std::time::Duration;

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use tokio::task::JoinSet;
use tonic::Request;

use super::asking::outcome;
use super::question::Crowd;
use super::world::World;
use crate::harness::{Answer, Client};

/// Longer than anything may take: whoever is not answered then is not answered.
const PATIENCE: Duration = Duration::from_mins(10);
/// Connections of a crowd to each server, as an Envoy with many workers has.
const CONNECTIONS: usize = 8;

/// How a crowd ended that ended as it may.
pub(super) const AS_IT_MAY: &str = "as it may";

impl World {
    /// Many at once, over every server and all of its connections in turn.
    pub(super) async fn crowd(&self, crowd: &Crowd) -> String {
        let mut clients = Vec::new();
        for server in self
            .servers
            .iter()
            .cycle()
            .take(CONNECTIONS * self.servers.len())
        {
            clients.push(server.client().await);
        }
        let mut asks = Vec::new();
        for each in &crowd.each {
            asks.push(self.request(&each.ask).await.request());
        }
        let mut tasks = JoinSet::new();
        for number in 0..crowd.size {
            let client = clients[number % clients.len()].clone();
            let ask = asks[number % asks.len()].clone();
            tasks.spawn(async move { (number, patient(&client, ask).await) });
        }
        let mut ended: BTreeMap<(usize, String), usize> = BTreeMap::new();
        while let Some(done) = tasks.join_next().await {
            let (number, outcome) = done.unwrap();
            *ended.entry((number % asks.len(), outcome)).or_default() += 1;
        }
        self.judged(crowd, &ended)
    }

    fn judged(&self, crowd: &Crowd, ended: &BTreeMap<(usize, String), usize>) -> String {
        let wrong = ended
            .keys()
            .any(|(kind, outcome)| !crowd.each[*kind].may.contains(outcome));
        let allowed = ended.iter().filter(|((_, outcome), _)| outcome == "allow");
        let allowed: usize = allowed.map(|(_, count)| count).sum();
        let (least, most) = crowd.passes.unwrap_or((0, crowd.size));
        if wrong || !(least..=most).contains(&allowed) {
            return format!("{allowed} passed: {ended:?}");
        }
        for server in &self.servers {
            let used = mebibytes(server.pid());
            if crowd.memory.is_some_and(|bound| used > bound) {
                return format!("{used} MiB of memory");
            }
        }
        AS_IT_MAY.to_owned()
    }
}

/// The most memory that a process has had.
fn mebibytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().strip_suffix(" kB").unwrap();
    number.parse::<u64>().unwrap() / 1024
}

/// Asks with all the time there is: somebody who is not answered is a failure, whatever came in between.
async fn patient(client: &Client, ask: CheckRequest) -> String {
    let mut checks = AuthorizationClient::new(client.channel.clone());
    let mut request = Request::new(ask);
    let metadata = request.metadata_mut();
    metadata.insert("grpc-timeout", "599S".parse().unwrap());
    match tokio::time::timeout(PATIENCE, checks.check(request)).await {
        Ok(Ok(answer)) => outcome(&Answer(answer.into_inner())),
        Ok(Err(status)) => format!("no answer: {}", status.message()),
        Err(_elapsed) => "no answer".to_owned(),
    }
}
