//! What a policy needs to be told about a request, and what it changes: for those who check the other side.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bound::Bound;
use super::compile::Policy;
use super::requirement::Requirement;

impl Policy {
    /// Every attribute path that a rule can read, shadow rules among them. A map that is read by a computed key is its
    /// own path.
    pub fn reads(&self) -> BTreeSet<&[Box<str>]> {
        self.bound().flat_map(Bound::reads).collect()
    }

    /// Whether a rule asks for the workload that calls.
    pub fn demands_workload(&self) -> bool {
        self.bound().any(Bound::asks_workload)
    }

    /// Whether a rule can only be met with a client certificate.
    pub fn demands_certificate(&self) -> bool {
        let mut required = self.bound().flat_map(|bound| &bound.rule.require);
        required.any(Requirement::is_of_certificate)
    }

    /// Every request header that a rule removes.
    pub fn stripped_headers(&self) -> BTreeSet<&Arc<str>> {
        let constraints = self.bound().filter_map(|bound| bound.constrain.as_ref());
        constraints.flat_map(|constrain| &constrain.strip).collect()
    }
}
