//! What `check` and `doctor` say of the things that a policy waits for from outside: conditions, and streams of security events.

use crate::config::Bundle;
use crate::model::duration::HumanDuration;

/// A line for every condition, as the files say it, and for every stream.
pub(super) fn standing(bundle: &Bundle) -> String {
    let mut lines: Vec<String> = bundle
        .conditions
        .iter()
        .map(|name| match bundle.set_conditions.get(name) {
            Some(value) => format!("  condition {name}: {value}, set by the file of conditions"),
            None => format!("  condition {name}: false, as the file of conditions does not set it"),
        })
        .collect();
    if !lines.is_empty() {
        lines.push(
            "  a running server may have been told otherwise: `countersign conditions` shows by whom, and until when"
                .to_owned(),
        );
    }
    lines.extend(bundle.events.bounds().map(|(name, bound)| match bound {
        Some(bound) => {
            let bound = HumanDuration::from_millis(u64::try_from(bound.as_millis()).unwrap_or(u64::MAX));
            format!("  stream {name}: stale after {bound} of silence (`/status`, `countersign_events_stale`)")
        }
        None => format!("  stream {name}: nobody notices its silence; set `events.streams.{name}.stale_after`"),
    }));
    lines.into_iter().map(|line| line + "\n").collect()
}
