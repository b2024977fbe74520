//! One reading of a path, a host and a header: what Envoy leaves open, countersign denies or the upstream reads otherwise.

use super::at::At;
use super::examine::Examination;
use super::trap::Trap;

const SLASHES: [&str; 5] = [
    "IMPLEMENTATION_SPECIFIC_DEFAULT",
    "KEEP_UNCHANGED",
    "REJECT_REQUEST",
    "UNESCAPE_AND_REDIRECT",
    "UNESCAPE_AND_FORWARD",
];
const UNDERSCORES: [&str; 3] = ["ALLOW", "REJECT_REQUEST", "DROP_HEADER"];

/// What becomes of headers whose names have underscores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Underscores {
    Pass,
    /// They are dropped, or their requests refused.
    Stop,
}

impl Underscores {
    fn of(protocol: &At<'_>) -> Self {
        match protocol.word("headers_with_underscores_action", &UNDERSCORES) {
            "ALLOW" => Self::Pass,
            _ => Self::Stop,
        }
    }
}

/// Examines how a connection manager reads requests.
pub(super) fn examine(manager: &At<'_>, examination: &mut Examination<'_, '_>) {
    let report = &mut examination.report;
    if !manager.is("normalize_path") {
        report.add(
            Trap::PathNotNormalised,
            &manager.field("normalize_path"),
            "paths with `/./` and `/../` arrive as they were sent: countersign denies them, also those of honest clients",
            "write `normalize_path: true`",
        );
    }
    if !manager.is("merge_slashes") {
        report.add(
            Trap::SlashesNotMerged,
            &manager.field("merge_slashes"),
            "paths with `//` arrive as they were sent: countersign denies them, also those of honest clients",
            "write `merge_slashes: true`",
        );
    }
    if manager.word("path_with_escaped_slashes_action", &SLASHES) != "REJECT_REQUEST" {
        report.add(
            Trap::EscapedSlashes,
            &manager.field("path_with_escaped_slashes_action"),
            "`%2F` and `%5C` in a path are not refused: nobody can say which resource the upstream takes them for",
            "write `path_with_escaped_slashes_action: REJECT_REQUEST`",
        );
    }
    let protocol = manager.field("common_http_protocol_options");
    examination.underscores = Underscores::of(&protocol);
    if examination.underscores == Underscores::Pass {
        report.add(
            Trap::UnderscoreHeaders,
            &protocol.field("headers_with_underscores_action"),
            "`x_user` passes beside `x-user`: for many frameworks they are one header, and only one was decided about",
            "write `common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }`",
        );
    }
    if !manager.is("strip_any_host_port") && !manager.is("strip_matching_host_port") {
        report.add(
            Trap::PortInHost,
            &manager.field("strip_any_host_port"),
            "a port in the host is part of its name for Envoy's routes, and is not for countersign: one request, two readings",
            "write `strip_any_host_port: true`",
        );
    }
    if !manager.is("strip_trailing_host_dot") {
        report.add(
            Trap::DotInHost,
            &manager.field("strip_trailing_host_dot"),
            "`example.com.` is another host for Envoy's routes, and the same for countersign: one request, two readings",
            "write `strip_trailing_host_dot: true`",
        );
    }
}
