//! Words for times, states and parties.

use maud::{Markup, html};

use super::shown;
use crate::model::approval::{Approval, Involved, State, Status};
use crate::model::party::Kind;
use crate::model::route::Tier;
use crate::model::time::Timestamp;

/// A moment as people say it, and as it is written.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> Markup {
    let written = at.to_string();
    let (date, time) = written.split_once('T').unwrap_or((&written, ""));
    let time = time.get(..8).unwrap_or(time);
    html! { (distance(at, now)) " " span.soft { "· " time datetime=(written) { (date) " " (time) " UTC" } } }
}

/// `in 9 min`, `3 h ago`.
pub(super) fn distance(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.seconds().saturating_sub(now.seconds());
    let amount = amount(seconds.unsigned_abs());
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {amount}"),
        _ => format!("{amount} ago"),
    }
}

/// Seconds in the one unit that people would use.
pub(super) fn amount(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6000 => format!("{} min", (seconds + MINUTE / 2) / MINUTE),
        6000..172_800 => format!("{} h", (seconds + HOUR / 2) / HOUR),
        _ => format!("{} days", (seconds + DAY / 2) / DAY),
    }
}

/// What an approval is at `now`, for people, and the class of its chip.
pub(super) fn state(approval: &Approval, now: Timestamp) -> Markup {
    let state = approval.state(now);
    let word = match state {
        State::Is(Status::Pending) => "waiting",
        State::Is(Status::Approved) => "approved",
        State::Is(Status::Denied) => "denied",
        State::Is(Status::Cancelled) => "taken back",
        State::Is(Status::Revoked) => "revoked",
        State::Is(Status::Consumed) => "used",
        State::Expired => "expired",
    };
    html! { span class={ "chip " (state.as_str()) } { (word) } }
}

/// How much harm a call can do.
pub(super) fn tier(tier: Tier) -> Markup {
    html! { span class={ "chip " (tier.as_str()) } { (tier.as_str()) } }
}

/// A party with its kind, its issuer and who answers for it.
pub(super) fn party(party: &Involved) -> Markup {
    let Involved { id, kind, owner } = party;
    html! {
        b { (shown::text(&id.id)) }
        span.soft {
            " " (kind_word(*kind))
            @if let Some(issuer) = &id.issuer { ", known to " (issuer.as_str()) }
            @if let Some(owner) = owner { ", owned by " (shown::text(owner)) }
        }
    }
}

/// A kind with its article.
pub(super) const fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Human => "a person",
        Kind::Service => "a service",
        Kind::Agent => "an agent",
        Kind::Anonymous => "nobody known",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_one_unit() {
        let now = Timestamp::from_seconds(1_000_000);
        let at = |seconds: i64| distance(Timestamp::from_seconds(1_000_000 + seconds), now);
        assert_eq!(at(0), "now");
        assert_eq!(at(59), "in 59 s");
        assert_eq!(at(540), "in 9 min");
        assert_eq!(at(-7200), "2 h ago");
        assert_eq!(at(-3 * 86_400), "3 days ago");
    }

    #[test]
    fn a_moment_is_also_written_out() {
        let now = Timestamp::from_seconds(1_000_000);
        let shown = moment(Timestamp::from_seconds(1_000_540), now).into_string();
        assert!(shown.starts_with("in 9 min "), "{shown}");
        assert!(shown.contains("1970-01-12 13:55:40 UTC"), "{shown}");
    }
}
