//! The way of a credential: found, known or verified, and shown to be the caller's own.
//!
//! What need not be waited for is done at once; what must be, waits in a box of its own, so that the many calls that never wait
//! do not carry its weight.

use super::api_key;
use super::credential::{Credential, Scheme, find};
use super::kind::Ready;
use super::place::Place;
use super::proof::{Presentation, Unproven};
use super::providers::{Clock, Providers};
use super::refusal::Refusal;
use super::signed::Coming;
use super::verified::Key;
use crate::model::identity::Identity;
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::route::Route;
use crate::model::verdict::Denial;

/// How far a credential came without waiting.
enum Step<'a> {
    Done(Option<Identity>),
    /// Its issuer has to be asked.
    Ask(Scheme, Coming<'a>),
    /// Its caller has to prove something.
    Prove(Unproven, Scheme, Coming<'a>),
}

impl Providers {
    /// Verifies the credential of a request to `route`: `None` if it carries none, a refusal if it carries one that is
    /// not accepted, never anything in between. Dates in the credential are compared with the request's own clock. What
    /// is verified offline, or known, never waits; the size of the credential bounds the work.
    pub async fn authenticate(
        &self,
        request: &AccessRequest,
        route: &Route,
        clock: Clock,
    ) -> Result<Option<Identity>, Refusal> {
        match self.begin(request, route, clock)? {
            Step::Done(identity) => Ok(identity),
            waits @ (Step::Ask(..) | Step::Prove(..)) => Box::pin(self.finish(waits)).await,
        }
    }

    fn begin<'a>(
        &'a self,
        request: &'a AccessRequest,
        route: &'a Route,
        clock: Clock,
    ) -> Result<Step<'a>, Refusal> {
        let Some(credential) = find(request, self.places_for(route))? else {
            return Ok(Step::Done(self.workload_party(request, route)?));
        };
        if route.providers.is_empty() {
            let denial = Denial::new(Reason::CredentialUnsupported);
            return Err(denial.because("the route accepts no credentials").into());
        }
        let (scheme, token, place) = match credential {
            Credential::Token(scheme, token) => (scheme, token, None),
            Credential::Placed(place, key) if self.holds_api_keys(place) => {
                let identity = self.api_key_of(key, place, request, route, clock)?;
                return Ok(Step::Done(Some(identity)));
            }
            Credential::Placed(place, token) => (Scheme::Bearer, token, Some(place)),
        };
        let coming = Coming {
            token,
            key: Key::of(token),
            place,
            request,
            route,
            clock,
        };
        let unproven = if let Some(known) = self.recall(coming) {
            known
        } else if place.is_none() && self.is_opaque(token, route) {
            return Ok(Step::Ask(scheme, coming));
        } else {
            self.signed(coming)?
        };
        Ok(if unproven.needs_nothing(scheme) {
            Step::Done(Some(unproven.identity))
        } else {
            Step::Prove(unproven, scheme, coming)
        })
    }

    async fn finish(&self, step: Step<'_>) -> Result<Option<Identity>, Refusal> {
        let (unproven, scheme, coming) = match step {
            Step::Done(identity) => return Ok(identity),
            Step::Ask(scheme, coming) => (self.asked(coming).await?, scheme, coming),
            Step::Prove(unproven, scheme, coming) => (unproven, scheme, coming),
        };
        let Coming {
            token,
            request,
            route,
            clock,
            ..
        } = coming;
        let certificate = if unproven.needs_certificate() {
            self.caller_thumbprint(request)?
        } else {
            None
        };
        let presentation = Presentation {
            token,
            scheme,
            request,
            route,
            certificate: certificate.as_deref(),
            until: clock.until,
        };
        self.proofs.prove(unproven, presentation).await.map(Some)
    }

    /// Verifies an API key that stands in `place`.
    fn api_key_of(
        &self,
        key: &str,
        place: &Place,
        request: &AccessRequest,
        route: &Route,
        clock: Clock,
    ) -> Result<Identity, Refusal> {
        let candidates = route
            .providers
            .iter()
            .filter_map(|name| match self.ready.get(name)? {
                Ready::ApiKey { provider, keys } if provider.place() == place => {
                    Some((&**provider, keys))
                }
                Ready::ApiKey { .. }
                | Ready::Jwt { .. }
                | Ready::Introspection { .. }
                | Ready::JwtSvid { .. }
                | Ready::Mtls(_) => None,
            });
        let mut candidates = candidates.peekable();
        if candidates.peek().is_none() {
            let denial = Denial::new(Reason::CredentialUnsupported);
            return Err(denial.because("the route accepts no API keys there").into());
        }
        api_key::verify(key, candidates, request, clock.now)
    }
}
