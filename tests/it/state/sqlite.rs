//! The scenarios on one file: every handle has a thread and a connection of its own, as processes have.

use countersign::store::{Store, StoreSettings};
use tempfile::TempDir;

use super::Place;

struct OneFile(TempDir);

impl OneFile {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }
}

impl Place for OneFile {
    async fn open(&self) -> Store {
        Store::open(&StoreSettings::in_file(self.0.path().join("state.db"))).unwrap()
    }
}

super::scenarios!(OneFile::new());
