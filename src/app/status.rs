//! How things are at a moment, for the operator edge.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::live::Replica;
use super::reload::InForce;
use crate::admin::{IntrospectionStatus, KeySetStatus, PolicyStatus, Status, StreamStatus};
use crate::authorizer::Snapshot;
use crate::condition::Values;
use crate::ext_authz::now;
use crate::identity::ApiKeys;
use crate::model::time::Timestamp;
use crate::telemetry::Metrics;

/// What the status is read from.
#[derive(Clone, Debug)]
pub(super) struct StatusSource {
    pub(super) in_force: Arc<InForce>,
    pub(super) started: Timestamp,
    pub(super) since: Instant,
    pub(super) draining: Arc<AtomicBool>,
    pub(super) api_keys: ApiKeys,
    pub(super) replica: Replica,
    pub(super) metrics: Metrics,
}

impl StatusSource {
    /// The status now.
    pub(super) fn read(&self) -> Status {
        let now = now();
        let snapshot = self.in_force.snapshot.load();
        Status {
            now,
            version: env!("CARGO_PKG_VERSION"),
            started: self.started,
            uptime: self.since.elapsed(),
            policy: PolicyStatus {
                version: Arc::clone(&snapshot.version),
                loaded_at: snapshot.loaded,
                rules: snapshot.policy.len(),
                routes: snapshot.routes.declared().count(),
                reload: self.in_force.reload_status(),
            },
            key_sets: self.key_sets(now),
            introspection: self.introspection(now),
            streams: self.streams(now),
            state: self.replica.status(),
            conditions: self.conditions(&snapshot, now),
            draining: self.draining.load(Ordering::Relaxed),
        }
    }

    fn conditions(&self, snapshot: &Snapshot, now: Timestamp) -> Values {
        let live = &self.replica.live.conditions;
        live.over(&snapshot.conditions, now).into_owned()
    }

    /// Whether every key set, the API keys and the state of the store were loaded once: before that, nothing can be decided.
    pub(super) fn loaded(&self) -> bool {
        let instant = Instant::now();
        if self.replica.live.freshness.age(instant).is_none() {
            return false;
        }
        let handles = self.in_force.handles.load();
        let mut sets = handles.values();
        self.api_keys.is_loaded() && sets.all(|set| set.status(instant).loaded)
    }

    /// How the streams of security events stand; their metric says the same from now on.
    fn streams(&self, now: Timestamp) -> Vec<StreamStatus> {
        let streams = self.in_force.streams.load();
        let standing = streams.standing(now, self.started, |name| self.metrics.last_event(name));
        for stream in &standing {
            self.metrics.stream_stale(&stream.name, stream.stale);
        }
        standing
    }

    fn introspection(&self, now: Timestamp) -> Vec<IntrospectionStatus> {
        let instant = Instant::now();
        let known = self.in_force.introspectors.load();
        let shown = known.iter().map(|(name, known)| {
            let status = known.status();
            let ago = |at| now.minus(instant.saturating_duration_since(at));
            IntrospectionStatus {
                provider: name.clone(),
                active: status.active,
                inactive: status.inactive,
                failed: status.failed,
                shed: status.shed,
                entries: status.entries,
                last_success: status.last_success.map(ago),
                last_error: status.last_error,
            }
        });
        shown.collect()
    }

    fn key_sets(&self, now: Timestamp) -> Vec<KeySetStatus> {
        let instant = Instant::now();
        let handles = self.in_force.handles.load();
        let shown = handles.iter().map(|(name, set)| {
            let status = set.status(instant);
            KeySetStatus {
                provider: name.clone(),
                loaded: status.loaded && !status.stale,
                age: status.age,
                last_success: status.age.map(|age| now.minus(age)),
                failures: status.failures,
                keys: status.keys,
                withdrawn: status.withdrawn,
                lookups: status.lookups,
                last_error: status.last_error,
            }
        });
        shown.collect()
    }
}
