//! How long credentials of a provider are good, and by whose clock.

use std::time::Duration;

use super::kind::Ready;
use super::providers::Providers;
use crate::model::name::ProviderName;

impl Providers {
    /// How long after a moment a credential of this provider that was issued by then can still be accepted, if there is a bound.
    pub fn outlives(&self, name: &ProviderName) -> Option<Duration> {
        match self.ready.get(name)? {
            Ready::Jwt { provider, .. } => provider.outlives(),
            Ready::Introspection { .. }
            | Ready::JwtSvid { .. }
            | Ready::ApiKey { .. }
            | Ready::Mtls(_) => None,
        }
    }

    /// How far ahead the clock may be that dates credentials of this provider; without a name, of any.
    pub fn leeway(&self, name: Option<&ProviderName>) -> Duration {
        let of = |(known, ready): (&ProviderName, &Ready)| {
            let asked = name.is_none_or(|name| name == known);
            asked.then(|| ready.leeway())
        };
        self.ready.iter().filter_map(of).max().unwrap_or_default()
    }
}
