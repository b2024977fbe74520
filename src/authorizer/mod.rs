//! The order of things: one request, from route to verdict.

use crate::model::decision::Decision;
use crate::model::request::AccessRequest;
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;

/// Decides requests. Cheap to clone; every clone sees the current snapshot.
#[derive(Clone, Debug)]
pub struct Authorizer {}

impl Authorizer {
    /// Decides a canonical request and records the decision.
    pub fn decide(&self, _request: &AccessRequest) -> Decision {
        std::process::abort()
    }

    /// Records a check that never became a canonical request: ambiguous, overloaded, past its deadline, a panic.
    /// `verdict` must not be an allow; one that is becomes a fault.
    pub fn refuse(
        &self,
        _verdict: Verdict,
        _at: Timestamp,
        _request_id: Option<String>,
    ) -> Decision {
        std::process::abort()
    }
}
