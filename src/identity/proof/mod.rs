//! Proof of possession: whether the caller has the key that its token is bound to.
//!
//! A token says in `cnf` what it is bound to: a key, shown with a signature over every request (DPoP, RFC 9449), or a
//! client certificate (RFC 8705). What it is bound to must be shown, whatever the policy says; a token that is bound to
//! nothing passes without, and a rule may demand more. A proof is good once: what is remembered of it is bounded, and a
//! memory that is full or out of order refuses.
//!
//! The token comes first: nothing here is asked before its signature, its dates and its audience are right.

mod binding;
mod dpop;
mod mtls;
mod nonce;
mod settings;
mod spec;
#[cfg(test)]
mod tests;
mod url;

use std::sync::Arc;
use std::time::Instant;

pub(super) use binding::Binding;
use dpop::{Rules, Shown};
use nonce::Nonces;
pub use settings::DpopSettings;
pub use spec::{DpopSpec, NonceSpec};

use super::credential::{Scheme, scheme};
use super::refusal::Refusal;
use super::resources::Resources;
use super::standard::Validity;
use crate::model::decision::DpopFacts;
use crate::model::header;
use crate::model::identity::{Identity, Proof};
use crate::model::reason::{FaultCode, Reason};
use crate::model::request::AccessRequest;
use crate::model::route::Route;
use crate::model::verdict::{Denial, Fault};
use crate::store::{Consumed, Store};

/// A verified token whose caller has not shown to have its key. The way on is [`Proofs::prove`], unless there is nothing to show.
#[derive(Clone, Debug)]
pub(super) struct Unproven {
    pub(super) identity: Identity,
    pub(super) binding: Binding,
    /// The dates that it was accepted with.
    pub(super) validity: Validity,
}

impl Unproven {
    /// Whether nothing has to be shown: the token is bound to nothing, and is not presented as if it were.
    pub(super) fn needs_nothing(&self, scheme: Scheme) -> bool {
        scheme == Scheme::Bearer && self.binding.is_none()
    }

    /// Whether it must be shown with a client certificate.
    pub(super) const fn needs_certificate(&self) -> bool {
        self.binding.certificate.is_some()
    }
}

/// How a token was presented.
#[derive(Clone, Copy)]
pub(super) struct Presentation<'a> {
    pub(super) token: &'a str,
    pub(super) scheme: Scheme,
    pub(super) request: &'a AccessRequest,
    pub(super) route: &'a Route,
    /// The thumbprint of the caller's verified certificate; asked for only if the token needs one.
    pub(super) certificate: Option<&'a str>,
    /// When an answer is not heard any more.
    pub(super) until: Instant,
}

/// Checks proofs, and remembers them.
#[derive(Debug)]
pub(super) struct Proofs {
    rules: Rules,
    /// The algorithms as a challenge names them.
    algorithms: Arc<str>,
    /// None where no server runs: no proof is accepted there.
    memory: Option<Store>,
}

impl Proofs {
    pub(super) fn new(settings: DpopSettings, resources: &Resources) -> Self {
        let algorithms = settings.algorithms();
        let nonces = settings.nonce.as_ref().and_then(|nonce| {
            let key = nonce.key.as_ref().or(resources.nonce_secret.as_ref())?;
            Some(Nonces::new(key.expose(), nonce.ttl))
        });
        // Without a secret no nonce could be told from another, so no proof is accepted at all.
        let memory = match (&settings.nonce, &nonces) {
            (Some(_), None) => None,
            _ => resources.store.clone(),
        };
        Self {
            rules: Rules {
                algorithms: settings.algorithms,
                max_age: settings.max_age,
                leeway: settings.leeway,
                nonces,
            },
            algorithms,
            memory,
        }
    }

    /// The identity with the proof that its caller has shown; a refusal if the token is bound and it has not.
    pub(super) async fn prove(
        &self,
        unproven: Unproven,
        presentation: Presentation<'_>,
    ) -> Result<Identity, Refusal> {
        let Unproven {
            mut identity,
            binding,
            validity: _,
        } = unproven;
        let proof = self.proof(&binding, presentation).await?;
        if let Some(bound) = binding.text() {
            let token = Arc::make_mut(&mut identity.token);
            token.proof = proof;
            token.bound = Some(bound);
        }
        Ok(identity)
    }

    /// A token that is bound to both must be shown with both, and counts as shown with the stronger: a DPoP proof is
    /// about this request, a certificate about the connection.
    async fn proof(
        &self,
        binding: &Binding,
        presentation: Presentation<'_>,
    ) -> Result<Proof, Refusal> {
        let Binding { key, certificate } = binding;
        // The cheap refusals come first: a proof is used up last.
        match (presentation.scheme, key) {
            (Scheme::Bearer, Some(_)) => {
                return Err(refuse(
                    Reason::TokenBound,
                    "the token is bound to a key (`cnf.jkt`) and comes as a bearer token",
                )
                .into());
            }
            (Scheme::Dpop, None) => {
                return Err(refuse(
                    Reason::TokenBinding,
                    "the scheme is `DPoP`, and the token is bound to no key (`cnf.jkt`)",
                )
                .into());
            }
            (Scheme::Bearer, None) | (Scheme::Dpop, Some(_)) => {}
        }
        if let Some(thumbprint) = certificate {
            mtls::check(thumbprint, presentation.certificate)?;
        }
        match key {
            Some(key) => {
                self.dpop(key, presentation).await?;
                Ok(Proof::Dpop)
            }
            None if certificate.is_some() => Ok(Proof::Mtls),
            None => Ok(Proof::None),
        }
    }

    /// Checks the proof of the request's one `DPoP` header against the key, and uses it up.
    async fn dpop(&self, key: &str, presentation: Presentation<'_>) -> Result<(), Refusal> {
        let Presentation {
            token,
            scheme: _,
            request,
            route,
            certificate: _,
            until,
        } = presentation;
        let proof = request.headers.get(header::DPOP);
        let proof =
            proof.ok_or_else(|| refuse(Reason::DpopMissing, "there is no `DPoP` header"))?;
        let shown = Shown {
            request,
            url: &route.url,
            token,
            key,
        };
        let unspent = self.rules.check(proof, shown)?;
        let Some(memory) = &self.memory else {
            return Err(unavailable("there is no replay memory"));
        };
        let consumed = memory.consume(unspent.key, unspent.until, request.now);
        match tokio::time::timeout_at(until.into(), consumed).await {
            Ok(Ok(Consumed::Fresh)) => Ok(()),
            Ok(Ok(Consumed::Seen)) => {
                Err(refuse(Reason::DpopReplayed, "its `jti` was used before").into())
            }
            Ok(Ok(Consumed::Full)) => {
                let cause = "the replay memory is full of proofs that are still good";
                Err(Refusal::Fault(Fault::new(
                    FaultCode::ReplayMemoryFull,
                    cause,
                )))
            }
            Ok(Err(error)) => Err(unavailable(error.to_string())),
            Err(_elapsed) => Err(unavailable("the replay memory did not answer in time")),
        }
    }

    /// What the answer to a request tells about proofs: the algorithms, and a nonce for the next one. Nothing, and so no
    /// nonce is made, where a request that brought no proof is let in.
    pub(super) fn facts(&self, request: &AccessRequest, allowed: bool) -> Option<DpopFacts> {
        let presented = scheme(request) == Some(Scheme::Dpop);
        if allowed && !presented {
            return None;
        }
        let nonces = self.rules.nonces.as_ref();
        Some(DpopFacts {
            presented,
            algorithms: Arc::clone(&self.algorithms),
            nonce: nonces.map(|nonces| nonces.current(request.now).into()),
        })
    }
}

fn unavailable(cause: impl Into<String>) -> Refusal {
    Refusal::Fault(Fault::new(FaultCode::StoreUnavailable, cause))
}

fn refuse(reason: Reason, cause: &str) -> Denial {
    Denial::new(reason).because(cause)
}
