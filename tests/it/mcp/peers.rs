//! The official MCP SDK as both peers, each in a Python process of its own: a server that tells what reached it, and a client that
//! does what it is told.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{SOON, eventually, tools};

/// The official SDK, of the revisions 2024-11-05 to 2026-07-28.
const SDK: &str = "mcp==2.3.0";
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp/server.py");
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp/client.py");

/// A Python that has the SDK.
pub(super) fn python() -> PathBuf {
    tools::python_with(&[SDK]).unwrap_or_else(|error| panic!("{error}"))
}

/// A request as it reached the MCP server, or as the client sent it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Seen {
    fn of(told: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let headers = told["headers"].as_array().into_iter().flatten();
        Self {
            method: text(&told["method"]),
            path: text(&told["path"]),
            headers: headers
                .map(|pair| (text(&pair[0]), text(&pair[1])))
                .collect(),
            body: STANDARD.decode(text(&told["body"])).unwrap(),
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The JSON-RPC method; empty without a message.
    pub(super) fn message(&self) -> String {
        let message: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        message["method"].as_str().unwrap_or_default().to_owned()
    }
}

/// How the server keeps its clients apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Style {
    /// By session ids, with answers as server-sent events.
    Sessions,
    /// Not at all, with answers as JSON.
    Single,
}

/// An MCP server that listens until the tests end.
pub(super) struct ToolServer {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// The server ends when this closes.
    _alive: ChildStdin,
}

impl ToolServer {
    pub(super) fn start(style: Style) -> Self {
        let style = match style {
            Style::Sessions => "sessions",
            Style::Single => "single",
        };
        let mut child = Command::new(python())
            .args([SERVER, style])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let alive = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let port = told.next().expect("the server's port")["port"].clone();
        let port = u16::try_from(port.as_u64().unwrap()).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&seen);
        thread::spawn(move || {
            for told in told {
                into.lock().unwrap().push(Seen::of(&told));
            }
            drop(child.wait());
        });
        Self {
            address: ([127, 0, 0, 1], port).into(),
            seen,
            _alive: alive,
        }
    }

    /// Every request that has reached it and that a test looks for.
    pub(super) fn seen(&self, wanted: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| wanted(seen)).cloned().collect()
    }

    /// The first such request, which may take a moment.
    pub(super) fn await_seen(&self, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
        eventually(SOON, what, || self.seen(&wanted).into_iter().next())
    }
}

/// A client in a conversation with a server.
pub(super) struct Agent {
    child: Child,
    asked: Option<ChildStdin>,
    told: BufReader<ChildStdout>,
}

/// What came of one thing that the client did.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    told: Value,
    pub(super) sent: Vec<Seen>,
}

impl Outcome {
    /// What the server answered; panics if it did not.
    pub(super) fn ok(&self) -> &Value {
        let ok = self.told.get("ok");
        ok.unwrap_or_else(|| panic!("failed: {}", self.told))
    }

    /// Whether a person is asked to go somewhere.
    pub(super) fn is_asked(&self) -> bool {
        self.told.get("asked").is_some()
    }

    /// Where a person is asked to go; panics if nobody is.
    pub(super) fn asked(&self) -> &Value {
        let asked = self.told.get("asked");
        asked.unwrap_or_else(|| panic!("nobody is asked: {}", self.told))
    }

    /// The SDK's own error, as code, message and data.
    pub(super) fn error(&self) -> &Value {
        let error = &self.told["error"];
        assert!(
            error["code"].is_i64(),
            "no error of the SDK's: {}",
            self.told
        );
        error
    }

    /// Whether anything went wrong.
    pub(super) fn is_error(&self) -> bool {
        self.told.get("error").is_some()
    }
}

impl Agent {
    /// Connects. `mode` is `legacy` (sessions, 2025-11-25), `auto`, or the revision 2026-07-28.
    pub(super) fn connect(at: SocketAddr, path: &str, mode: &str, token: &str) -> (Self, Outcome) {
        Self::connect_as(at, path, (mode, false), token)
    }

    /// The same for a client that sends people to a URL when it is asked to, or not.
    pub(super) fn connect_as(
        at: SocketAddr,
        path: &str,
        (mode, asks): (&str, bool),
        token: &str,
    ) -> (Self, Outcome) {
        let mut child = Command::new(python())
            .arg(CLIENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let asked = child.stdin.take();
        let told = BufReader::new(child.stdout.take().unwrap());
        let mut agent = Self { child, asked, told };
        let to = json!({ "url": format!("http://{at}{path}"), "host": super::HOST, "mode": mode, "token": token, "asks": asks });
        let outcome = agent.does(&to);
        (agent, outcome)
    }

    /// Says what the person does who is asked to go somewhere.
    pub(super) fn person(&mut self, action: &str) -> Outcome {
        writeln!(self.asked.as_mut().unwrap(), "{action}").unwrap();
        self.outcome()
    }

    /// Does one thing.
    pub(super) fn does(&mut self, what: &Value) -> Outcome {
        writeln!(self.asked.as_mut().unwrap(), "{what}").unwrap();
        self.outcome()
    }

    /// Calls a tool.
    pub(super) fn calls(&mut self, tool: &str, arguments: &Value) -> Outcome {
        self.does(&json!({ "do": "call", "tool": tool, "arguments": arguments }))
    }

    /// Ends the conversation.
    pub(super) fn closes(mut self) -> Outcome {
        drop(self.asked.take());
        self.outcome()
    }

    fn outcome(&mut self) -> Outcome {
        let mut line = String::new();
        self.told.read_line(&mut line).unwrap();
        let told: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: `{line}`"));
        let sent = told["sent"].as_array().unwrap();
        Outcome {
            sent: sent.iter().map(Seen::of).collect(),
            told,
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
