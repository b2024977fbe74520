//! What is stated at the moment of a scrape: ages, and series that come and go with the configuration.
//!
//! These live in a registry that is made for one scrape, so a provider that was removed, or a version that was
//! replaced, leaves no series behind, and two scrapes at once do not disturb each other.

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, Gauge, GaugeVec, Opts, Registry};

use crate::model::name::ProviderName;
use crate::model::time::Timestamp;

/// One key set, as of a scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetSample {
    /// The provider that verifies with it.
    pub provider: ProviderName,
    /// Time since it was last loaded; `None` before the first load.
    pub age: Option<Duration>,
    /// When it was last loaded.
    pub last_success: Option<Timestamp>,
    /// Failed loads since the start.
    pub failures: u64,
    /// Keys in it.
    pub keys: usize,
    /// Keys that it had and has not any more.
    pub withdrawn: u64,
    /// Look-ups that found a key.
    pub hits: u64,
    /// Look-ups of an id that no key has.
    pub misses: u64,
    /// Look-ups of a key that is there and cannot be used.
    pub unfit: u64,
}

/// The introspection of one provider's tokens, as of a scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntrospectionSample {
    /// The provider.
    pub provider: ProviderName,
    /// Requests that said that a token is active.
    pub active: u64,
    /// Requests that said that it is not.
    pub inactive: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests that were not made.
    pub shed: u64,
    /// Answers in memory.
    pub entries: u64,
}

/// The policy in force, and since when its successor is refused.
#[derive(Clone, Debug, Default)]
pub(super) struct PolicyState {
    in_force: Option<(Arc<str>, Timestamp)>,
    refused_since: Option<Timestamp>,
}

impl PolicyState {
    pub(super) fn loaded(&mut self, version: Arc<str>, at: Timestamp) {
        self.in_force = Some((version, at));
        self.refused_since = None;
    }

    /// Keeps the first moment: "since when" is what an alert asks.
    pub(super) fn refused(&mut self, at: Timestamp) {
        self.refused_since.get_or_insert(at);
    }

    /// The files say again what is in force, so nothing is refused any more.
    pub(super) fn unchanged(&mut self) {
        self.refused_since = None;
    }
}

/// Families that hold for this scrape only.
pub(super) fn families(
    policy: &PolicyState,
    now: Timestamp,
    key_sets: &[KeySetSample],
    introspection: &[IntrospectionSample],
) -> prometheus::Result<Vec<MetricFamily>> {
    let registry = Registry::new();
    state_policy(&registry, policy, now)?;
    state_key_sets(&registry, key_sets)?;
    state_introspection(&registry, introspection)?;
    Ok(registry.gather())
}

fn state_policy(
    registry: &Registry,
    policy: &PolicyState,
    now: Timestamp,
) -> prometheus::Result<()> {
    gauge(
        registry,
        "countersign_reload_refused_since_seconds",
        "Unix time since which the policy on disk is refused; 0 while it is fine.",
        policy.refused_since.map_or(0.0, seconds),
    )?;
    let Some((version, loaded)) = &policy.in_force else {
        return Ok(());
    };
    let info = GaugeVec::new(
        Opts::new("countersign_policy_info", "The policy in force; always 1."),
        &["version"],
    )?;
    info.get_metric_with_label_values(&[version.as_ref()])?
        .set(1.0);
    add(registry, info)?;
    gauge(
        registry,
        "countersign_policy_loaded_timestamp_seconds",
        "Unix time at which the policy came into force.",
        seconds(*loaded),
    )?;
    gauge(
        registry,
        "countersign_policy_age_seconds",
        "Time since the policy came into force.",
        (seconds(now) - seconds(*loaded)).max(0.0),
    )
}

fn state_key_sets(registry: &Registry, key_sets: &[KeySetSample]) -> prometheus::Result<()> {
    let families = KeySetFamilies::register(registry)?;
    for sample in key_sets {
        families.state(sample)?;
    }
    Ok(())
}

struct KeySetFamilies {
    age: GaugeVec,
    success: GaugeVec,
    keys: GaugeVec,
    failures: CounterVec,
    withdrawn: CounterVec,
    lookups: CounterVec,
}

impl KeySetFamilies {
    fn register(registry: &Registry) -> prometheus::Result<Self> {
        let gauges = |name, help| {
            add(
                registry,
                GaugeVec::new(Opts::new(name, help), &["provider"])?,
            )
        };
        let counters = |name, help, labels: &[&str]| {
            add(registry, CounterVec::new(Opts::new(name, help), labels)?)
        };
        Ok(Self {
            age: gauges(
                "countersign_keyset_age_seconds",
                "Time since the provider's key set was loaded.",
            )?,
            success: gauges(
                "countersign_keyset_last_success_timestamp_seconds",
                "Unix time at which the provider's key set was loaded; 0 before the first time.",
            )?,
            keys: gauges("countersign_keyset_keys", "Keys in the provider's set.")?,
            failures: counters(
                "countersign_keyset_failures_total",
                "Failed loads of the provider's key set.",
                &["provider"],
            )?,
            withdrawn: counters(
                "countersign_keyset_withdrawn_total",
                "Keys that were in the provider's set and are not in a later one.",
                &["provider"],
            )?,
            lookups: counters(
                "countersign_keyset_lookups_total",
                "Look-ups of a key in the provider's set, by result; a miss is an id that no key has.",
                &["provider", "result"],
            )?,
        })
    }

    fn state(&self, sample: &KeySetSample) -> prometheus::Result<()> {
        let provider = sample.provider.as_str();
        let gauge = |family: &GaugeVec, value| {
            let gauge = family.get_metric_with_label_values(&[provider]);
            gauge.map(|gauge| gauge.set(value))
        };
        let counter = |family: &CounterVec, labels: &[&str], count| {
            let counter = family.get_metric_with_label_values(labels);
            counter.map(|counter| counter.inc_by(float(count)))
        };
        if let Some(time) = sample.age {
            gauge(&self.age, time.as_secs_f64())?;
        }
        gauge(&self.success, sample.last_success.map_or(0.0, seconds))?;
        let keys = u64::try_from(sample.keys).unwrap_or(u64::MAX);
        gauge(&self.keys, float(keys))?;
        counter(&self.failures, &[provider], sample.failures)?;
        counter(&self.withdrawn, &[provider], sample.withdrawn)?;
        for (result, count) in [
            ("hit", sample.hits),
            ("miss", sample.misses),
            ("unfit", sample.unfit),
        ] {
            counter(&self.lookups, &[provider, result], count)?;
        }
        Ok(())
    }
}

fn state_introspection(
    registry: &Registry,
    introspection: &[IntrospectionSample],
) -> prometheus::Result<()> {
    let requests = add(
        registry,
        CounterVec::new(
            Opts::new(
                "countersign_introspection_requests_total",
                "Requests about the provider's opaque tokens, by result.",
            ),
            &["provider", "result"],
        )?,
    )?;
    let entries = add(
        registry,
        GaugeVec::new(
            Opts::new(
                "countersign_introspection_entries",
                "Answers about the provider's opaque tokens in memory.",
            ),
            &["provider"],
        )?,
    )?;
    for sample in introspection {
        let provider = sample.provider.as_str();
        for (result, count) in [
            ("active", sample.active),
            ("inactive", sample.inactive),
            ("failed", sample.failed),
            ("shed", sample.shed),
        ] {
            let labels = &[provider, result];
            let counter = requests.get_metric_with_label_values(labels)?;
            counter.inc_by(float(count));
        }
        let gauge = entries.get_metric_with_label_values(&[provider])?;
        gauge.set(float(sample.entries));
    }
    Ok(())
}

/// Seconds since the epoch, with milliseconds.
pub(super) fn seconds(at: Timestamp) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 stay exact for 285,000 years"
    )]
    let millis = at.millis() as f64;
    millis / 1000.0
}

pub(super) fn float(count: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "metrics are floats; counts stay exact below 2^53"
    )]
    let float = count as f64;
    float
}

/// Registers a gauge that has this value.
pub(super) fn gauge(
    registry: &Registry,
    name: &str,
    help: &str,
    value: f64,
) -> prometheus::Result<()> {
    let gauge = Gauge::new(name, help)?;
    gauge.set(value);
    add(registry, gauge).map(|_registered| ())
}

/// Registers a collector and hands it back.
pub(super) fn add<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
