//! An introspection endpoint (RFC 7662): it says what a test tells it to say, counts who asks, and can fail.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// What a token is worth is said.
    Answer,
    /// Nothing is said for as long as this lasts.
    Stall,
    /// One byte after the other, a long time.
    Drip,
    /// Somebody else is to be asked.
    Redirect(String),
    /// This status, type and body.
    Lie(u16, &'static str, String),
}

/// A thread that accepts, and one for each connection.
#[derive(Debug)]
pub(crate) struct IntrospectionServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    active: Vec<(String, Value)>,
    bodies: Vec<String>,
    heads: Vec<String>,
    stopped: bool,
}

impl IntrospectionServer {
    /// Listens on a free port of the loopback; every token is inactive until one is made active.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            manner: Manner::Answer,
            active: Vec::new(),
            bodies: Vec::new(),
            heads: Vec::new(),
            stopped: false,
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.lock().unwrap().stopped {
                    return;
                }
                let state = Arc::clone(&shared);
                // A peer that goes away in the middle is its own affair.
                thread::spawn(move || drop(answer(&stream, &state)));
            }
        });
        Self { address, state }
    }

    /// Where it is asked.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/introspect", self.address)
    }

    /// From now on `token` is active, and this is said about it.
    pub(crate) fn activate(&self, token: &str, members: &Value) {
        self.revoke(token);
        let mut members = members.clone();
        members["active"] = json!(true);
        let mut state = self.state.lock().unwrap();
        state.active.push((token.to_owned(), members));
    }

    /// From now on `token` is not active.
    pub(crate) fn revoke(&self, token: &str) {
        self.state
            .lock()
            .unwrap()
            .active
            .retain(|(known, _)| known != token);
    }

    /// From now on requests are treated like this.
    pub(crate) fn behave(&self, manner: Manner) {
        self.state.lock().unwrap().manner = manner;
    }

    /// The bodies of all requests so far.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.state.lock().unwrap().bodies.clone()
    }

    /// The heads of all requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.state.lock().unwrap().heads.clone()
    }

    /// How often it was asked, whatever was answered.
    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap().bodies.len()
    }
}

impl Drop for IntrospectionServer {
    fn drop(&mut self) {
        self.state.lock().unwrap().stopped = true;
        // Wakes the thread; it does not matter whether it was gone already.
        drop(TcpStream::connect(self.address));
    }
}

fn answer(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8(body).unwrap();
    let (manner, said) = {
        let mut state = state.lock().unwrap();
        state.bodies.push(body.clone());
        state.heads.push(head);
        let token = body
            .split('&')
            .find_map(|field| field.strip_prefix("token="));
        let mut active = state.active.iter();
        let known = active.find(|(known, _)| Some(known.as_str()) == token);
        let said = known.map_or_else(|| json!({ "active": false }), |(_, said)| said.clone());
        (state.manner.clone(), said.to_string())
    };
    let json = "application/json";
    match manner {
        Manner::Answer => write(stream, 200, json, "", &said),
        Manner::Redirect(url) => write(stream, 307, json, &format!("location: {url}\r\n"), &said),
        Manner::Lie(status, kind, body) => write(stream, status, kind, "", &body),
        Manner::Stall => {
            let stalls = || {
                let state = state.lock().unwrap();
                matches!(state.manner, Manner::Stall) && !state.stopped
            };
            while stalls() {
                thread::sleep(Duration::from_millis(10));
            }
            write(stream, 200, json, "", &said)
        }
        Manner::Drip => {
            let whole = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {json}\r\ncontent-length: {}\r\n\r\n{said}",
                said.len()
            );
            let mut stream = stream;
            for byte in whole.into_bytes() {
                stream.write_all(&[byte])?;
                thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        }
    }
}

fn write(
    mut stream: &TcpStream,
    status: u16,
    kind: &str,
    more: &str,
    body: &str,
) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} Because\r\ncontent-type: {kind}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}
