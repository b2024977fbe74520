//! What is remembered of one token, and when it counts.

use std::mem::size_of;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Epoch, LONGEST, between};
use crate::identity::proof::Unproven;
use crate::keys::Generation;
use crate::model::identity::{Identity, TokenFacts};
use crate::model::name::ProviderName;
use crate::model::party::Claims;
use crate::model::request::AccessRequest;
use crate::model::route::Route;
use crate::model::time::Timestamp;
use crate::model::value::Value;

/// The facts of a token, and all that they depend on.
#[derive(Debug)]
pub(in crate::identity) struct Entry {
    unproven: Unproven,
    epoch: Epoch,
    keys: Generation,
    /// When the token was verified.
    pub(super) since: Instant,
    lasts: Duration,
}

/// What a token was verified with, read before it was.
#[derive(Clone, Copy)]
pub(in crate::identity) struct Grounds {
    pub(in crate::identity) epoch: Epoch,
    pub(in crate::identity) keys: Generation,
    pub(in crate::identity) since: Instant,
}

impl Entry {
    /// What is remembered at `now` of a token that was accepted on these grounds.
    pub(in crate::identity) fn new(unproven: Unproven, grounds: Grounds, now: Timestamp) -> Self {
        let Grounds { epoch, keys, since } = grounds;
        let end = unproven.validity.end();
        Self {
            unproven,
            epoch,
            keys,
            since,
            lasts: end.map_or(LONGEST, |end| between(now, end).min(LONGEST)),
        }
    }

    /// The provider that verified it.
    pub(in crate::identity) fn provider(&self) -> &ProviderName {
        &self.unproven.identity.provider
    }

    /// Whether it was verified by these providers with these keys.
    pub(in crate::identity) fn stands_on(&self, epoch: Epoch, keys: Option<Generation>) -> bool {
        self.epoch == epoch && Some(self.keys) == keys
    }

    /// Whether the token is good for this request to this route, for all that depends on them: the issuers that the route
    /// accepts, its audience, and the dates.
    pub(in crate::identity) fn is_for(&self, request: &AccessRequest, route: &Route) -> bool {
        let Identity { chain, token, .. } = &self.unproven.identity;
        let accepts = |name: &ProviderName| route.providers.contains(name);
        let mut issuers = chain.iter().map(|party| party.issuer.as_ref());
        self.unproven.validity.holds(request.now)
            && token.audience.contains(&route.audience)
            && accepts(self.provider())
            && issuers.all(|issuer| issuer.is_some_and(accepts))
    }

    /// The facts.
    pub(in crate::identity) fn unproven(&self) -> Unproven {
        self.unproven.clone()
    }

    pub(super) const fn lasts(&self) -> Duration {
        self.lasts
    }

    /// Bytes that the entry takes, by estimate.
    pub(super) fn weight(&self) -> u32 {
        let Identity {
            groups,
            claims,
            assurance,
            client,
            chain,
            token,
            ..
        } = &self.unproven.identity;
        let TokenFacts {
            scope, audience, ..
        } = &**token;
        let texts: [&[Arc<str>]; 4] = [groups, scope, audience, &assurance.amr];
        let texts = texts.into_iter().flatten().chain(client);
        let texts: usize = texts.map(|text| text_size(text)).sum();
        let chain: usize = chain.iter().map(|party| text_size(&party.id)).sum();
        // The fields themselves, and what the few other texts and the cache's own records take.
        let fixed = size_of::<Self>() + 512;
        u32::try_from(fixed + texts + chain + claims_size(claims)).unwrap_or(u32::MAX)
    }
}

/// A shared text: its bytes, two counters and a pointer to it.
fn text_size(text: &str) -> usize {
    text.len() + 32
}

fn claims_size(claims: &Claims) -> usize {
    let sizes = claims.iter();
    sizes
        .map(|(name, value)| name.len() + 64 + value_size(value))
        .sum()
}

fn value_size(value: &Value) -> usize {
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Timestamp(_) => 0,
        Value::String(text) => text_size(text),
        Value::List(items) => items.iter().map(value_size).sum(),
        Value::Map(entries) => entries
            .iter()
            .map(|(name, value)| text_size(name) + value_size(value))
            .sum(),
    };
    size_of::<Value>() + inner
}
