//! Constant traffic: some clients that never stop asking, and everything that they were told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::client::{Connection, Request};
use crate::harness::{SOON, eventually};

/// How many clients ask at once.
const CLIENTS: usize = 4;
/// Between two requests of a client: two cores are shared with everything else.
const PAUSE: Duration = Duration::from_millis(1);

/// How often each outcome was seen: status and reason, or why there was none.
pub(super) type Outcomes = BTreeMap<String, usize>;

/// Clients that ask until they are stopped.
pub(super) struct Traffic {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
    outcomes: Arc<Mutex<Outcomes>>,
}

impl Traffic {
    /// Every client sends these requests in turn, on a connection that it keeps.
    pub(super) fn start(address: SocketAddr, requests: &[Request]) -> Self {
        let (stop, asked) = (Arc::default(), Arc::default());
        let outcomes = Arc::default();
        let client = |_| {
            let client = Client {
                stop: Arc::clone(&stop),
                asked: Arc::clone(&asked),
                outcomes: Arc::clone(&outcomes),
            };
            let requests = requests.to_vec();
            thread::spawn(move || client.run(address, &requests))
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self {
            stop,
            asked,
            clients,
            outcomes,
        }
    }

    /// Waits until this many more requests were answered.
    pub(super) fn flow(&self, requests: usize) {
        let until = self.asked.load(Ordering::SeqCst) + requests;
        eventually(SOON, "traffic", || {
            (self.asked.load(Ordering::SeqCst) >= until).then_some(())
        });
    }

    /// Ends the traffic and tells what it saw.
    pub(super) fn stop(mut self) -> Outcomes {
        self.stop.store(true, Ordering::SeqCst);
        for client in self.clients.drain(..) {
            client.join().unwrap();
        }
        std::mem::take(&mut self.outcomes.lock().unwrap())
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

struct Client {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    outcomes: Arc<Mutex<Outcomes>>,
}

impl Client {
    fn run(&self, address: SocketAddr, requests: &[Request]) {
        let mut connection = None;
        for request in requests.iter().cycle() {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let outcome = ask(&mut connection, address, request);
            *self.outcomes.lock().unwrap().entry(outcome).or_default() += 1;
            self.asked.fetch_add(1, Ordering::SeqCst);
            thread::sleep(PAUSE);
        }
    }
}

fn ask(connection: &mut Option<Connection>, address: SocketAddr, request: &Request) -> String {
    let mut open = match connection
        .take()
        .map_or_else(|| Connection::open(address), Ok)
    {
        Ok(open) => open,
        Err(error) => return format!("no connection: {error}"),
    };
    match open.send(request) {
        Ok(answer) => {
            *connection = Some(open);
            format!("{} {}", answer.status, answer.reason())
                .trim()
                .to_owned()
        }
        Err(error) => format!("no answer: {error}"),
    }
}
