//! The way of a signed token: recalled if it was verified before, else read and verified.

use super::claims;
use super::kind::Ready;
use super::payload::Payload;
use super::place::Place;
use super::proof::Unproven;
use super::providers::{Clock, Providers};
use super::refusal::{Refusal, unknown_issuer};
use super::verified::{Entry, Grounds, Key};
use crate::keys::{self, Generation, KeySet};
use crate::model::name::ProviderName;
use crate::model::request::AccessRequest;
use crate::model::route::Route;

/// A token on its way in.
#[derive(Clone, Copy)]
pub(super) struct Coming<'a> {
    pub(super) token: &'a str,
    /// What it is remembered by.
    pub(super) key: Key,
    /// Where it stands, if that is not the `authorization` header.
    pub(super) place: Option<&'a Place>,
    pub(super) request: &'a AccessRequest,
    pub(super) route: &'a Route,
    pub(super) clock: Clock,
}

impl Providers {
    /// What is remembered of a token, if that is what verifying it would give.
    pub(super) fn recall(&self, coming: Coming<'_>) -> Option<Unproven> {
        let Coming {
            token: _,
            key,
            place,
            request,
            route,
            clock,
        } = coming;
        let counts = |entry: &Entry| {
            let keys = self.keys_for(entry.provider(), place, clock);
            entry.stands_on(self.epoch, keys) && entry.is_for(request, route)
        };
        let found = self.verified.find(key, clock.now, counts)?;
        Some(found.unproven())
    }

    /// Which keys a provider has for tokens that stand in `place`; none if it reads none there.
    fn keys_for(
        &self,
        name: &ProviderName,
        place: Option<&Place>,
        clock: Clock,
    ) -> Option<Generation> {
        match self.ready.get(name)? {
            Ready::Jwt { provider, keys } if provider.place.as_ref() == place => {
                keys.generation(clock.now)
            }
            Ready::JwtSvid { keys, .. } if place.is_none() => keys.generation(clock.now),
            Ready::Jwt { .. }
            | Ready::JwtSvid { .. }
            | Ready::Introspection { .. }
            | Ready::ApiKey { .. }
            | Ready::Mtls(_) => None,
        }
    }

    /// Verifies a signed token: one of access by its `iss`, else one of a workload by the trust domain of its `sub`.
    pub(super) fn signed(&self, coming: Coming<'_>) -> Result<Unproven, Refusal> {
        let Coming {
            token: text,
            key: _,
            place,
            request,
            route,
            clock,
        } = coming;
        let token = keys::Compact::of(text)?;
        let token = token.parse()?;
        let issuer = token
            .unverified_issuer()
            .and_then(|iss| self.issuer(route, iss));
        let (provider, keys) = match issuer {
            Some((_, Ready::Jwt { provider, keys })) if provider.place.as_ref() == place => {
                (provider, keys)
            }
            // Whose token it says to be decides; what that provider does not read, no other one is asked about.
            Some(_) => return Err(unknown_issuer().into()),
            None => return self.workload_token(token, coming),
        };
        let grounds = self.grounds(keys, clock);
        let verified = token.verify(&provider.algorithms, keys, clock.now)?;
        provider.types.check(verified.typ(), &verified.claims)?;
        let presented = self.presented(request, route);
        let payload = Payload(&verified.claims);
        let unproven = claims::read(&provider.reading, payload, verified.kid.clone(), &presented)?;
        provider.check_lifetime(&unproven.identity.token)?;
        self.remember(coming, &unproven, grounds);
        Ok(unproven)
    }

    /// What a token is about to be verified with; none if nothing can be. Asked before it is: keys that change meanwhile make
    /// what is remembered worthless, never too good.
    pub(super) fn grounds(&self, keys: &KeySet, clock: Clock) -> Option<Grounds> {
        let keys = keys.generation(clock.now)?;
        Some(Grounds {
            epoch: self.epoch,
            keys,
            since: clock.now,
        })
    }

    /// Remembers a token that was verified on `grounds`.
    pub(super) fn remember(
        &self,
        coming: Coming<'_>,
        unproven: &Unproven,
        grounds: Option<Grounds>,
    ) {
        if let Some(grounds) = grounds {
            let entry = Entry::new(unproven.clone(), grounds, coming.request.now);
            self.verified.remember(coming.key, entry);
        }
    }
}
