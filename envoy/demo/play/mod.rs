//! `cargo demo play`: sends every scene through Envoy and compares what came with what was expected.

mod agent;
mod compare;
mod desk;
mod leave;
mod send;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::scene::{Asks, Came, Scene, Step, Token};
use crate::scenes::SCENES;
use crate::up::{self, Demo};
use crate::{certs, client, token};
use agent::Agents;
use send::{Doors, Parts};

/// How long something may take that is to come soon, and how often it is asked for.
const SOON: Duration = Duration::from_secs(5);
const PULSE: Duration = Duration::from_millis(50);
/// What an approval's id begins with, and how many characters follow.
const APPROVAL: (&str, usize) = ("apr_", 22);

/// What the client got.
struct Got {
    came: Came,
    headers: HeaderMap,
    /// The problem document, what the upstream says it was asked, what a tool said, or the data of the SDK's error.
    body: Value,
    /// How long it took to come, where that is looked at.
    took: Option<Duration>,
}

/// One line of the table.
struct Row {
    scene: &'static Scene,
    expected: String,
    got: String,
    good: bool,
}

/// Plays all scenes; success only if each went as expected. Uses the demo that is up, or one of its own.
pub(crate) async fn run(json: bool) -> anyhow::Result<ExitCode> {
    let python = tokio::task::spawn_blocking(agent::python).await??;
    let plain = client::plain()?;
    let own = if up::is_up(&plain).await {
        None
    } else {
        eprintln!("no demo is up: bringing one up for the time …");
        Some(Demo::start().await?)
    };
    let folder = up::root().join(up::CERTS);
    let doors = Doors {
        plain,
        runner: client::workload(&folder, certs::RUNNER)?,
        vault_bot: client::workload(&folder, certs::VAULT_BOT)?,
    };
    let mut cast = Cast {
        doors,
        agents: Agents::start(&python)?,
        approval: None,
    };
    let rows = cast.play().await;
    // Waiting for children blocks.
    tokio::task::spawn_blocking(move || drop((cast, own))).await?;
    let rows = rows?;
    if json {
        println!("{}", serde_json::to_string_pretty(&table::document(&rows))?);
    } else {
        table::print(&rows);
    }
    Ok(if rows.iter().all(|row| row.good) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Everybody who plays.
struct Cast {
    doors: Doors,
    agents: Agents,
    /// The approval that was last told of.
    approval: Option<String>,
}

impl Cast {
    async fn play(&mut self) -> anyhow::Result<Vec<Row>> {
        desk::clean_up(&self.doors.plain, leave::REASON).await?;
        let mut rows = Vec::with_capacity(SCENES.len());
        for scene in SCENES {
            let row = self.scene(scene).await;
            let about = || format!("{}: {} {}", scene.id, scene.who, scene.what);
            rows.push(row.with_context(about)?);
        }
        Ok(rows)
    }

    async fn scene(&mut self, scene: &'static Scene) -> anyhow::Result<Row> {
        let end = Instant::now() + SOON;
        loop {
            let got = self.once(scene).await?;
            if let Some(id) = approval(&got.body.to_string()) {
                self.approval = Some(id);
            }
            let row = row(scene, &got);
            if row.good || !scene.soon || Instant::now() >= end {
                return Ok(row);
            }
            sleep(PULSE).await;
        }
    }

    async fn once(&mut self, scene: &Scene) -> anyhow::Result<Got> {
        match scene.asks {
            Asks::Http(request) => send::send(&self.doors, scene, Parts::of(request)?).await,
            Asks::Mcp(step) => self.act(scene, &step).await,
            Asks::Desk(request, body) => {
                let id = self.approval.as_deref().unwrap_or("{id}");
                let (request, body) = (request.replace("{id}", id), serde_json::from_str(body)?);
                desk::ask(&self.doors.plain, scene.token, &request, &body).await
            }
            Asks::Leave(owner, request) => {
                leave::leave(&self.doors, scene, owner, Parts::of(request)?).await
            }
            Asks::Return => desk::lift(&self.doors.plain, leave::REASON).await,
        }
    }

    async fn act(&mut self, scene: &Scene, step: &Step) -> anyhow::Result<Got> {
        let token = match scene.token {
            Token::Absent | Token::Operator => String::new(),
            Token::Corp(query) => token::mint("corp", query).await?,
            Token::Ci(query) => token::mint("ci", query).await?,
        };
        // The wait for an agent blocks this thread; issuer and servers have others.
        tokio::task::block_in_place(|| self.agents.act(scene, step, &token))
    }
}

/// The id of the first approval that a text names.
fn approval(text: &str) -> Option<String> {
    let (start, length) = APPROVAL;
    let (_, rest) = text.split_once(start)?;
    let id: String = rest.chars().take(length).collect();
    (id.len() == length).then(|| format!("{start}{id}"))
}

fn row(scene: &'static Scene, got: &Got) -> Row {
    let faults = compare::faults(&scene.expect, got);
    let good = faults.is_empty();
    let came = compare::summary(got.came, compare::reason(got));
    let took = got
        .took
        .map(|took| format!("after {} ms", took.as_millis()));
    let got: Vec<String> = std::iter::once(came).chain(took).chain(faults).collect();
    Row {
        scene,
        expected: compare::expected(&scene.expect),
        got: got.join("; "),
        good,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_can_be_sent() {
        for scene in SCENES {
            match scene.asks {
                Asks::Http(request) | Asks::Leave(_, request) => {
                    assert!(Parts::of(request).is_ok(), "{request}");
                }
                Asks::Mcp(Step::Call(_, arguments)) => {
                    drop(serde_json::from_str::<Value>(arguments).unwrap());
                }
                Asks::Desk(request, body) => {
                    assert!(request.contains(" /"), "{request}");
                    drop(serde_json::from_str::<Value>(body).unwrap());
                }
                Asks::Mcp(Step::Connect | Step::List | Step::Accept | Step::Decline)
                | Asks::Return => {}
            }
        }
    }

    #[test]
    fn an_approval_is_found_by_its_id() {
        let id = "apr_0123456789abcdefghijkl";
        let text = format!("it waits at http://here/approvals/{id}, until");
        assert_eq!(approval(&text).as_deref(), Some(id));
        assert_eq!(approval("apr_0123"), None);
    }
}
