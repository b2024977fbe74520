//! An MCP server that only lists tools, in each way that the protocol has for that, and remembers what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::SOON;

/// How the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Sessions, answers in JSON.
    Json,
    /// Sessions, answers in event streams that stay open.
    Events,
    /// No sessions: revision 2026-07-28.
    Alone,
    /// A session, and then silence.
    Silent,
}

/// A thread that accepts, and one for each connection.
#[derive(Debug)]
pub(super) struct McpServer {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    token: Option<&'static str>,
    tools: Mutex<Vec<Value>>,
    asked: Mutex<Vec<String>>,
}

impl McpServer {
    /// Listens on a free port of the loopback; with `token`, nobody else is answered.
    pub(super) fn start(manner: Manner, tools: &[Value], token: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            manner,
            token,
            tools: Mutex::new(tools.to_vec()),
            asked: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        // The listener goes with the test's process; a peer that goes away in the middle is its own affair.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                thread::spawn(move || drop(state.answer(&stream)));
            }
        });
        Self { address, state }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// From now on it lists these.
    pub(super) fn list(&self, tools: &[Value]) {
        *self.state.tools.lock().unwrap() = tools.to_vec();
    }

    /// The methods that it was asked so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().clone()
    }
}

impl State {
    fn answer(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(SOON))?;
        let mut reader = BufReader::new(stream);
        loop {
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let message: Value = serde_json::from_slice(&body).unwrap_or_default();
            self.respond(stream, &head, &message)?;
        }
    }

    fn respond(&self, stream: &TcpStream, head: &str, message: &Value) -> std::io::Result<()> {
        let verb = head.split(' ').next().unwrap_or_default();
        let method = message["method"].as_str().unwrap_or(verb).to_owned();
        self.asked.lock().unwrap().push(method.clone());
        let head = head.to_ascii_lowercase();
        if let Some(token) = self.token
            && !head.contains(&format!("authorization: bearer {token}\r\n"))
        {
            return write(stream, 401, "", "");
        }
        let session = head.contains("mcp-session-id: one\r\n");
        let alone = head.contains("mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/list\r\n")
            || head.contains("mcp-method: tools/list\r\nmcp-protocol-version: 2026-07-28\r\n");
        match (method.as_str(), self.manner) {
            ("tools/list", Manner::Silent) => {
                thread::sleep(SOON);
                Ok(())
            }
            ("tools/list", Manner::Alone) if alone => self.page(stream, message),
            ("tools/list", Manner::Json | Manner::Events) if session => self.page(stream, message),
            ("initialize", Manner::Json | Manner::Events | Manner::Silent) => {
                let result = json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "crm", "version": "1" } });
                self.say(stream, message, &result, "mcp-session-id: one\r\n")
            }
            ("notifications/initialized" | "DELETE", _) if session => write(stream, 202, "", ""),
            _ => {
                let error = json!({ "jsonrpc": "2.0", "id": message["id"], "error": { "code": -32601, "message": "no such method" } });
                let json = "content-type: application/json\r\n";
                write(stream, 404, json, &error.to_string())
            }
        }
    }

    /// One tool a page.
    fn page(&self, stream: &TcpStream, message: &Value) -> std::io::Result<()> {
        let tools = self.tools.lock().unwrap().clone();
        let cursor = message["params"]["cursor"].as_str();
        let at: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let next = (at + 1 < tools.len()).then(|| (at + 1).to_string());
        let page: Vec<&Value> = tools.iter().skip(at).take(1).collect();
        self.say(
            stream,
            message,
            &json!({ "tools": page, "nextCursor": next }),
            "",
        )
    }

    fn say(
        &self,
        mut stream: &TcpStream,
        message: &Value,
        result: &Value,
        head: &str,
    ) -> std::io::Result<()> {
        let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }).to_string();
        if self.manner != Manner::Events {
            let head = format!("content-type: application/json\r\n{head}");
            return write(stream, 200, &head, &answer);
        }
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{head}connection: close\r\n\r\n: hello\r\n\r\nevent: message\r\ndata: {answer}\r\n\r\n"
        )?;
        // It would have more to say; whoever has the answer leaves.
        thread::sleep(Duration::from_millis(300));
        stream.shutdown(std::net::Shutdown::Both)
    }
}

fn write(mut stream: &TcpStream, status: u16, head: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} Because\r\n{head}content-length: {length}\r\n\r\n{body}"
    )
}
