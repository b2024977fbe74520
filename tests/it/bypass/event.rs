//! What happens meanwhile, to the policy and to everything that servers depend on.

use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    pub(super) name: String,
    pub(super) value: bool,
    #[serde(rename = "for")]
    pub(super) lasts: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replace {
    pub(super) replace: String,
    pub(super) with: String,
}

/// What can happen to a store. A file can go and come back; the others are a Valkey's and its line's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoreEvent {
    Gone,
    Back,
    Killed,
    Revived,
    Paused,
    Resumed,
    Wiped,
    /// The line takes two seconds for everything.
    Slow,
    /// The line lets nobody through, and cuts who is.
    CutOff,
    /// What is asked is lost.
    LosesRequests,
    /// What is answered is lost, though it was done.
    LosesAnswers,
    /// The line is as it should be.
    Connected,
    /// The standby learns nothing any more.
    StandbyFallsBehind,
    /// The standby takes over.
    FailsOver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyEvent {
    Down,
    Up,
    /// `next` is published beside the first key.
    Added,
    /// Only `next` is published.
    Replaced,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Endpoint {
    Stalls,
    Answers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Disk {
    /// Nothing can be written to a file any more.
    Full,
    Free,
}
