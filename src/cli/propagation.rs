//! How far an acknowledged change has come: which replica enforces it, and since when.
#![expect(clippy::print_stderr, reason = "this is the floor that prints")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value as Json, json};

use super::Exit;
use super::remote::Remote;
use crate::model::change::Position;
use crate::model::duration::HumanDuration;
use crate::model::time::Timestamp;
use crate::tools::shown;

/// How often replicas are asked for.
const PAUSE: Duration = Duration::from_millis(100);

/// How long to wait for replicas.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Wait {
    /// How long every replica may take to enforce it.
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    wait: HumanDuration,
}

/// How far a change has come.
#[derive(Debug)]
pub(super) struct Reached {
    acknowledged: Timestamp,
    waited: Duration,
    /// Every replica that was heard of meanwhile, and when it said that it enforces the change.
    replicas: BTreeMap<String, Option<Timestamp>>,
}

/// Waits until every replica enforces what was acknowledged, or the time is up.
pub(super) async fn wait_for(remote: &Remote, said: &Json, wait: Wait) -> Result<Reached> {
    let acknowledged = said.get("acknowledged").and_then(read);
    let (position, at) = acknowledged.context("the server's answer has no position")?;
    let started = Instant::now();
    let mut reached = Reached {
        acknowledged: at,
        waited: wait.wait.get(),
        replicas: BTreeMap::new(),
    };
    loop {
        let said = remote.get("/replicas").await?.body;
        for replica in list(&said, "replicas") {
            reached.hear(replica, &position);
        }
        if reached.is_complete() || started.elapsed() >= wait.wait.get() {
            return Ok(reached);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A text of what a server said; empty if there is none.
pub(super) fn text<'a>(said: &'a Json, name: &str) -> &'a str {
    said.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// A list of what a server said; empty if there is none.
pub(super) fn list<'a>(said: &'a Json, name: &str) -> &'a [Json] {
    let list = said.get(name).and_then(Json::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn read(json: &Json) -> Option<(Position, Timestamp)> {
    let position = Position {
        generation: Arc::from(json.get("generation")?.as_str()?),
        seq: json.get("seq")?.as_u64()?,
    };
    let at = Timestamp::parse_date_time(json.get("at")?.as_str()?)?;
    Some((position, at))
}

impl Reached {
    /// Hears how far a replica is; the first time that it is far enough counts.
    fn hear(&mut self, replica: &Json, position: &Position) {
        let (Some(name), Some((there, at))) =
            (replica.get("name").and_then(Json::as_str), read(replica))
        else {
            return;
        };
        let since = self.replicas.entry(name.to_owned()).or_default();
        if since.is_none() && there.has_seen(position) {
            *since = Some(at);
        }
    }

    /// Whether everybody who was heard of enforces it; nobody is not everybody.
    fn is_complete(&self) -> bool {
        !self.replicas.is_empty() && self.replicas.values().all(Option::is_some)
    }

    fn millis(&self, since: Timestamp) -> i64 {
        // Two clocks: one that is behind would have known before it was told.
        (since.millis() - self.acknowledged.millis()).max(0)
    }

    pub(super) fn exit(&self) -> Exit {
        if self.is_complete() {
            Exit::Ok
        } else {
            Exit::Failed
        }
    }

    pub(super) fn say(&self) {
        if self.replicas.is_empty() {
            eprintln!("error: acknowledged, and no replica says how far it is");
        }
        for (name, since) in &self.replicas {
            let name = shown(name);
            if let Some(since) = since {
                let millis = self.millis(*since);
                eprintln!(
                    "  {name} enforces it since {since} at the latest, {millis} ms after it was acknowledged"
                );
            } else {
                let waited = self.waited;
                eprintln!(
                    "error: replica {name} did not say within {waited:?} that it enforces it"
                );
            }
        }
    }

    /// The server's answer with how far it has come.
    pub(super) fn join(&self, mut said: Json) -> Json {
        let replicas = self.replicas.iter().map(|(name, since)| {
            let millis = since.map(|since| self.millis(since));
            json!({ "name": name, "since": since.map(|at| at.to_string()), "millis": millis })
        });
        let replicas: Vec<Json> = replicas.collect();
        if let Some(members) = said.as_object_mut() {
            members.insert("complete".to_owned(), json!(self.is_complete()));
            members.insert("replicas".to_owned(), json!(replicas));
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(seq: u64) -> Position {
        Position {
            generation: Arc::from("g"),
            seq,
        }
    }

    fn reached() -> Reached {
        Reached {
            acknowledged: Timestamp::from_seconds(10),
            waited: Duration::from_secs(10),
            replicas: BTreeMap::new(),
        }
    }

    fn replica(name: &str, generation: &str, seq: u64, second: i64) -> Json {
        let at = Timestamp::from_seconds(second).to_string();
        json!({ "name": name, "generation": generation, "seq": seq, "at": at })
    }

    #[test]
    fn the_first_report_that_is_far_enough_counts() {
        let mut heard = reached();
        assert!(!heard.is_complete(), "nobody is not everybody");
        heard.hear(&replica("a", "g", 7, 12), &position(7));
        heard.hear(&replica("a", "g", 9, 19), &position(7));
        heard.hear(&replica("b", "g", 6, 12), &position(7));
        assert!(!heard.is_complete());
        assert_eq!(heard.exit(), Exit::Failed);
        heard.hear(&replica("b", "other", 9, 12), &position(7));
        assert!(!heard.is_complete(), "positions of two generations");
        heard.hear(&replica("b", "g", 8, 9), &position(7));
        assert_eq!(heard.exit(), Exit::Ok);
        let millis: Vec<_> = heard
            .replicas
            .values()
            .map(|at| heard.millis(at.unwrap()))
            .collect();
        assert_eq!(millis, [2_000, 0]);
    }

    #[test]
    fn a_replica_that_vanishes_is_still_missing() {
        let mut heard = reached();
        heard.hear(&replica("a", "g", 6, 12), &position(7));
        heard.hear(&replica("b", "g", 7, 12), &position(7));
        let joined = heard.join(json!({}));
        assert_eq!(joined["complete"], json!(false));
        assert_eq!(joined["replicas"][0]["since"], Json::Null);
    }
}
