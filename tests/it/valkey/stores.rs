//! Stores on a Valkey of the tests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign::model::time::Timestamp;
use countersign::store::{Consumed, Store, StoreError, StoreSettings, StoreSpec};
use serde_json::{Value, json};

use crate::harness::SOON;

/// A store with this as `store.valkey`.
pub(super) fn open(valkey: &Value) -> Store {
    let spec: StoreSpec = serde_json::from_value(json!({ "valkey": valkey })).unwrap();
    Store::open(&StoreSettings::try_from(spec).unwrap()).unwrap()
}

/// Waits until things can be used up.
pub(super) async fn settled(store: &Store) {
    let end = Instant::now() + SOON;
    while consume(store, fresh()).await != Ok(Consumed::Fresh) {
        assert!(Instant::now() < end, "the store does not settle");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A digest that nobody has used.
pub(super) fn fresh() -> [u8; 32] {
    static USED: AtomicU64 = AtomicU64::new(0);
    let mut digest = [0xee; 32];
    let number = USED.fetch_add(1, Ordering::Relaxed);
    digest[..8].copy_from_slice(&number.to_be_bytes());
    digest
}

/// Uses something up for ten minutes.
pub(super) async fn consume(store: &Store, digest: [u8; 32]) -> Result<Consumed, StoreError> {
    let now = Timestamp::from_seconds(1_800_000_000);
    let until = now.plus(Duration::from_mins(10));
    store.consume(digest, until, now).await
}

/// Asks until something is answered that is no error.
pub(super) async fn answered<T>(mut ask: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    let end = Instant::now() + SOON;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
