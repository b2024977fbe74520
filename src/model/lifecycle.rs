//! The checks of an identity's life, named after the OWASP Non-Human Identities Top 10 of 2025. This is the one table of
//! them: code, risk and reason stand here and nowhere else.

use super::party::PartyId;
use super::reason::Reason;

macro_rules! checks {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $risk:literal, $reason:ident;)*) => {
        /// One check; its code starts with the risk that it is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Check { $($(#[$doc])* $variant,)* }

        impl std::fmt::Display for Check {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Check {
            /// Every check, for metrics and documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable code, as records, metadata and metrics have it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The risk, by number and name.
            pub const fn risk(self) -> &'static str {
                match self { $(Self::$variant => $risk,)* }
            }

            /// Why a request is denied where the check denies.
            pub const fn reason(self) -> Reason {
                match self { $(Self::$variant => Reason::$reason,)* }
            }

            /// The check that denies for this reason, if one does.
            pub const fn of(reason: Reason) -> Option<Self> {
                match reason {
                    $(Reason::$reason => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

checks! {
    /// Nobody has registered it.
    Unregistered = "nhi1-unregistered", "NHI1 Improper Offboarding", IdentityUnregistered;
    /// Its registration is suspended.
    Suspended = "nhi1-suspended", "NHI1 Improper Offboarding", IdentitySuspended;
    /// It was off-boarded.
    Offboarded = "nhi1-offboarded", "NHI1 Improper Offboarding", IdentityOffboarded;
    /// Its registration has expired.
    Expired = "nhi7-expired", "NHI7 Long-Lived Secrets", IdentityExpired;
    /// Nothing proves that the credential was not stolen, where the tier of the action demands it.
    Unproven = "nhi4-no-proof", "NHI4 Insecure Authentication", ProofMissing;
    /// Its secret should have been rotated.
    RotationOverdue = "nhi7-rotation-overdue", "NHI7 Long-Lived Secrets", RotationOverdue;
    /// Its credential lives longer than allowed.
    TokenLifetime = "nhi7-token-lifetime", "NHI7 Long-Lived Secrets", TokenLifetime;
    /// It belongs to another environment than the route.
    Environment = "nhi8-environment", "NHI8 Environment Isolation", EnvironmentMismatch;
    /// It is used from a workload that is not in its list.
    Workload = "nhi9-workload", "NHI9 NHI Reuse", IdentityWorkload;
    /// A browser uses it.
    Browser = "nhi10-browser", "NHI10 Human Use of NHI", BrowserUse;
}

/// What a check does when it finds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Nothing: it is not made.
    Off,
    /// The call goes on, and record, metadata and metrics say so.
    Warn,
    /// The call is denied.
    Deny,
}

impl Level {
    /// The word that the configuration and the metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

/// Something that a check found about an identity of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The check.
    pub check: Check,
    /// `Warn` or `Deny`; what is off is never raised.
    pub level: Level,
    /// The identity.
    pub id: PartyId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_start_with_their_risk_and_reasons_lead_back() {
        let mut codes = std::collections::HashSet::new();
        for check in Check::ALL.iter().copied() {
            let (risk, _) = check.risk().split_once(' ').unwrap();
            let (prefix, word) = check.as_str().split_once('-').unwrap();
            assert_eq!(prefix, risk.to_lowercase(), "{check:?}");
            assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
            assert!(codes.insert(check.as_str()), "{check:?}");
            assert_eq!(Check::of(check.reason()), Some(check));
        }
        assert_eq!(Check::of(Reason::NotPermitted), None);
    }
}
