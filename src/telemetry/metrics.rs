//! The handles that the rest of the program counts with.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::{IntGauge, Registry, TextEncoder};

use crate::model::approval::State;
use crate::model::decision::Decision;
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;

use super::admin::{AdminMetrics, AdminRefusal};
use super::approvals::{ApprovalEvent, ApprovalMetrics};
use super::cache::{CacheSample, Caches};
use super::check::CheckMetrics;
use super::events::{EventMetrics, EventResult};
use super::lifecycle::LifecycleMetrics;
use super::notices::{Notice, NoticeMetrics};
use super::outcomes::Outcomes;
use super::scrape::{IntrospectionSample, KeySetSample, PolicyState, families};
use super::state::StateMetrics;
use super::tls::{Listener, TlsFamilies, TlsMetrics};

/// Why metrics cannot be registered or written; only a defect of this build makes one.
#[derive(Debug, thiserror::Error)]
#[error("metrics failed: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// Every metric of one server, in a registry of its own. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    outcomes: Outcomes,
    check: CheckMetrics,
    lifecycle: LifecycleMetrics,
    tls: TlsFamilies,
    admin: AdminMetrics,
    approvals: ApprovalMetrics,
    state: StateMetrics,
    notices: NoticeMetrics,
    events: EventMetrics,
    caches: Caches,
    policy: Mutex<PolicyState>,
}

/// How a reload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The new policy is in force.
    Applied {
        /// Its version.
        version: Arc<str>,
    },
    /// The new policy is wrong; the old one stays in force.
    Refused,
    /// The files say what is in force already.
    Unchanged,
}

/// How a shadow evaluation differs from what was enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShadowEffect {
    /// Enforced: allow; in shadow: not.
    WouldDeny,
    /// Enforced: not allow; in shadow: allow.
    WouldAllow,
}

/// One check in flight; counted until it is dropped, also by a cancelled call or a panic.
#[derive(Debug)]
#[must_use]
pub struct InFlight(IntGauge);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Makes every handle. `version` is the program's, `started` when it started.
    pub fn new(version: &str, started: Timestamp) -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let outcomes = Outcomes::register(&registry)?;
        let check = CheckMetrics::register(&registry, version, started)?;
        let lifecycle = LifecycleMetrics::register(&registry)?;
        let tls = TlsFamilies::register(&registry)?;
        let admin = AdminMetrics::register(&registry)?;
        let approvals = ApprovalMetrics::register(&registry)?;
        let state = StateMetrics::register(&registry)?;
        let notices = NoticeMetrics::register(&registry)?;
        let events = EventMetrics::register(&registry)?;
        Ok(Self(Arc::new(Inner {
            registry,
            outcomes,
            check,
            lifecycle,
            tls,
            admin,
            approvals,
            state,
            notices,
            events,
            caches: Caches::default(),
            policy: Mutex::new(PolicyState::default()),
        })))
    }

    /// Counts a decision and how long it took. A phase that took no time was not reached and is not counted.
    pub fn record(&self, decision: &Decision) {
        self.0.outcomes.record(&decision.verdict, &decision.spent);
        self.0.lifecycle.record(&decision.lifecycle);
    }

    /// Counts sightings of identities that there was no room to remember.
    pub fn sightings_dropped(&self, count: usize) {
        let counter = &self.0.check.sightings_dropped;
        counter.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Counts one failed attempt to write down who was seen.
    pub fn sightings_failed(&self) {
        self.0.check.sightings_failures.inc();
    }

    /// Counts a check as in flight until the guard is dropped.
    pub fn begin_check(&self) -> InFlight {
        let gauge = self.0.check.in_flight.clone();
        gauge.inc();
        InFlight(gauge)
    }

    /// Checks in flight now.
    pub fn in_flight(&self) -> u64 {
        u64::try_from(self.0.check.in_flight.get()).unwrap_or(0)
    }

    /// Counts a check that was refused because too many were in flight.
    pub fn shed(&self) {
        self.0.check.shed.inc();
    }

    /// Checks shed since the start.
    pub fn shed_total(&self) -> u64 {
        self.0.check.shed.get()
    }

    /// Counts a decision that became a fault because its record had no room.
    pub fn audit_dropped(&self) {
        self.0.check.audit_dropped.inc();
    }

    /// Counts one failed attempt to write records.
    pub fn audit_failed(&self) {
        self.0.check.audit_failures.inc();
    }

    /// Counts a shadow result whose record had no room.
    pub fn shadow_dropped(&self) {
        self.0.check.shadow_dropped.inc();
    }

    /// Counts a shadow result that differs from what was enforced.
    pub fn shadow_difference(&self, effect: ShadowEffect) {
        self.0.check.shadow_difference(effect);
    }

    /// Counts a request to the admin listener that was refused before anything was done.
    pub fn admin_refused(&self, refusal: AdminRefusal) {
        self.0.admin.refused(refusal);
    }

    /// Counts what happened to an approval on a request's path.
    pub fn approval(&self, event: ApprovalEvent) {
        self.0.approvals.event(event);
    }

    /// Counts a call that needs an approval and ends like this; an allow is not counted.
    pub fn approval_refused(&self, verdict: &Verdict) {
        self.0.approvals.refused(verdict);
    }

    /// Counts what became of a message about an approval.
    pub fn notice(&self, notice: Notice) {
        self.0.notices.count(notice);
    }

    /// Counts what became, at `at`, of a security event of a stream that the configuration names.
    pub fn event(&self, stream: &str, result: EventResult, at: Timestamp) {
        self.0.events.count(stream, result, at);
    }

    /// When the last event of a stream was accepted, if one was since the start.
    pub fn last_event(&self, stream: &str) -> Option<Timestamp> {
        self.0.events.last(stream)
    }

    /// States whether a stream has been silent for too long.
    pub fn stream_stale(&self, stream: &str, stale: bool) {
        self.0.events.stale(stream, stale);
    }

    /// States how many approvals are known.
    pub fn approvals(&self, counts: &[(State, usize)]) {
        self.0.approvals.known(counts);
    }

    /// States how many API keys work and how many cannot be read, and how long ago they were the same as those in the
    /// store.
    pub fn api_keys(&self, live: usize, unreadable: usize, age: Duration) {
        let Inner { check, .. } = &*self.0;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        check.api_keys_live.set(count(live));
        check.api_keys_unreadable.set(count(unreadable));
        check.api_keys_age.set(age.as_secs_f64());
    }

    /// Has every scrape state how old the knowledge of the store is, as `age` says. The first call counts.
    pub fn state_ages(&self, age: impl Fn() -> Duration + Send + Sync + 'static) {
        let _first = self.0.state.age.set(Box::new(age));
    }

    /// Has every scrape state what the cache `name` is like, as `look` says.
    pub fn watch_cache(
        &self,
        name: &'static str,
        look: impl Fn() -> CacheSample + Send + Sync + 'static,
    ) {
        self.0.caches.watch(name, look);
    }

    /// Has every scrape state how many actions are looked up, evaluated or neither yet, as `count` says. The first call counts.
    pub fn watch_rulings(
        &self,
        count: impl Fn() -> Vec<(&'static str, usize)> + Send + Sync + 'static,
    ) {
        self.0.caches.count_actions(count);
    }

    /// Counts a failed attempt to read what changed in the store.
    pub fn state_error(&self) {
        self.0.state.errors.inc();
    }

    /// States the number of the last change that decisions know of.
    pub fn state_applied(&self, seq: u64) {
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        self.0.state.position.set(seq);
    }

    /// Counts how long it took from a change's acknowledgement until decisions knew of it.
    pub fn enforced(&self, after: Duration) {
        self.0.state.enforcement.observe(after.as_secs_f64());
    }

    /// What a listener with TLS counts with.
    pub fn tls(&self, listener: Listener) -> TlsMetrics {
        self.0.tls.listener(listener)
    }

    /// States the policy in force at the start; not a reload.
    pub fn policy_loaded(&self, version: Arc<str>, at: Timestamp) {
        self.policy(|policy| policy.loaded(version, at));
    }

    /// Counts a reload that ended at `at` and states its outcome.
    pub fn reload(&self, reload: Reload, at: Timestamp) {
        self.0.check.reload(&reload);
        self.policy(|policy| match reload {
            Reload::Applied { version } => policy.loaded(version, at),
            Reload::Refused => policy.refused(at),
            Reload::Unchanged => policy.unchanged(),
        });
    }

    /// Every metric in the text format 0.0.4, with ages as of `now`.
    pub fn encode(
        &self,
        now: Timestamp,
        key_sets: &[KeySetSample],
        introspection: &[IntrospectionSample],
    ) -> Result<String, MetricsError> {
        let mut policy = PolicyState::default();
        self.policy(|state| policy.clone_from(state));
        let mut all = self.0.registry.gather();
        let aged = Registry::new();
        self.0.state.state(&aged)?;
        self.0.caches.state(&aged)?;
        all.extend(aged.gather());
        all.extend(families(&policy, now, key_sets, introspection)?);
        Ok(TextEncoder::new().encode_to_string(&all)?)
    }

    fn policy(&self, with: impl FnOnce(&mut PolicyState)) {
        // A panic cannot leave the state half written: every change is one assignment a field.
        with(&mut self.0.policy.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
