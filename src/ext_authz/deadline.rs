//! When an answer comes too late for Envoy to hear it.

use std::time::{Duration, Instant};

/// Longest time that a check may ask for; Envoy's default is 200 ms.
const MAX_TIMEOUT: Duration = Duration::from_mins(1);

/// How the time of a check is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    /// Kept back from Envoy's own timeout, so that the answer still travels in time.
    pub(super) margin: Duration,
    /// What a check without `grpc-timeout` gets.
    pub(super) default: Duration,
}

/// The moment from which an answer is a fault, whatever was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// The deadline of a check that arrived at `arrival`: its `grpc-timeout` less the margin, at most a minute. A
    /// timeout no longer than the margin has passed already. An unreadable timeout counts as none.
    pub(super) fn new(arrival: Instant, grpc_timeout: Option<&str>, patience: Patience) -> Self {
        let asked = grpc_timeout.and_then(timeout);
        let allowed = asked.map_or(patience.default, |asked| {
            asked.min(MAX_TIMEOUT).saturating_sub(patience.margin)
        });
        Self(arrival.checked_add(allowed).unwrap_or(arrival))
    }

    /// Whether it is too late at `now`.
    pub(super) fn passed(self, now: Instant) -> bool {
        now >= self.0
    }

    /// The moment itself.
    pub(super) const fn until(self) -> Instant {
        self.0
    }
}

/// Reads `grpc-timeout`: 1 to 8 digits and a unit (gRPC over HTTP/2, "Requests").
fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(count.saturating_mul(60))),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        margin: Duration::from_millis(10),
        default: Duration::from_secs(1),
    };

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        for (text, expected) in [
            ("200m", Some(Duration::from_millis(200))),
            ("1S", Some(Duration::from_secs(1))),
            ("2M", Some(Duration::from_mins(2))),
            ("99999999H", Some(Duration::from_hours(99_999_999))),
            ("5u", Some(Duration::from_micros(5))),
            ("5n", Some(Duration::from_nanos(5))),
            ("", None),
            ("m", None),
            ("5", None),
            ("-5m", None),
            ("+5m", None),
            ("5 m", None),
            ("5é", None),
            ("123456789m", None),
        ] {
            assert_eq!(timeout(text), expected, "{text}");
        }
    }

    #[test]
    fn an_answer_is_due_a_margin_before_the_timeout() {
        let arrival = Instant::now();
        let deadline = Deadline::new(arrival, Some("200m"), PATIENCE);
        assert!(!deadline.passed(arrival + Duration::from_millis(189)));
        assert!(deadline.passed(arrival + Duration::from_millis(190)));
    }

    #[test]
    fn a_timeout_within_the_margin_has_passed_already() {
        let arrival = Instant::now();
        assert!(Deadline::new(arrival, Some("10m"), PATIENCE).passed(arrival));
        assert!(!Deadline::new(arrival, Some("11m"), PATIENCE).passed(arrival));
    }

    #[test]
    fn no_timeout_and_no_readable_timeout_are_the_default() {
        let arrival = Instant::now();
        for text in [None, Some("soon")] {
            let deadline = Deadline::new(arrival, text, PATIENCE);
            assert!(!deadline.passed(arrival + Duration::from_millis(999)));
            assert!(deadline.passed(arrival + Duration::from_secs(1)));
        }
    }
}
