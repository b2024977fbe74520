//! The way of a presented key: taken apart, found, proven, and only then looked at closely.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::provider::ApiKeyProvider;
use super::table::{ApiKeys, Key};
use super::text::KeyText;
use crate::identity::refusal::Refusal;
use crate::keys::hmac;
use crate::model::identity::{Identity, Proof, TokenFacts, UnregisteredClient};
use crate::model::party::{Assurance, PartyId};
use crate::model::reason::{FaultCode, Reason};
use crate::model::request::AccessRequest;
use crate::model::verdict::{Denial, Fault};

/// Verifies a key that stands where `candidates` read keys: those of the request's route.
///
/// An unknown id, a key of another provider and a wrong secret are the same denial and the same work. What else is
/// wrong with a key is only said to those who have all of it.
pub(in crate::identity) fn verify<'a>(
    presented: &str,
    candidates: impl Iterator<Item = (&'a ApiKeyProvider, &'a ApiKeys)>,
    request: &AccessRequest,
    now: Instant,
) -> Result<Identity, Refusal> {
    let Some(text) = KeyText::parse(presented) else {
        return Err(Denial::new(Reason::ApiKeyMalformed).into());
    };
    let mut candidates = candidates.filter(|(provider, _)| provider.prefix == text.prefix);
    let Some(first) = candidates.next() else {
        let denial = Denial::new(Reason::ApiKeyUnknown);
        return Err(denial
            .because("no provider of the route has the key's prefix")
            .into());
    };
    let mut all = std::iter::once(first).chain(candidates);
    let Some(table) = first.1.fresh(now) else {
        let cause =
            "API keys were never loaded, or could not be compared with the store for too long";
        return Err(Refusal::Fault(Fault::new(
            FaultCode::KeysUnavailable,
            cause,
        )));
    };
    let found = table.get(text.id).and_then(|key| {
        let (provider, keys) =
            all.find(|(provider, _)| *provider.name.as_str() == *key.provider)?;
        Some((provider, keys, key))
    });
    let (provider, digest) = match found {
        Some((provider, _, key)) => (provider, &key.digest),
        // A comparison that cannot succeed, so that its absence does not tell which ids there are.
        None => (first.0, &[0; 32]),
    };
    let proven = hmac::verify(provider.pepper.expose(), text.whole.as_bytes(), digest);
    match found {
        Some((provider, keys, key)) if proven => {
            check(key, request)?;
            keys.note(key, request.now);
            Ok(identity(provider, key))
        }
        Some(_) | None => Err(Denial::new(Reason::ApiKeyUnknown).into()),
    }
}

fn check(key: &Key, request: &AccessRequest) -> Result<(), Denial> {
    let denied = |reason| Err(Denial::new(reason).because(format!("key `{}`", key.id)));
    if key.revoked {
        return denied(Reason::ApiKeyRevoked);
    }
    if key.expires <= request.now {
        return denied(Reason::ApiKeyExpired);
    }
    if !is_allowed_from(key, request.source.ip) {
        return denied(Reason::ApiKeyNetwork);
    }
    Ok(())
}

/// Without networks a key works anywhere; with them, a caller whose address Envoy does not tell is nowhere.
fn is_allowed_from(key: &Key, address: Option<IpAddr>) -> bool {
    let inside = |address| key.networks.iter().any(|network| network.contains(address));
    key.networks.is_empty() || address.is_some_and(inside)
}

fn identity(provider: &ApiKeyProvider, key: &Key) -> Identity {
    Identity {
        provider: provider.name.clone(),
        subject: PartyId::new(provider.name.clone(), Arc::clone(&key.identity)),
        kind: key.kind,
        groups: Arc::clone(&key.groups),
        owner: Some(Arc::clone(&key.owner)),
        claims: Arc::default(),
        assurance: Assurance::default(),
        client: None,
        // A key has no client and nobody acts behind it.
        unregistered_client: UnregisteredClient::Subject,
        chain: Vec::new(),
        token: Arc::new(TokenFacts {
            scope: key.scope.clone(),
            // A key is good in this deployment alone, because nobody else has its digest.
            audience: Vec::new(),
            expires: Some(key.expires),
            issued: Some(key.created),
            id: None,
            key: Some(Arc::clone(&key.id)),
            bindable: false,
            proof: Proof::None,
            bound: None,
            session: None,
        }),
    }
}
