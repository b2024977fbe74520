//! Where requests carry credentials, for whoever takes them out again; and by which name others know who vouched for them.

use super::kind::Ready;
use super::place::Place;
use super::providers::Providers;
use crate::model::name::ProviderName;

impl Providers {
    /// The headers that hold credentials of their own. They are for this server, so no upstream gets them.
    pub fn credential_headers(&self) -> impl Iterator<Item = &str> {
        self.places.keys().filter_map(|place| match place {
            Place::Header(name) => Some(&**name),
            Place::Cookie(_) => None,
        })
    }

    /// The cookies that hold credentials.
    pub fn credential_cookies(&self) -> impl Iterator<Item = &str> {
        self.places.keys().filter_map(|place| match place {
            Place::Cookie(name) => Some(&**name),
            Place::Header(_) => None,
        })
    }

    /// The `iss` of a provider's tokens, if it has one.
    pub fn iss(&self, name: &ProviderName) -> Option<&str> {
        match self.ready.get(name)? {
            Ready::Jwt { provider, keys: _ } => Some(&*provider.issuer),
            Ready::Introspection { provider, known: _ } => provider.issuer.as_deref(),
            Ready::JwtSvid { .. } | Ready::ApiKey { .. } | Ready::Mtls(_) => None,
        }
    }
}
