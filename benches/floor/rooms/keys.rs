//! What those notice who ask while the issuer's keys cannot be fetched.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::RULES;
use crate::load::Asked;
use crate::questions;
use crate::scene::Scene;
use crate::stage::{Stage, Target};

/// Checks a second.
const RATE: u32 = 5_000;

/// What the endpoint does: it answers, ends connections at once, or takes them and says nothing.
const WAYS: [(u8, &str); 3] = [(0, "up"), (1, "down"), (2, "hanging")];

/// What was measured of one server: processor time, and answers at a pace.
#[derive(Default)]
struct Measured {
    cpu: Vec<f64>,
    paced: Vec<Asked>,
}

impl Measured {
    fn add(&mut self, target: &mut Target<'_>, lasts: Duration) -> Result<()> {
        self.cpu.push(target.cpu()?);
        self.paced.push(target.paced(RATE, lasts)?.all_well()?);
        Ok(())
    }

    fn quantile(&self, at: f64) -> Vec<f64> {
        self.paced.iter().map(|asked| asked.micros(at)).collect()
    }
}

pub(super) fn run(stage: &mut Stage) -> Result<()> {
    let endpoint = Endpoint::start(stage.issuer.jwks().to_string())?;
    let url = &endpoint.url;
    let keys = format!(
        "{{ url: \"{url}\", refresh: 100ms, min_interval: 100ms, stale_for: 1h, timeout: 1s }}"
    );
    let scene = Scene::new(RULES, &stage.issuer)?.keys(keys);
    let ours = scene.start(stage.cores)?;
    let (floor, _folder) = stage.floor()?;
    let bodies = questions::plain(&[stage.token()?]);
    let extent = stage.extent;
    let mut base = Target::warm(&floor, &floor.tcp, &bodies, &extent)?;
    let mut target = Target::warm(&ours, &ours.tcp, &bodies, &extent)?;
    let (mut floors, mut all) = (Measured::default(), WAYS.map(|_| Measured::default()));
    for _ in 0..extent.repetitions {
        floors.add(&mut base, extent.lasts)?;
        for ((way, _), measured) in WAYS.iter().zip(&mut all) {
            endpoint.way.store(*way, Ordering::Relaxed);
            measured.add(&mut target, extent.lasts)?;
        }
    }
    report(stage, &floors, &all);
    Ok(())
}

fn report(stage: &mut Stage, floors: &Measured, all: &[Measured; 3]) {
    let [up, ..] = all;
    let report = &mut stage.report;
    for ((_, way), measured) in WAYS.iter().zip(all) {
        let against: [(&str, &[f64]); 2] = [("up", &up.cpu), ("floor", &floors.cpu)];
        let name = format!("{way}, processor time");
        report.figure(&name, "µs", &measured.cpu, &against);
    }
    for (name, at) in [("p50", 0.5), ("p99", 0.99)] {
        let (steady, floors) = (up.quantile(at), floors.quantile(at));
        for ((_, way), measured) in WAYS.iter().zip(all) {
            let against: [(&str, &[f64]); 2] = [("up", &steady), ("floor", &floors)];
            let name = format!("{way}, {name}");
            report.figure(&name, "µs", &measured.quantile(at), &against);
        }
    }
}

/// Publishes a key set, or does not.
struct Endpoint {
    url: String,
    way: Arc<AtomicU8>,
}

impl Endpoint {
    /// Its thread ends with the process.
    fn start(keys: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/keys.json", listener.local_addr()?);
        let way = Arc::new(AtomicU8::new(0));
        let now = Arc::clone(&way);
        thread::spawn(move || {
            let kept = Mutex::new(Vec::new());
            for stream in listener.incoming().flatten() {
                match now.load(Ordering::Relaxed) {
                    0 => drop(answer(stream, &keys)),
                    1 => drop(stream),
                    _ => kept
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(stream),
                }
            }
        });
        Ok(Self { url, way })
    }
}

fn answer(mut stream: TcpStream, keys: &str) -> Result<()> {
    let mut request = [0; 4096];
    let _some = stream.read(&mut request)?;
    let length = keys.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{keys}"
    )?;
    Ok(())
}
