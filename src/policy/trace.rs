//! The trace of an evaluation: every rule considered, and why it did or did not apply.

use std::fmt;

use crate::model::name::RuleId;

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Who may.
    Permit,
    /// Who may not.
    Forbid,
    /// What must hold.
    Guard,
}

impl Effect {
    /// The key in the policy file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Forbid => "forbid",
            Self::Guard => "guard",
        }
    }
}

/// Why a rule did or did not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `to` names somebody else; which attribute did not match.
    OtherParty(&'static str),
    /// `when` does not hold.
    WhenFalse,
    /// `unless` holds.
    UnlessTrue,
    /// `when` or `unless` could not be evaluated: a permit does not match, a forbid matches, a guard is not met.
    Failed(String),
    /// The permit or forbid matches.
    Matched,
    /// The guard applies and what it demands is there.
    Met,
    /// The guard applies and its `must` does not hold.
    MustFalse,
    /// The guard applies and its `must` could not be evaluated.
    MustFailed(String),
    /// The guard applies and something that it requires is missing.
    Unmet(String),
    /// The rule is in shadow mode and was not asked.
    Shadow,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherParty(attribute) => {
                write!(f, "does not apply: `to.{attribute}` does not match")
            }
            Self::WhenFalse => f.write_str("does not apply: `when` is false"),
            Self::UnlessTrue => f.write_str("does not apply: `unless` is true"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Matched => f.write_str("matches"),
            Self::Met => f.write_str("applies and is met"),
            Self::MustFalse => f.write_str("applies: `must` is false"),
            Self::MustFailed(error) => write!(f, "applies: `must` failed: {error}"),
            Self::Unmet(what) => write!(f, "applies: missing {what}"),
            Self::Shadow => f.write_str("shadow: not enforced"),
        }
    }
}

/// One rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Considered {
    /// The rule.
    pub rule: RuleId,
    /// What it says.
    pub effect: Effect,
    /// The party that it was evaluated for; none for guards.
    pub party: Option<&'static str>,
    /// Why it did or did not apply.
    pub outcome: Outcome,
}

/// Every rule that covers the action, in the order of evaluation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace(pub Vec<Considered>);
