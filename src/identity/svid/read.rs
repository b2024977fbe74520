//! What a JWT-SVID says, once its signature and type were checked.

use std::sync::Arc;
use std::time::Duration;

use super::Svid;
use crate::identity::payload::Payload;
use crate::identity::proof::{Binding, Unproven};
use crate::identity::reading::Presence;
use crate::identity::refusal;
use crate::identity::standard::{self, Clock};
use crate::model::identity::{Identity, Proof, TokenFacts, UnregisteredClient};
use crate::model::party::{Assurance, PartyId};
use crate::model::spiffe::SpiffeId;
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

/// How far away `exp` may be. The specification wants lifetimes short "in practice, minutes"; one that lives for longer
/// than a day is no proof of what runs now.
const LONGEST: Duration = Duration::from_hours(24);

impl Svid {
    /// Checks dates, audience and subject (section 3), and says who it is; `key` signed it. Claims that the specification
    /// does not know are left alone, but an actor is not: a workload speaks for itself.
    pub(in crate::identity) fn read(
        &self,
        payload: Payload<'_>,
        key: Option<Arc<str>>,
        now: Timestamp,
        audience: &str,
    ) -> Result<Unproven, Denial> {
        let clock = Clock {
            now,
            leeway: self.leeway,
        };
        let lifetime = clock.lifetime(payload, Presence::Required)?;
        let latest = now.plus(LONGEST).plus(self.leeway);
        if lifetime.expires.is_some_and(|expires| expires > latest) {
            return Err(refusal::claims("`exp` is more than a day away"));
        }
        // Where the clock is set back, it is too far away again.
        let validity = lifetime
            .validity
            .and_from(lifetime.expires.map(|expires| expires.minus(LONGEST)));
        let audience = standard::audience(payload, audience, Presence::Required)?;
        let binding = Binding::read(payload.member("cnf"))?;
        if payload.member("act").is_some() {
            return Err(refusal::claims("a JWT-SVID has no `act`"));
        }
        let subject = self.subject(payload)?;
        let identity = Identity {
            provider: self.name.clone(),
            subject: PartyId::new(self.name.clone(), subject.shared()),
            kind: self.kind,
            groups: Arc::default(),
            owner: None,
            claims: Arc::default(),
            assurance: Assurance::default(),
            client: None,
            unregistered_client: UnregisteredClient::Subject,
            chain: Vec::new(),
            token: Arc::new(TokenFacts {
                scope: Vec::new(),
                audience,
                expires: lifetime.expires,
                issued: lifetime.issued,
                id: payload.text("jti")?,
                key,
                proof: Proof::None,
                // Set when it is proven.
                bound: None,
                session: None,
                bindable: false,
            }),
        };
        Ok(Unproven {
            identity,
            binding,
            validity,
        })
    }

    /// The SPIFFE ID in `sub`. The bundle's keys speak for this trust domain and no other.
    fn subject(&self, payload: Payload<'_>) -> Result<SpiffeId, Denial> {
        let sub = payload.member("sub").and_then(|sub| sub.as_str());
        sub.and_then(SpiffeId::parse)
            .filter(|id| self.trust_domain.has(id))
            .ok_or_else(|| refusal::claims("`sub` is no SPIFFE ID of the provider's trust domain"))
    }
}
