//! An agent, as the scenes need one: the client of the official MCP SDK, told step by step what to do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Value, json};

use super::Got;
use crate::scene::{Came, Scene, Step, Talk};
use crate::{tools, up};

/// The official SDK, of the revisions 2024-11-05 to 2026-07-28.
const SDK: &str = "mcp==2.3.0";
const PROGRAM: &str = include_str!("agent.py");
/// The MCP server, as agents know it.
const HOST: &str = "mcp.example.com";
const PATH: &str = "/crm";

/// A Python that has the SDK; fetched if it is not there yet.
pub(super) fn python() -> anyhow::Result<PathBuf> {
    tools::python_with(&[SDK]).map_err(|cause| anyhow!(cause))
}

/// The process that all agents live in; one for all, because the SDK takes a second to start.
pub(super) struct Agents {
    child: Child,
    told: ChildStdin,
    tells: BufReader<ChildStdout>,
}

impl Agents {
    pub(super) fn start(python: &PathBuf) -> anyhow::Result<Self> {
        let mut child = Command::new(python)
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", python.display()))?;
        let told = child.stdin.take().context("a child without input")?;
        let tells = child.stdout.take().context("a child without output")?;
        Ok(Self {
            child,
            told,
            tells: BufReader::new(tells),
        })
    }

    /// Does what a scene's agent does, in the conversation that it has with this token, or in a new one.
    pub(super) fn act(&mut self, scene: &Scene, step: &Step, token: &str) -> anyhow::Result<Got> {
        let (what, tool, arguments) = match step {
            Step::Connect => ("connect", None, Value::Null),
            Step::List => ("list", None, Value::Null),
            Step::Call(tool, arguments) => ("call", Some(tool), serde_json::from_str(arguments)?),
            Step::Accept => ("accept", None, Value::Null),
            Step::Decline => ("decline", None, Value::Null),
        };
        let Scene {
            token: who, talk, ..
        } = scene;
        let said = json!({
            "as": format!("{who:?}, {talk:?}"), "url": format!("http://{}{PATH}", up::ENVOY), "host": HOST, "token": token,
            "mode": mode(*talk), "asks": asks(*talk), "do": what, "tool": tool, "arguments": arguments,
        });
        writeln!(self.told, "{said}")?;
        let mut line = String::new();
        self.tells.read_line(&mut line)?;
        if line.is_empty() {
            bail!("the agents' process has ended: {}", self.child.wait()?);
        }
        got(&serde_json::from_str(&line)?)
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        // It has nothing to lose: countersign and the MCP server keep no session.
        if let Err(cause) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("cannot end the agents' process: {cause}");
        }
    }
}

/// How the SDK calls it.
const fn mode(talk: Talk) -> &'static str {
    match talk {
        Talk::Sessions => "legacy",
        Talk::Newest | Talk::Asking => "auto",
    }
}

/// Whether it can send its person to a URL.
const fn asks(talk: Talk) -> bool {
    match talk {
        Talk::Sessions | Talk::Asking => true,
        Talk::Newest => false,
    }
}

/// What the SDK reported.
fn got(line: &Value) -> anyhow::Result<Got> {
    let (came, body) = if let Some(text) = line.get("ok") {
        (Came::Result, json!({ "text": text }))
    } else if let Some(asked) = line.get("asked") {
        (Came::Question, json!({ "text": asked.get("url") }))
    } else if let Some(error) = line.get("error") {
        let code = error.get("code").and_then(Value::as_i64);
        let data = error.get("data").cloned().unwrap_or_default();
        (Came::Error(code.context("an error without a code")?), data)
    } else {
        bail!("the agent gets no answer that it understands: {line}");
    };
    Ok(Got {
        came,
        headers: reqwest::header::HeaderMap::new(),
        body,
        took: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_errors_of_the_sdk_are_told_apart_and_anything_else_is_a_failure() {
        let result = got(&json!({ "ok": "listed" })).unwrap();
        assert!(matches!(result.came, Came::Result));
        let asked = got(&json!({ "asked": { "message": "go there", "url": "https://here" } }));
        let asked = asked.unwrap();
        assert!(matches!(asked.came, Came::Question));
        assert_eq!(asked.body, json!({ "text": "https://here" }));
        let data = json!({ "reason": "not_permitted" });
        let error = got(&json!({ "error": { "code": 40301, "message": "no", "data": data } }));
        let error = error.unwrap();
        assert!(matches!(error.came, Came::Error(40301)));
        assert_eq!(error.body, data);
        assert!(got(&json!({ "broken": "ReadTimeout" })).is_err());
    }
}
