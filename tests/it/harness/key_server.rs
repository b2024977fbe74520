//! An HTTP server that publishes a key set, counts who asks, and can fail.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A thread that answers every path: `/.well-known/…` with the discovery document, everything else with the key set.
#[derive(Debug)]
pub(crate) struct KeyServer {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: Mutex<String>,
    fetches: AtomicUsize,
    down: AtomicBool,
    stalled: AtomicBool,
    stop: AtomicBool,
}

impl KeyServer {
    /// Publishes `jwks` on a free port of the loopback.
    pub(crate) fn start(jwks: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        server.publish(jwks);
        let (state, address) = (Arc::clone(&server.state), server.address);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if state.stop.load(Ordering::Relaxed) {
                    return;
                }
                let state = Arc::clone(&state);
                // A peer that goes away in the middle is its own affair.
                thread::spawn(move || drop(answer(&stream, address, &state)));
            }
        });
        server
    }

    /// The issuer whose discovery document this serves.
    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the key set is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }

    /// Publishes another key set.
    pub(crate) fn publish(&self, jwks: String) {
        *self.state.keys.lock().unwrap() = jwks;
    }

    /// Answers 503 from now on, or no longer.
    pub(crate) fn fail(&self, down: bool) {
        self.state.down.store(down, Ordering::Relaxed);
    }

    /// Answers nobody from now on, or goes on.
    pub(crate) fn stall(&self, stalled: bool) {
        self.state.stalled.store(stalled, Ordering::Relaxed);
    }

    /// How often the key set was asked for, whatever was answered.
    pub(crate) fn fetches(&self) -> usize {
        self.state.fetches.load(Ordering::Relaxed)
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        // Wakes the thread; it does not matter whether it was gone already.
        drop(TcpStream::connect(self.address));
    }
}

fn answer(stream: &TcpStream, address: SocketAddr, state: &State) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(stream).lines();
    let line = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    // The rest of the head, up to the empty line.
    for line in lines.by_ref() {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = if line.contains("/.well-known/") {
        let issuer = format!("http://{address}");
        (
            "200 OK",
            format!(r#"{{"issuer":"{issuer}","jwks_uri":"{issuer}/jwks.json"}}"#),
        )
    } else {
        state.fetches.fetch_add(1, Ordering::Relaxed);
        ("200 OK", state.keys.lock().unwrap().clone())
    };
    while state.stalled.load(Ordering::Relaxed) && !state.stop.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(10));
    }
    let (status, body) = if state.down.load(Ordering::Relaxed) {
        ("503 Service Unavailable", String::new())
    } else {
        (status, body)
    };
    let length = body.len();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}
