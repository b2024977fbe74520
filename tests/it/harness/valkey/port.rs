//! Ports for servers that must be told theirs, and come back to it after a restart.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what Linux gives away by itself, so that no connection of somebody else takes the port while its server is dead.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port of the loopback that nobody listens on.
pub(super) fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Several test processes may run beside each other: each begins elsewhere.
    let start = std::process::id() % u32::from(COUNT);
    let start = u16::try_from(start).unwrap();
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(step < COUNT, "no port is free");
        let port = FIRST + (start.wrapping_mul(61).wrapping_add(step)) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
