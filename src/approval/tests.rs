//! Approvals from the first attempt to their end, against a real store.
