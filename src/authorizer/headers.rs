//! A client cannot send an identity header that only the policy sets (DESIGN section 6, promise 2).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::request::AccessRequest;
use crate::model::verdict::Constraints;

/// Removes every header that a rule can set and did not, in every spelling that an upstream may read as the same
/// name: servers that make variables of headers read `x_user` like `x-user`.
pub(super) fn protect(
    constraints: &mut Constraints,
    settable: &BTreeSet<Arc<str>>,
    request: &AccessRequest,
) {
    for name in settable {
        for spelling in [Arc::clone(name), Arc::from(name.replace('-', "_"))] {
            if !constraints.headers.contains_key(&spelling) {
                constraints.strip.insert(spelling);
            }
        }
    }
    for (name, _) in request
        .headers
        .iter()
        .filter(|(name, _)| name.contains('_'))
    {
        let spelled = settable
            .iter()
            .any(|known| known.replace('_', "-") == name.replace('_', "-"));
        if spelled && !constraints.headers.contains_key(name) {
            constraints.strip.insert(Arc::from(name));
        }
    }
}
