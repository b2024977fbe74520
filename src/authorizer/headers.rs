//! A client cannot send an identity header that only the policy sets.

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
    let mut strip = |name: Arc<str>| {
        if !constraints.headers.contains_key(&name) {
            constraints.strip.insert(name);
        }
    };
    for name in settable {
        strip(Arc::clone(name));
        strip(name.replace('-', "_").into());
        strip(name.replace('_', "-").into());
    }
    let known: BTreeSet<String> = settable.iter().map(|name| name.replace('_', "-")).collect();
    // Names with several dashes have more spellings: of those, what the client sent.
    for (name, _) in request.headers.iter() {
        if known.contains(&name.replace('_', "-")) {
            strip(name.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::request::{Body, Headers, Peer, Query};
    use crate::model::time::Timestamp;

    fn request(headers: &[&str]) -> AccessRequest {
        AccessRequest {
            now: Timestamp::from_seconds(0),
            id: None,
            method: "GET".into(),
            host: "a.test".into(),
            path: "/".into(),
            query: Query::default(),
            headers: Headers::new(headers.iter().map(|name| ((*name).into(), "evil".into()))),
            scheme: None,
            protocol: None,
            body: Body::Absent,
            source: Peer::default(),
            sni: None,
            context_extensions: std::collections::BTreeMap::new(),
            metadata: std::collections::BTreeMap::new(),
            route_metadata: std::collections::BTreeMap::new(),
        }
    }

    /// What is stripped when `set` is set, of what rules can set.
    fn stripped(settable: &[&str], set: &[&str], by_client: &[&str]) -> Vec<String> {
        let mut constraints = Constraints::default();
        for name in set {
            constraints.headers.insert(Arc::from(*name), "me".into());
        }
        let settable = settable.iter().map(|name| Arc::from(*name)).collect();
        protect(&mut constraints, &settable, &request(by_client));
        assert!(
            constraints
                .headers
                .keys()
                .all(|name| !constraints.strip.contains(name)),
            "no name is set and removed"
        );
        constraints.strip.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_not_set_is_removed_even_if_envoy_did_not_show_it() {
        assert_eq!(
            stripped(&["x-actor", "x-user"], &["x-user"], &[]),
            ["x-actor", "x_actor", "x_user"]
        );
        assert_eq!(stripped(&["role"], &[], &[]), ["role"]);
        assert_eq!(stripped(&["role"], &["role"], &["role"]), [""; 0]);
    }

    #[test]
    fn every_spelling_that_a_client_sends_is_removed() {
        let sent = ["x_user-id", "x-user_id", "x_other-id", "x-user-id"];
        assert_eq!(
            stripped(&["x-user-id"], &["x-user-id"], &sent),
            ["x-user_id", "x_user-id", "x_user_id"]
        );
    }

    #[test]
    fn a_name_with_an_underscore_is_protected_in_its_other_spelling() {
        assert_eq!(stripped(&["x_user"], &["x_user"], &["x-user"]), ["x-user"]);
        assert_eq!(stripped(&["x_user"], &["x_user"], &[]), ["x-user"]);
    }
}
