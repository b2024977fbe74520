//! How much harm a tool can do, proposed from what its server says about it.

use super::tool::Hints;
use crate::model::route::Tier;

/// A tier, and what it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The tier.
    pub tier: Tier,
    /// Why, in words for a comment.
    pub because: &'static str,
}

impl Proposal {
    /// The tier for these hints. What they leave open is read as the protocol says: not read-only, destructive, and open to the
    /// world (MCP 2025-11-25, `ToolAnnotations`). Of two hints that contradict each other the worse one counts.
    pub(super) const fn of(hints: Hints) -> Self {
        let Hints {
            read_only,
            destructive,
            idempotent,
            open_world,
        } = hints;
        let (tier, because) = match (read_only, destructive) {
            (_, Some(true)) => (Tier::Critical, "`destructiveHint: true`"),
            (Some(true), _) => (Tier::Low, "`readOnlyHint: true`"),
            (_, Some(false)) if matches!(open_world, Some(false)) => (
                Tier::Medium,
                "`destructiveHint: false`, `openWorldHint: false`",
            ),
            (_, Some(false)) => (
                Tier::High,
                "`destructiveHint: false`, and it may reach others (`openWorldHint`)",
            ),
            (Some(false), None) => (
                Tier::High,
                "`readOnlyHint: false`, and it may be destructive",
            ),
            (None, None) if idempotent.is_none() && open_world.is_none() => (
                Tier::High,
                "no hints, so by the protocol it is neither read-only nor harmless",
            ),
            (None, None) => (
                Tier::High,
                "no hint about harm, so by the protocol it may be destructive",
            ),
        };
        Self { tier, because }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_that_is_absent_is_the_worse_one() {
        let tier = |read_only, destructive, open_world| {
            let hints = Hints {
                read_only,
                destructive,
                open_world,
                idempotent: None,
            };
            Proposal::of(hints).tier
        };
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(tier(None, None, None), Tier::High);
        assert_eq!(tier(yes, None, None), Tier::Low);
        assert_eq!(tier(yes, no, yes), Tier::Low);
        assert_eq!(tier(no, None, None), Tier::High);
        assert_eq!(tier(no, yes, no), Tier::Critical);
        assert_eq!(tier(yes, yes, None), Tier::Critical, "a contradiction");
        assert_eq!(tier(None, no, no), Tier::Medium);
        assert_eq!(tier(None, no, None), Tier::High);
    }
}
