//! What is known about opaque tokens, kept across reloads as long as a provider asks at the same place in the same way.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::identity::{IntrospectionSource, Introspector};
use crate::model::name::ProviderName;
use crate::outbound::HttpClient;

/// The introspectors of a snapshot, by provider.
pub(super) type Handles = BTreeMap<ProviderName, Introspector>;

/// Every introspector in force. They have no tasks of their own: only their requests run.
#[derive(Debug)]
pub(super) struct Introspectors {
    client: HttpClient,
    tasks: TaskTracker,
    stop: CancellationToken,
    running: Handles,
}

impl Introspectors {
    pub(super) fn new(client: HttpClient, tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            client,
            tasks,
            stop,
            running: Handles::new(),
        }
    }

    /// Handles for `sources`: those in force, and new ones, which know nothing, for what is new or changed.
    pub(super) fn prepare<'a>(
        &self,
        sources: impl IntoIterator<Item = (&'a ProviderName, &'a IntrospectionSource)>,
    ) -> Handles {
        let handle = |(name, source): (&'a ProviderName, &'a IntrospectionSource)| {
            let known = self.running.get(name);
            let known = known.filter(|known| known.source() == source);
            let handle = known.cloned().unwrap_or_else(|| self.start(name, source));
            (name.clone(), handle)
        };
        sources.into_iter().map(handle).collect()
    }

    fn start(&self, name: &ProviderName, source: &IntrospectionSource) -> Introspector {
        if let Err(error) = source.check_secret() {
            // Not a mistake of the configuration: the secret may come later, and is read when it is needed.
            tracing::error!(provider = %name, %error, "the introspection client has no secret");
        }
        let (tasks, stop) = (self.tasks.clone(), self.stop.clone());
        Introspector::new(source.clone(), self.client.clone(), tasks, stop)
    }

    /// What was prepared is in force.
    pub(super) fn commit(&mut self, prepared: Handles) {
        self.running = prepared;
    }
}
