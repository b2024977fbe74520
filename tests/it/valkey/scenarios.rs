//! The scenarios of `state` on one Valkey: every handle has connections of its own, as replicas have.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::store::Store;
use serde_json::json;

use super::stores::open;
use crate::harness::valkey::{Fsync, Valkey};
use crate::state::{Place, scenarios};

/// A part of the one server that all of them share.
struct Part(String);

impl Part {
    fn new() -> Self {
        static PARTS: AtomicUsize = AtomicUsize::new(0);
        let number = PARTS.fetch_add(1, Ordering::Relaxed);
        Self(format!("part-{number}"))
    }
}

impl Place for Part {
    async fn open(&self) -> Store {
        let store = open(&json!({ "url": shared().url(), "prefix": self.0 }));
        // Nobody has anything to put back: nobody waits until it is there.
        store.version().await.unwrap();
        let meta = format!("{{{}}}:meta", self.0);
        shared().ask(&["HSET", &meta, "since", "0", "came", "0"]);
        store
    }
}

fn shared() -> &'static Valkey {
    static SHARED: OnceLock<Valkey> = OnceLock::new();
    SHARED.get_or_init(|| Valkey::start(Fsync::Never))
}

scenarios!(Part::new());
