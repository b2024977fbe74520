//! What the checks find: pure functions of what is registered, what the call brings and the moment.
//!
//! Each gives its findings in the order in which they decide. Raising a level never takes a finding away, so it never
//! turns a denial into anything else.

use super::settings::Lifecycle;
use super::{Registered, Rotation, Status};
use crate::model::identity::Proof;
use crate::model::lifecycle::{Check, Level};
use crate::model::route::Tier;
use crate::model::time::Timestamp;

/// Something that a check found; `level` is never `Off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The check.
    pub check: Check,
    /// What it does about it.
    pub level: Level,
}

/// How a call uses the identity that makes it.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// When its credential was issued, if that is known.
    pub issued: Option<Timestamp>,
    /// When its credential ends, if that is known.
    pub expires: Option<Timestamp>,
    /// How the credential was proven to be the caller's own.
    pub proof: Proof,
    /// The workload that calls, if it was verified.
    pub workload: Option<&'a str>,
    /// Whether a browser makes the call with the identity's own credential.
    pub browser: bool,
}

impl Lifecycle {
    /// About any registered identity that takes part in a call to a route of this environment.
    pub fn of_identity(
        &self,
        known: &Registered,
        environment: Option<&str>,
        now: Timestamp,
    ) -> Vec<Found> {
        let Registered {
            kind: _,
            owner: _,
            groups: _,
            status,
            expires,
            workloads: _,
            environment: own,
            rotation,
        } = known;
        let overdue = rotation.is_some_and(|rotation| now >= self.due(rotation));
        let elsewhere = own
            .as_deref()
            .zip(environment)
            .is_some_and(|(own, of_route)| own != of_route);
        found([
            (
                self.standing,
                Check::Offboarded,
                *status == Status::Offboarded,
            ),
            (
                self.standing,
                Check::Suspended,
                *status == Status::Suspended,
            ),
            (
                self.expired,
                Check::Expired,
                expires.is_some_and(|end| now >= end),
            ),
            (self.environment, Check::Environment, elsewhere),
            (self.rotation, Check::RotationOverdue, overdue),
        ])
    }

    /// About a party that is not human, which `known` is the registration of.
    pub fn of_party(&self, known: Option<&Registered>) -> Vec<Found> {
        found([(self.unregistered, Check::Unregistered, known.is_none())])
    }

    /// About the identity that makes the call, which is not human.
    pub fn of_use(&self, known: Option<&Registered>, how: &Use<'_>, now: Timestamp) -> Vec<Found> {
        let listed = known.is_none_or(|known| {
            let is_listed = |id: &str| known.workloads.iter().any(|glob| glob.matches(id));
            known.workloads.is_empty() || how.workload.is_some_and(is_listed)
        });
        found([
            (self.workload, Check::Workload, !listed),
            (
                self.token_lifetime,
                Check::TokenLifetime,
                self.is_long_lived(how, now),
            ),
            (self.browser, Check::Browser, how.browser),
        ])
    }

    /// About proof of possession, once the tier of the action is known.
    pub fn of_tier(&self, tier: Tier, proof: Proof) -> Vec<Found> {
        let unproven = proof == Proof::None && self.tiers.contains(&tier);
        found([(self.proof, Check::Unproven, unproven)])
    }

    /// The first moment at which the next rotation is overdue.
    pub fn due(&self, rotation: Rotation) -> Timestamp {
        rotation.at.plus(rotation.every.unwrap_or(self.max_age))
    }

    /// A credential that does not say when it was issued has at least the life that is left of it. One without an end
    /// lives too long, but for a certificate: Envoy has looked at its dates and does not always show them.
    fn is_long_lived(&self, how: &Use<'_>, now: Timestamp) -> bool {
        let begin = how.issued.unwrap_or(now);
        match how.expires {
            Some(end) => end > begin.plus(self.max_lifetime),
            None => how.proof != Proof::Mtls,
        }
    }
}

/// What is true and not off.
fn found<const N: usize>(checks: [(Level, Check, bool); N]) -> Vec<Found> {
    let made = checks
        .into_iter()
        .filter(|(level, _, is)| *is && *level != Level::Off);
    made.map(|(level, check, _)| Found { check, level })
        .collect()
}
