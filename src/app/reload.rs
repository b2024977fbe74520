//! Reloads: all or nothing, and a bad one changes nothing but a metric and a status line.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::aside::aside;
use super::introspectors::{self, Introspectors};
use super::keysets::{self, Handles, KeySets};
use crate::admin::{ReloadStatus, Reloaded, Streams};
use crate::authorizer::{Live, Snapshot};
use crate::config::problem::Severity;
use crate::config::{Bundle, Failure, Overrides, Stamp, load};
use crate::ext_authz::{AllowList, now};
use crate::identity::Resources;
use crate::model::time::Timestamp;
use crate::telemetry::{Metrics, Reload};

/// How often files are looked at.
const POLL: Duration = Duration::from_millis(250);

/// How long the keys of a new provider may take before the reload is refused.
const KEYS_WAIT: Duration = Duration::from_secs(5);

/// How long after a refusal for missing keys the reload is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// How long a snapshot is kept that is no longer in force: longer than a check takes that waits for nothing.
const FORGOTTEN: Duration = Duration::from_millis(100);

/// What is in force, and what became of the files.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) snapshot: Arc<ArcSwap<Snapshot>>,
    pub(super) handles: ArcSwap<Handles>,
    pub(super) introspectors: ArcSwap<introspectors::Handles>,
    pub(super) streams: ArcSwap<Streams>,
    pub(super) reload: Mutex<ReloadStatus>,
}

impl InForce {
    pub(super) fn reload_status(&self) -> ReloadStatus {
        self.reload
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_status(&self, status: ReloadStatus) {
        *self.reload.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }
}

/// The task that watches files and reloads.
pub(super) struct Reloader {
    pub(super) config: PathBuf,
    pub(super) overrides: Overrides,
    pub(super) watched: Vec<PathBuf>,
    /// What the watched files looked like before they were read first.
    pub(super) seen: Stamp,
    /// The settings that only a restart changes, as they were at the start.
    pub(super) fixed: String,
    pub(super) sets: KeySets,
    pub(super) introspectors: Introspectors,
    /// The keys of whoever sends events: no decision depends on them, so neither does readiness.
    pub(super) transmitters: KeySets,
    /// What every snapshot is given.
    pub(super) lasting: Lasting,
    pub(super) in_force: Arc<InForce>,
    /// Who may ask over the gRPC port.
    pub(super) envoys: AllowList,
    pub(super) metrics: Metrics,
}

/// What stays the same for every snapshot of one process.
pub(super) struct Lasting {
    /// What providers are given, without key sets and introspectors.
    pub(super) resources: Resources,
    /// What changes without a reload.
    pub(super) live: Live,
}

/// Whoever asks for a reload, and wants to hear what became of it.
pub(super) type Asker = Option<oneshot::Sender<Reloaded>>;

/// Why files are read again.
enum Cause {
    Changed,
    Asked(Asker),
}

impl Reloader {
    /// Puts a bundle in force, and is ready to watch the files that it came from. Its key sets begin to load.
    pub(super) fn start(
        config: PathBuf,
        overrides: Overrides,
        bundle: Bundle,
        mut sets: KeySets,
        lasting: Lasting,
        metrics: Metrics,
        started: Timestamp,
    ) -> Self {
        let handles = sets.prepare(bundle.key_sources());
        sets.commit();
        let mut introspectors = sets.introspectors();
        let known = introspectors.prepare(bundle.providers.introspection_sources());
        introspectors.commit(known.clone());
        let mut transmitters = sets.beside();
        let streams = prepared(&mut transmitters, &bundle.events);
        transmitters.commit();
        let (watched, seen) = (bundle.watched.clone(), bundle.stamp.clone());
        let fixed = bundle.fixed.clone();
        let resources = resources(&handles, &known, &lasting.resources);
        let snapshot = Arc::new(bundle.into_snapshot(started, &resources, lasting.live.clone()));
        metrics.policy_loaded(Arc::clone(&snapshot.version), started);
        tracing::info!(policy.version = %snapshot.version, rules = snapshot.policy.len(), "policy loaded");
        let in_force = Arc::new(InForce {
            snapshot: Arc::new(ArcSwap::new(snapshot)),
            handles: ArcSwap::from_pointee(handles),
            introspectors: ArcSwap::from_pointee(known),
            streams: ArcSwap::from_pointee(streams),
            reload: Mutex::new(ReloadStatus::Applied { since: started }),
        });
        Self {
            config,
            overrides,
            watched,
            seen,
            fixed,
            sets,
            introspectors,
            transmitters,
            lasting,
            in_force,
            envoys: AllowList::default(),
            metrics,
        }
    }

    /// Keeps the list of a listener in force, too.
    pub(super) fn listing(self, envoys: AllowList) -> Self {
        Self { envoys, ..self }
    }

    /// Watches until `stop`; a message on `asked` (SIGHUP, an operator) reloads at once.
    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Asker>, stop: CancellationToken) {
        // An edit between the first reading and now is seen by its difference to what was read.
        let mut seen = std::mem::take(&mut self.seen);
        let mut retry_at: Option<Instant> = None;
        loop {
            let cause = tokio::select! {
                () = stop.cancelled() => return,
                Some(who) = asked.recv() => Cause::Asked(who),
                () = tokio::time::sleep(POLL) => Cause::Changed,
            };
            let stamp = self.stamp();
            let due = retry_at.is_some_and(|at| Instant::now() >= at);
            if matches!(cause, Cause::Changed) && stamp == seen && !due {
                continue;
            }
            if stamp != seen && matches!(cause, Cause::Changed) {
                // Whoever writes may not be done: look again before reading.
                tokio::time::sleep(POLL / 5).await;
                if self.stamp() != stamp {
                    continue;
                }
            }
            seen = stamp;
            let before = Arc::clone(&self.in_force.snapshot.load().version);
            retry_at = self.reload().await.then(|| Instant::now() + RETRY);
            if let Cause::Asked(Some(asker)) = cause {
                // Whoever asked may have gone.
                let _heard = asker.send(self.outcome(&before));
            }
        }
    }

    /// What became of the last reload; `before` was in force until then.
    fn outcome(&self, before: &Arc<str>) -> Reloaded {
        let version = Arc::clone(&self.in_force.snapshot.load().version);
        match self.in_force.reload_status() {
            ReloadStatus::Refused { since: _, problems } => Reloaded::Refused { problems },
            ReloadStatus::Applied { .. } if version == *before => Reloaded::Unchanged { version },
            ReloadStatus::Applied { .. } => Reloaded::Applied { version },
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp::take(
            std::iter::once(self.config.as_path()).chain(self.watched.iter().map(PathBuf::as_path)),
        )
    }

    /// Reads everything again; true if it should be tried once more later.
    async fn reload(&mut self) -> bool {
        let (config, overrides) = (self.config.clone(), self.overrides.clone());
        match aside(move || load(&config, &overrides)).await {
            Ok(Ok(bundle)) => self.apply(bundle).await,
            Ok(Err(failure)) => {
                self.watch_too(&failure);
                self.refuse(describe(&failure));
                false
            }
            Err(error) => {
                self.refuse(vec![format!("reading the configuration failed: {error}")]);
                false
            }
        }
    }

    async fn apply(&mut self, bundle: Bundle) -> bool {
        self.watched.clone_from(&bundle.watched);
        if bundle.fixed != self.fixed {
            tracing::warn!(
                "`grpc`, `metrics`, `admin`, `log`, `audit` or `store` changed: these take effect at the next start"
            );
        }
        if bundle.version == self.in_force.snapshot.load().version {
            self.settle(Reload::Unchanged);
            return false;
        }
        let handles = self.sets.prepare(bundle.key_sources());
        if !keysets::loaded(&handles, Instant::now() + KEYS_WAIT).await {
            let missing = keysets::missing(&handles);
            self.sets.discard();
            self.refuse(missing);
            return true;
        }
        let version = Arc::clone(&bundle.version);
        let (rules, warnings) = (bundle.policy.len(), bundle.warnings.as_slice().len());
        let sources = bundle.providers.introspection_sources();
        let known = self.introspectors.prepare(sources);
        let resources = resources(&handles, &known, &self.lasting.resources);
        let envoys = bundle.grpc.envoys().clone();
        let streams = prepared(&mut self.transmitters, &bundle.events);
        let snapshot = bundle.into_snapshot(now(), &resources, self.lasting.live.clone());
        let old = self.in_force.snapshot.swap(Arc::new(snapshot));
        tokio::spawn(forget(old));
        self.in_force.handles.store(Arc::new(handles));
        self.in_force.introspectors.store(Arc::new(known.clone()));
        self.in_force.streams.store(Arc::new(streams));
        // A listener that authenticates Envoys does so until the next start: with no list nobody could ask.
        if !envoys.is_empty() {
            self.envoys.replace(envoys);
        }
        self.sets.commit();
        self.introspectors.commit(known);
        self.transmitters.commit();
        tracing::info!(policy.version = %version, rules, warnings, "policy reloaded");
        self.settle(Reload::Applied { version });
        false
    }

    fn settle(&self, reload: Reload) {
        let at = now();
        self.metrics.reload(reload, at);
        self.in_force
            .set_status(ReloadStatus::Applied { since: at });
    }

    /// Keeps what is in force. The moment of the first refusal stays, because "since when" is what an operator asks.
    fn refuse(&self, problems: Vec<String>) {
        let at = now();
        self.metrics.reload(Reload::Refused, at);
        let since = match self.in_force.reload_status() {
            ReloadStatus::Refused { since, .. } => since,
            ReloadStatus::Applied { .. } => at,
        };
        let first = problems.first().map_or("", String::as_str);
        tracing::error!(
            problems = problems.len(),
            first,
            "reload refused: the policy in force stays"
        );
        self.in_force
            .set_status(ReloadStatus::Refused { since, problems });
    }

    /// What was read or looked for on the way to a failure is watched as well: its next edit may be the cure.
    fn watch_too(&mut self, failure: &Failure) {
        for file in failure.sources.keys().chain(&failure.watched) {
            if !self.watched.contains(file) {
                self.watched.push(file.clone());
            }
        }
    }
}

/// Lets a snapshot go that is no longer in force, once the checks that began with it have ended: none of them should be the last to
/// hold it, and nobody who answers should wait until it is taken apart.
async fn forget(old: Arc<Snapshot>) {
    tokio::time::sleep(FORGOTTEN).await;
    if let Err(error) = aside(move || drop(old)).await {
        tracing::debug!(%error, "an old snapshot was not taken apart aside");
    }
}

/// The streams with keys that begin to load, or are loaded already.
fn prepared(sets: &mut KeySets, streams: &Streams) -> Streams {
    let handles = sets.prepare(streams.key_sources());
    streams.with(&handles)
}

/// What the providers of a snapshot are given.
fn resources(handles: &Handles, known: &introspectors::Handles, lasting: &Resources) -> Resources {
    Resources {
        introspectors: known.clone(),
        key_sets: handles.clone(),
        ..lasting.clone()
    }
}

/// What keeps the configuration from being used; warnings do not.
fn describe(failure: &Failure) -> Vec<String> {
    let problems = failure.problems.as_slice().iter();
    problems
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| {
            format!(
                "{}:{}:{}: {}",
                shown(&problem.file),
                problem.line,
                problem.column,
                problem.message
            )
        })
        .collect()
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}
