//! Signed approvals in place of stored ones.
