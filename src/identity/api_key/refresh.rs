//! The task that keeps the table like the store, and writes down which keys were used.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::table::ApiKeys;
use crate::store::{KeysVersion, Store, StoreError};

/// How often the store is asked whether keys changed: half of the second in which a revocation has to count.
const POLL: Duration = Duration::from_millis(500);

/// Polls between two writes of last uses.
const POLLS_PER_WRITE: u32 = 2;

/// Most keys that one line of the log names.
const MAX_NAMED: usize = 8;

/// Keeps a table like the store.
#[derive(Debug)]
pub struct ApiKeyTask {
    keys: ApiKeys,
    store: Store,
    /// The store's version of the table.
    version: Option<KeysVersion>,
    failing: bool,
}

impl ApiKeys {
    /// A table that follows `store` as long as the task runs.
    pub fn following(store: Store) -> (Self, ApiKeyTask) {
        let keys = Self::default();
        let task = ApiKeyTask {
            keys: keys.clone(),
            store,
            version: None,
            failing: false,
        };
        (keys, task)
    }

    /// The table as the store has it now.
    pub async fn load(store: &Store) -> Result<Self, StoreError> {
        let (keys, mut task) = Self::following(store.clone());
        task.refresh().await?;
        Ok(keys)
    }
}

impl ApiKeyTask {
    /// Runs until `stop`, and writes the last uses then. `looked` is called after every look at the store.
    pub async fn run(mut self, stop: CancellationToken, looked: impl Fn(&ApiKeys) + Send) {
        let mut polls = 0;
        loop {
            let outcome = self.refresh().await;
            self.report(outcome.err());
            looked(&self.keys);
            polls += 1;
            if polls % POLLS_PER_WRITE == 0 {
                self.write_used().await;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(POLL) => {}
            }
        }
        self.write_used().await;
    }

    async fn refresh(&mut self) -> Result<(), StoreError> {
        // What happens while the store answers may or may not be in the answer.
        let asked = Instant::now();
        let version = self.store.version().await?;
        if self.version.as_ref() != Some(&version) {
            let unfit = self.keys.replace(self.store.api_keys().await?);
            if !unfit.is_empty() {
                let some: Vec<&str> = unfit.iter().take(MAX_NAMED).map(String::as_str).collect();
                tracing::error!(
                    keys = unfit.len(),
                    ids = ?some,
                    "API keys in the store cannot be read: they are refused; revoke them, and issue new ones"
                );
            }
            self.version = Some(version);
        }
        self.keys.confirm(asked);
        Ok(())
    }

    /// Says when the store begins to fail, and when it is back; not every time between.
    fn report(&mut self, error: Option<StoreError>) {
        match error {
            Some(error) if !self.failing => {
                tracing::error!(%error, "API keys cannot be read: the ones in memory serve for a while");
                self.failing = true;
            }
            None if self.failing => {
                tracing::info!("API keys can be read again");
                self.failing = false;
            }
            Some(_) | None => {}
        }
    }

    async fn write_used(&self) {
        let used = self.keys.take_used();
        if !used.is_empty() && self.store.touch_api_keys(used.clone()).await.is_err() {
            self.keys.give_back(used);
        }
    }
}
