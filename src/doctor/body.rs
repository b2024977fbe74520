//! How much of a body is sent, and whether it is the body.

use super::at::At;
use super::examine::Examination;
use super::trap::Trap;

/// What a check takes beside the body: headers, a certificate, metadata.
const BESIDE: usize = 128 * 1024;

/// Examines the settings of a filter or of a route.
pub(super) fn examine(settings: &At<'_>, examination: &mut Examination<'_, '_>) {
    let limit = examination.needs.max_message.saturating_sub(BESIDE);
    let report = &mut examination.report;
    if settings.is("allow_partial_message") {
        report.add(
            Trap::PartialBody,
            &settings.field("allow_partial_message"),
            "of a larger body countersign sees the beginning: it denies where a policy reads the body, and does not know the rest elsewhere",
            "write `allow_partial_message: false`: a larger body is 413, undecided",
        );
    }
    if !settings.is("pack_as_bytes") {
        report.add(
            Trap::BodyAsText,
            &settings.field("pack_as_bytes"),
            "Envoy replaces bytes that are not UTF-8, so that two different bodies look the same",
            "write `pack_as_bytes: true`",
        );
    }
    let max = settings.number("max_request_bytes").unwrap_or(0.0);
    // Both are exact: a `uint32` and less than 2^20.
    if u32::try_from(limit).is_ok_and(|limit| max > f64::from(limit)) {
        report.add(
            Trap::BodyTooLarge,
            &settings.field("max_request_bytes"),
            format!("countersign reads checks of {} bytes at most: one with such a body fails before it is decided", examination.needs.max_message),
            format!("write at most `max_request_bytes: {limit}`; 65536 is enough for calls of APIs and tools"),
        );
    }
}
