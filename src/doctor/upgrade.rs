//! What is decided once and then stays open: upgrades, tunnels and streams.

use super::at::At;
use super::examine::Examination;
use super::trap::Trap;

/// Examines the upgrades that a connection manager lets through, and how long its streams live.
pub(super) fn examine(manager: &At<'_>, examination: &mut Examination<'_, '_>) {
    for upgrade in manager.list("upgrade_configs") {
        one(&upgrade, examination);
    }
    let options = manager.field("common_http_protocol_options");
    let limit = options.duration("max_stream_duration");
    if limit.is_none_or(|limit| limit.is_zero()) {
        examination.report.add(
            Trap::EndlessStreams,
            &options.field("max_stream_duration"),
            "a stream that was allowed stays open as long as both sides like, whatever is revoked in the meantime",
            "write `common_http_protocol_options: { max_stream_duration: 900s }`",
        );
    }
}

/// Examines one upgrade, of a connection manager or of a route.
pub(super) fn one(upgrade: &At<'_>, examination: &mut Examination<'_, '_>) {
    if upgrade.flag("enabled") == Some(false) {
        return;
    }
    let kind = upgrade.text_of("upgrade_type").unwrap_or_default();
    let report = &mut examination.report;
    if kind.to_ascii_uppercase().starts_with("CONNECT") {
        report.add(
            Trap::Tunnel,
            upgrade,
            format!(
                "`{kind}` opens a tunnel: one decision, and nothing that goes through it is decided"
            ),
            "remove it",
        );
    } else {
        report.add(
            Trap::Upgrade,
            upgrade,
            format!("after an upgrade to `{kind}` the messages are not decided any more, only the request that began it"),
            "remove it where it is not needed, and bound its life with `max_stream_duration`",
        );
    }
}
