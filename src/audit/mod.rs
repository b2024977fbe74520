//! One redacted record for every decision.
