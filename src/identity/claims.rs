//! From verified claims to facts: the standard claims, the mapping, the declared claims, the chain.

use std::sync::Arc;

use super::chain::Link;
use super::payload::Payload;
use super::proof::{Binding, Unproven};
use super::reading::Reading;
use super::refusal;
use super::standard::{self, Clock};
use crate::model::identity::{Identity, Proof, TokenFacts};
use crate::model::name::ProviderName;
use crate::model::party::{Claims, PartyId};
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

/// What a token is presented to.
pub(super) struct Presented<'a, F> {
    pub(super) now: Timestamp,
    /// The route's audience.
    pub(super) audience: &'a str,
    /// The provider of the route that has exactly this `iss`.
    pub(super) issuer: F,
}

/// The facts, and what has to be proven, of a credential that is the provider's and of the right type; `key` signed it.
pub(super) fn read<F: Fn(&str) -> Option<ProviderName>>(
    reading: &Reading,
    payload: Payload<'_>,
    key: Option<Arc<str>>,
    presented: &Presented<'_, F>,
) -> Result<Unproven, Denial> {
    let clock = Clock {
        now: presented.now,
        leeway: reading.leeway,
    };
    let lifetime = clock.lifetime(payload, reading.demands.expiry)?;
    let audience = standard::audience(payload, presented.audience, reading.demands.audience)?;
    let binding = Binding::read(payload.member("cnf"))?;
    let sub = payload
        .text("sub")?
        .ok_or_else(|| refusal::claims("`sub` is missing"))?;
    let mapped = reading.mapping.apply(payload)?;
    let subject = PartyId::new(reading.name.clone(), mapped.id);
    let link = Link {
        provider: &reading.name,
        subject: &subject,
        sub: &sub,
        most: reading.max_delegation_depth,
        issuer: &presented.issuer,
    };
    let chain = link.read(payload.member("act"))?;
    let assurance = clock.assurance(payload)?;
    let validity = lifetime.validity.and_from(assurance.auth_time);
    let identity = Identity {
        provider: reading.name.clone(),
        subject,
        kind: mapped.kind,
        groups: mapped.groups.into(),
        owner: None,
        claims: Arc::new(declared(reading, payload)?),
        assurance,
        client: client(reading, payload)?,
        unregistered_client: reading.unregistered_client,
        chain,
        token: Arc::new(TokenFacts {
            scope: mapped.scope,
            audience,
            expires: lifetime.expires,
            issued: lifetime.issued,
            id: payload.text("jti")?,
            key,
            bindable: true,
            proof: Proof::None,
            // Set when it is proven.
            bound: None,
            session: payload.text("sid")?,
        }),
    };
    Ok(Unproven {
        identity,
        binding,
        validity,
    })
}

fn declared(reading: &Reading, payload: Payload<'_>) -> Result<Claims, Denial> {
    let mut claims = Claims::new();
    for claim in &reading.claims {
        if let Some(value) = claim.read(payload)? {
            claims.insert(Arc::clone(&claim.name), value);
        }
    }
    Ok(claims)
}

/// The first of the provider's client claims that the token has.
fn client(reading: &Reading, payload: Payload<'_>) -> Result<Option<Arc<str>>, Denial> {
    let mut names = reading.client.iter();
    let name = names.find(|name| payload.member(name).is_some());
    name.map_or(Ok(None), |name| payload.text(name))
}
