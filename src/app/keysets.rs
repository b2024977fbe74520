//! The key sets that run: one background task for each source, kept across reloads as long as its source stays the
//! same.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::introspectors::Introspectors;
use crate::keys::{KeySet, KeySource};
use crate::model::name::ProviderName;
use crate::outbound::HttpClient;

/// The key sets of a snapshot, by provider.
pub(crate) type Handles = BTreeMap<ProviderName, KeySet>;

/// Every key set that runs.
pub(super) struct KeySets {
    client: HttpClient,
    tasks: TaskTracker,
    stop: CancellationToken,
    running: BTreeMap<ProviderName, (KeySet, CancellationToken)>,
    /// Sets of a snapshot that is not in force yet.
    prepared: BTreeMap<ProviderName, (KeySet, CancellationToken)>,
}

impl KeySets {
    pub(super) fn new(tasks: TaskTracker, stop: CancellationToken) -> Result<Self> {
        let client = HttpClient::new()?;
        Ok(Self {
            client,
            tasks,
            stop,
            running: BTreeMap::new(),
            prepared: BTreeMap::new(),
        })
    }

    /// Nobody's introspectors yet, which share connections, tasks and end with the key sets.
    pub(super) fn introspectors(&self) -> Introspectors {
        let (tasks, stop) = (self.tasks.clone(), self.stop.clone());
        Introspectors::new(self.client.clone(), tasks, stop)
    }

    /// Nobody's key sets yet, which share connections, tasks and end with these, and nothing else.
    pub(super) fn beside(&self) -> Self {
        Self {
            client: self.client.clone(),
            tasks: self.tasks.clone(),
            stop: self.stop.clone(),
            running: BTreeMap::new(),
            prepared: BTreeMap::new(),
        }
    }

    /// Handles for `sources`: those that run already, and new ones for what is new or changed. Nothing that runs is
    /// stopped until [`KeySets::commit`].
    pub(super) fn prepare<'a>(
        &mut self,
        sources: impl IntoIterator<Item = (&'a ProviderName, &'a KeySource)>,
    ) -> Handles {
        self.discard();
        let mut handles = Handles::new();
        for (name, source) in sources {
            let known = self
                .running
                .get(name)
                .filter(|(set, _)| set.source() == source);
            let (set, cancel) = match known {
                Some((set, cancel)) => (set.clone(), cancel.clone()),
                None => self.spawn(source.clone()),
            };
            handles.insert(name.clone(), set.clone());
            self.prepared.insert(name.clone(), (set, cancel));
        }
        handles
    }

    fn spawn(&self, source: KeySource) -> (KeySet, CancellationToken) {
        let cancel = self.stop.child_token();
        let set = KeySet::spawn(source, self.client.clone(), &self.tasks, cancel.clone());
        (set, cancel)
    }

    /// What was prepared is in force: the sets that it replaces end.
    pub(super) fn commit(&mut self) {
        let prepared = std::mem::take(&mut self.prepared);
        let replaced = std::mem::replace(&mut self.running, prepared);
        for (name, (old, cancel)) in replaced {
            let kept = self
                .running
                .get(&name)
                .is_some_and(|(new, _)| new.source() == old.source());
            if !kept {
                cancel.cancel();
            }
        }
    }

    /// What was prepared will not be in force: the sets that were started for it end.
    pub(super) fn discard(&mut self) {
        for (name, (set, cancel)) in std::mem::take(&mut self.prepared) {
            let running = self
                .running
                .get(&name)
                .is_some_and(|(known, _)| known.source() == set.source());
            if !running {
                cancel.cancel();
            }
        }
    }
}

/// How often a set that is not loaded yet is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Whether every set is loaded before `deadline`.
pub(super) async fn loaded(handles: &Handles, deadline: Instant) -> bool {
    loop {
        let now = Instant::now();
        if handles.values().all(|set| set.status(now).loaded) {
            return true;
        }
        if now >= deadline {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The sets that are not loaded, and why.
pub(super) fn missing(handles: &Handles) -> Vec<String> {
    let now = Instant::now();
    let status = handles.iter().map(|(name, set)| (name, set.status(now)));
    let missing = status.filter(|(_, status)| !status.loaded);
    missing
        .map(|(name, status)| match status.last_error {
            Some(error) => format!("keys of provider `{name}` are not loaded: {error}"),
            None => format!("keys of provider `{name}` are not loaded yet"),
        })
        .collect()
}
