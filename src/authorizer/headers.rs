//! A client cannot send an identity header that only the policy sets.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::approval::token::TOKEN_HEADER;
use crate::identity::Providers;
use crate::model::request::AccessRequest;
use crate::model::verdict::Constraints;

/// The headers that rules can set, in every spelling that an upstream may read as the same name: servers that make
/// variables of headers read `x_user` like `x-user`. Made once for a snapshot, because every allow needs it.
#[derive(Debug)]
pub struct Protected {
    /// As written, with dashes only, and with underscores only.
    spellings: BTreeSet<Arc<str>>,
    /// With dashes only, to recognise the mixed spellings of names with several dashes.
    dashed: HashSet<String>,
}

impl Protected {
    /// Protects the headers that rules can set.
    pub fn new(settable: &BTreeSet<Arc<str>>) -> Self {
        let dashed: HashSet<String> = settable.iter().map(|name| name.replace('_', "-")).collect();
        let mut spellings = settable.clone();
        for name in &dashed {
            spellings.insert(Arc::from(name.as_str()));
            spellings.insert(Arc::from(name.replace('-', "_")));
        }
        Self { spellings, dashed }
    }

    /// The protected names, with dashes only, that have spellings which are removed where they are seen and not otherwise: those
    /// with several dashes, of which some are underscores.
    pub fn with_mixed_spellings(&self) -> impl Iterator<Item = &str> {
        let several = |name: &&String| name.matches('-').nth(1).is_some();
        self.dashed.iter().filter(several).map(String::as_str)
    }

    /// Removes every protected header that no rule has set for this request.
    pub(super) fn apply(&self, constraints: &mut Constraints, request: &AccessRequest) {
        let Constraints { headers, strip, .. } = constraints;
        let unset = |name: &&Arc<str>| !headers.contains_key(*name);
        strip.extend(self.spellings.iter().filter(unset).cloned());
        let mixed = request.headers.iter().map(|(name, _)| name).filter(|name| {
            let is_mixed = name.contains('_') && self.dashed.contains(&name.replace('_', "-"));
            is_mixed && !headers.contains_key(*name)
        });
        strip.extend(mixed.map(Arc::from));
    }
}

/// Removes what the request was authenticated with, unless a rule sets something else in its place: an API key is for
/// this server, and whoever it is forwarded to could use it here.
pub(super) fn strip_credentials(
    providers: &Providers,
    constraints: &mut Constraints,
    request: &AccessRequest,
) {
    let Constraints { headers, strip, .. } = constraints;
    let sent = providers
        .credential_headers()
        .chain(std::iter::once(TOKEN_HEADER))
        .filter(|name| request.headers.get(name).is_some() && !headers.contains_key(*name));
    strip.extend(sent.map(Arc::from));
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
            raw_path: "/".into(),
            query: Query::default(),
            headers: Headers::new(headers.iter().map(|name| (*name, "evil"))),
            scheme: None,
            protocol: None,
            body: Body::Absent,
            source: Peer::default(),
            sni: None,
            context_extensions: std::collections::BTreeMap::new(),
            metadata: std::collections::BTreeMap::new(),
            route_metadata: std::collections::BTreeMap::new(),
            gateway: None,
        }
    }

    /// What is stripped when `set` is set, of what rules can set.
    fn stripped(settable: &[&str], set: &[&str], by_client: &[&str]) -> Vec<String> {
        let mut constraints = Constraints::default();
        for name in set {
            constraints.headers.insert(Arc::from(*name), "me".into());
        }
        let settable = settable.iter().map(|name| Arc::from(*name)).collect();
        Protected::new(&settable).apply(&mut constraints, &request(by_client));
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
