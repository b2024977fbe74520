//! Approvals from the first attempt to their end.

mod votes;
