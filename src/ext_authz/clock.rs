//! The clock: the one place that reads it, once for every check.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::time::Timestamp;

/// Now, in UTC. A clock before 1970 reads as 1970: every credential is then not valid yet, none is taken for current.
pub fn now() -> Timestamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "the edge reads the clock once per request and passes it down"
    )]
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since_epoch.map_or(0, |elapsed| elapsed.as_millis());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
