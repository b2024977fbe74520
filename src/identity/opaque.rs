//! The way of an opaque token: whose it is, and what its issuer says about it.

use super::introspection::{IntrospectionProvider, IntrospectionSource, Introspector, Standing};
use super::kind::{Checked, Ready};
use super::proof::Unproven;
use super::providers::{CheckedProviders, Providers};
use super::refusal::Refusal;
use super::signed::Coming;
use crate::keys::{self, JwsError};
use crate::model::finding::Finding;
use crate::model::name::ProviderName;
use crate::model::reason::Reason;
use crate::model::route::Route;
use crate::model::spiffe::SpiffeId;
use crate::model::verdict::Denial;

impl CheckedProviders {
    /// Where opaque tokens are asked for; what [`CheckedProviders::with`] will look for.
    pub fn introspection_sources(
        &self,
    ) -> impl Iterator<Item = (&ProviderName, &IntrospectionSource)> {
        self.0
            .iter()
            .filter_map(|(name, provider)| Some((name, &provider.introspection()?.source)))
    }

    /// What is wrong with accepting credentials of all of these on one route; paths start at the list.
    pub fn check_together(&self, names: &[ProviderName]) -> Vec<Finding> {
        let opaque = |name| self.0.get(name).and_then(Checked::introspection);
        let mut findings = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let other = opaque(name).and_then(|provider| {
                let mut before = names.iter().take(index);
                before.find(|other| opaque(other).is_some_and(|it| it.overlaps(provider)))
            });
            findings.extend(other.map(|other| both_take(other, name).under(index)));
        }
        findings
    }
}

impl Providers {
    /// Whether a token is one to ask about: the route has somebody to ask, and no provider at all knows its `iss`, nor the
    /// trust domain of its `sub`. What a provider can verify itself is never sent anywhere, however broken it is.
    pub(super) fn is_opaque(&self, token: &str, route: &Route) -> bool {
        let mut of_route = route
            .providers
            .iter()
            .filter_map(|name| self.ready.get(name));
        let asks = of_route.any(|ready| matches!(ready, Ready::Introspection { .. }));
        // Only where it matters: who asks nobody need not know what a token says.
        let signed = || keys::claimed_issuer(token).is_some_and(|iss| self.signs(&iss));
        let workload = || keys::claimed_subject(token).is_some_and(|sub| self.vouches(&sub));
        asks && !signed() && !workload()
    }

    /// Whether any provider verifies tokens with this `iss` itself.
    fn signs(&self, iss: &str) -> bool {
        self.ready.values().any(|ready| match ready {
            Ready::Jwt { provider, .. } => *provider.issuer == *iss,
            Ready::Introspection { .. }
            | Ready::JwtSvid { .. }
            | Ready::ApiKey { .. }
            | Ready::Mtls(_) => false,
        })
    }

    /// Whether any provider asks about tokens with this `iss`.
    fn asks_of(&self, iss: &str) -> bool {
        self.ready.values().any(|ready| match ready {
            Ready::Introspection { provider, .. } => provider.issuer.as_deref() == Some(iss),
            Ready::Jwt { .. } | Ready::JwtSvid { .. } | Ready::ApiKey { .. } | Ready::Mtls(_) => {
                false
            }
        })
    }

    /// Asks about an opaque token: the provider whose prefix it has, else the one without.
    pub(super) async fn asked(&self, coming: Coming<'_>) -> Result<Unproven, Refusal> {
        let Coming {
            token,
            request,
            route,
            clock,
            ..
        } = coming;
        if token.len() > keys::MAX_TOKEN_BYTES {
            return Err(JwsError::TooLarge.into());
        }
        let Some((provider, known)) = self.asks_about(token, route) else {
            let denial = Denial::new(Reason::TokenIssuer);
            return Err(denial
                .because("no provider of the route takes the token")
                .into());
        };
        match known.ask(token, request.now, clock).await? {
            Standing::Active(members) => {
                let presented = self.presented(request, route);
                Ok(provider.read(&members, &presented)?)
            }
            Standing::Inactive => {
                let denial = Denial::new(Reason::TokenInactive);
                Err(denial
                    .because("the token's issuer says that it is not active")
                    .into())
            }
        }
    }

    /// Who is asked about a token. One that says whose it is goes to nobody else.
    fn asks_about(
        &self,
        token: &str,
        route: &Route,
    ) -> Option<(&IntrospectionProvider, &Introspector)> {
        let of_route = route
            .providers
            .iter()
            .filter_map(|name| self.ready.get(name));
        let takers = of_route.filter_map(|ready| match ready {
            Ready::Introspection { provider, known } => Some((&**provider, known)),
            Ready::Jwt { .. } | Ready::JwtSvid { .. } | Ready::ApiKey { .. } | Ready::Mtls(_) => {
                None
            }
        });
        let claimed = keys::claimed_issuer(token);
        let workload =
            keys::claimed_subject(token).is_some_and(|sub| SpiffeId::parse(&sub).is_some());
        // No two of a route have prefixes of one token, and at most one has none: the configuration is checked for that.
        takers
            .filter(|(provider, _)| match &provider.prefix {
                Some(prefix) => token.starts_with(&**prefix),
                None => true,
            })
            .filter(
                |(provider, _)| match (&provider.issuer, claimed.as_deref()) {
                    (Some(own), Some(iss)) => **own == *iss,
                    // A JWT-SVID is for its audience alone, and it needs no `iss`.
                    (_, None) => !workload,
                    (None, Some(iss)) => !workload && !self.asks_of(iss),
                },
            )
            .max_by_key(|(provider, _)| provider.prefix.is_some())
    }
}

fn both_take(other: &ProviderName, name: &ProviderName) -> Finding {
    let message =
        format!("an opaque token could be one of provider `{other}` as well as of `{name}`");
    Finding::error("ambiguous-providers", message).help(
        "an opaque token is sent to one endpoint only: give each provider a `prefix` of its tokens, none the start of another",
    )
}
