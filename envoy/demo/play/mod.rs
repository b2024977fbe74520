//! `cargo demo play`: sends every scene through Envoy and compares what came with what was expected.

mod agent;
mod compare;
mod send;
mod table;

use std::process::ExitCode;

use anyhow::Context as _;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::scene::{Asks, Came, Scene, Step, Token};
use crate::scenes::SCENES;
use crate::up::{self, Demo};
use crate::{certs, client, token};
use agent::Agents;
use send::{Doors, Parts};

/// What the client got.
struct Got {
    came: Came,
    headers: HeaderMap,
    /// The problem document, what the upstream says it was asked, what a tool said, or the data of the SDK's error.
    body: Value,
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
}

impl Cast {
    async fn play(&mut self) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::with_capacity(SCENES.len());
        for scene in SCENES {
            let got = match scene.asks {
                Asks::Http(request) => send::send(&self.doors, scene, Parts::of(request)?).await,
                Asks::Mcp(step) => self.act(scene, &step).await,
            };
            let got = got.with_context(|| format!("{}: {} {}", scene.id, scene.who, scene.what))?;
            rows.push(row(scene, &got));
        }
        Ok(rows)
    }

    async fn act(&mut self, scene: &Scene, step: &Step) -> anyhow::Result<Got> {
        let token = match scene.token {
            Token::Absent => String::new(),
            Token::Corp(query) => token::mint("corp", query).await?,
            Token::Ci(query) => token::mint("ci", query).await?,
        };
        // The wait for an agent blocks this thread; issuer and servers have others.
        tokio::task::block_in_place(|| self.agents.act(scene, step, &token))
    }
}

fn row(scene: &'static Scene, got: &Got) -> Row {
    let faults = compare::faults(&scene.expect, got);
    let good = faults.is_empty();
    let came = compare::summary(got.came, compare::reason(got));
    let got: Vec<String> = std::iter::once(came).chain(faults).collect();
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
                Asks::Http(request) => drop(Parts::of(request).unwrap()),
                Asks::Mcp(Step::Call(_, arguments)) => {
                    drop(serde_json::from_str::<Value>(arguments).unwrap());
                }
                Asks::Mcp(Step::Connect | Step::List) => {}
            }
        }
    }
}
