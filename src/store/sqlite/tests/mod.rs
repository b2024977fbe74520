mod api_keys;
mod approvals;
mod opening;
mod processes;
mod replay;
mod seen;
mod sweep;

use super::Sqlite as Store;
use crate::model::time::Timestamp;
use crate::store::StoreSettings;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn memory() -> Store {
    Store::open(&StoreSettings::in_memory()).unwrap()
}

/// A small key, different for every number.
fn key(number: u64) -> [u8; 32] {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    key
}
