//! Counters and gauges of the running server.

use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::model::time::Timestamp;

use super::metrics::{Reload, ShadowEffect};
use super::scrape::{add, seconds};

/// Handles of everything that is counted as it happens.
#[derive(Debug)]
pub(super) struct CheckMetrics {
    pub(super) in_flight: IntGauge,
    pub(super) shed: IntCounter,
    pub(super) audit_dropped: IntCounter,
    pub(super) audit_failures: IntCounter,
    pub(super) shadow_dropped: IntCounter,
    pub(super) sightings_dropped: IntCounter,
    pub(super) sightings_failures: IntCounter,
    pub(super) api_keys_live: IntGauge,
    pub(super) api_keys_unreadable: IntGauge,
    pub(super) api_keys_age: Gauge,
    would_deny: IntCounter,
    would_allow: IntCounter,
    reloads_applied: IntCounter,
    reloads_refused: IntCounter,
    reloads_unchanged: IntCounter,
}

impl CheckMetrics {
    pub(super) fn register(
        registry: &Registry,
        version: &str,
        started: Timestamp,
    ) -> prometheus::Result<Self> {
        process(registry, version, started)?;
        let counter = |name, help| add(registry, IntCounter::new(name, help)?);
        let shadow = add(
            registry,
            IntCounterVec::new(
                Opts::new(
                    "countersign_shadow_differences_total",
                    "Decisions that rules in shadow mode would have made otherwise; the log names the rule.",
                ),
                &["effect"],
            )?,
        )?;
        let reloads = add(
            registry,
            IntCounterVec::new(
                Opts::new(
                    "countersign_reloads_total",
                    "Reloads of the policy, by result.",
                ),
                &["result"],
            )?,
        )?;
        Ok(Self {
            in_flight: add(
                registry,
                IntGauge::new("countersign_checks_in_flight", "Checks being decided now.")?,
            )?,
            shed: counter(
                "countersign_checks_shed_total",
                "Checks refused because too many were in flight.",
            )?,
            audit_dropped: counter(
                "countersign_audit_dropped_total",
                "Decisions that became a fault because the queue of records was full.",
            )?,
            audit_failures: counter(
                "countersign_audit_write_failures_total",
                "Failed attempts to write decision records; each is retried.",
            )?,
            shadow_dropped: counter(
                "countersign_shadow_records_dropped_total",
                "Shadow results without a record because the queue was nearly full.",
            )?,
            sightings_dropped: counter(
                "countersign_identities_dropped_total",
                "Sightings of identities that there was no room to remember.",
            )?,
            sightings_failures: counter(
                "countersign_identities_write_failures_total",
                "Failed attempts to write down who was seen; each is retried.",
            )?,
            api_keys_live: add(
                registry,
                IntGauge::new("countersign_api_keys_live", "API keys that work now.")?,
            )?,
            api_keys_unreadable: add(
                registry,
                IntGauge::new(
                    "countersign_api_keys_unreadable",
                    "API keys of the store that cannot be read and are refused.",
                )?,
            )?,
            api_keys_age: add(
                registry,
                Gauge::new(
                    "countersign_api_keys_age_seconds",
                    "Time since the API keys in memory were the same as those in the store.",
                )?,
            )?,
            would_deny: shadow.get_metric_with_label_values(&["would_deny"])?,
            would_allow: shadow.get_metric_with_label_values(&["would_allow"])?,
            reloads_applied: reloads.get_metric_with_label_values(&["applied"])?,
            reloads_refused: reloads.get_metric_with_label_values(&["refused"])?,
            reloads_unchanged: reloads.get_metric_with_label_values(&["unchanged"])?,
        })
    }

    pub(super) fn shadow_difference(&self, effect: ShadowEffect) {
        match effect {
            ShadowEffect::WouldDeny => self.would_deny.inc(),
            ShadowEffect::WouldAllow => self.would_allow.inc(),
        }
    }

    pub(super) fn reload(&self, reload: &Reload) {
        match reload {
            Reload::Applied { version: _ } => self.reloads_applied.inc(),
            Reload::Refused => self.reloads_refused.inc(),
            Reload::Unchanged => self.reloads_unchanged.inc(),
        }
    }
}

fn process(registry: &Registry, version: &str, started: Timestamp) -> prometheus::Result<()> {
    let build = IntGaugeVec::new(
        Opts::new("countersign_build_info", "The running version; always 1."),
        &["version"],
    )?;
    build.get_metric_with_label_values(&[version])?.set(1);
    add(registry, build)?;
    let start = Gauge::new(
        "process_start_time_seconds",
        "Unix time at which the process started.",
    )?;
    start.set(seconds(started));
    add(registry, start)?;
    Ok(())
}
