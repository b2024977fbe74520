//! Whether anything that a call names is revoked: everybody in it, whoever answers for them, its credential and its keys.
//!
//! It is asked when the credential is verified, whatever was remembered to verify it, and once more when there is nothing left
//! to wait for: what was revoked while a call was decided about refuses it too.

use std::sync::Arc;

use super::examined::Examined;
use super::parties::client_of;
use super::snapshot::Snapshot;
use crate::model::identity::{Identity, Proof, TokenFacts, UnregisteredClient};
use crate::model::name::ProviderName;
use crate::model::party::{Parties, PartyId};
use crate::model::reason::Reason;
use crate::model::request::AccessRequest;
use crate::model::spiffe::SpiffeId;
use crate::model::time::Timestamp;
use crate::model::verdict::{Denial, Remedy, Verdict};
use crate::registry::Registry;
use crate::revocation::{Judge, Name, Standing};

/// How every SPIFFE ID begins.
const SPIFFE: &str = "spiffe://";

/// Nothing was found against a call at this revision of the revocations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unrevoked {
    revision: u64,
}

/// Whom a call names that nothing was found against, kept until it is decided.
#[derive(Debug)]
pub(super) struct Judged {
    found: Unrevoked,
    /// None for a call without a credential.
    named: Option<Named>,
}

/// Whom a credential names.
#[derive(Debug)]
struct Named {
    subject: PartyId,
    owner: Option<Arc<str>>,
    client: Option<Arc<str>>,
    chain: Vec<PartyId>,
    alone: bool,
}

/// Everything that a credential names.
struct Names<'a> {
    provider: &'a ProviderName,
    subject: &'a PartyId,
    /// Who answers for the subject, as the credential says.
    owner: Option<&'a str>,
    client: Option<&'a str>,
    chain: &'a [PartyId],
    /// Whether nobody acts for the subject but itself.
    alone: bool,
    token: &'a TokenFacts,
}

impl Unrevoked {
    /// Keeps what is needed to look again, and gives back what belongs to the credential itself.
    pub(super) fn of(
        self,
        identity: Identity,
        parties: &Parties,
    ) -> (Judged, (ProviderName, Arc<TokenFacts>)) {
        let Identity {
            provider,
            subject,
            kind: _,
            groups: _,
            owner,
            claims: _,
            assurance: _,
            client,
            unregistered_client: _,
            chain,
            token,
        } = identity;
        let named = Named {
            subject,
            owner,
            client,
            chain,
            alone: parties.actor.is_none(),
        };
        let judged = Judged {
            found: self,
            named: Some(named),
        };
        (judged, (provider, token))
    }
}

impl<'a> Names<'a> {
    fn of(identity: &'a Identity, registry: &Registry) -> Self {
        Self {
            provider: &identity.provider,
            subject: &identity.subject,
            owner: identity.owner.as_deref(),
            client: identity.client.as_deref(),
            chain: &identity.chain,
            alone: acts_alone(identity, registry),
            token: &identity.token,
        }
    }

    fn again(named: &'a Named, provider: &'a ProviderName, token: &'a TokenFacts) -> Self {
        let Named {
            subject,
            owner,
            client,
            chain,
            alone,
        } = named;
        Self {
            provider,
            subject,
            owner: owner.as_deref(),
            client: client.as_deref(),
            chain,
            alone: *alone,
            token,
        }
    }
}

impl Snapshot {
    /// Refuses a credential that anything is found against.
    pub(super) fn unrevoked(
        &self,
        request: &AccessRequest,
        identity: &Identity,
        workload: Option<&SpiffeId>,
    ) -> Result<Unrevoked, Denial> {
        // Read before the entries are: what comes between is looked for again.
        let revision = self.live.revocations.revision();
        if let Some(judge) = self.live.revocations.judge() {
            let names = Names::of(identity, &self.registry);
            self.judge_call(judge, request, Some(&names), workload)?;
        }
        Ok(Unrevoked { revision })
    }

    /// Refuses a call without a credential from a workload that anything is found against.
    pub(super) fn unrevoked_workload(
        &self,
        request: &AccessRequest,
        workload: Option<&SpiffeId>,
    ) -> Result<Judged, Denial> {
        let revision = self.live.revocations.revision();
        if let Some(judge) = self.live.revocations.judge() {
            self.judge_call(judge, request, None, workload)?;
        }
        let found = Unrevoked { revision };
        Ok(Judged { found, named: None })
    }

    /// Refuses a call that was about to pass, if something was revoked since it was examined that it names.
    pub fn look_again(&self, request: &AccessRequest, examined: &mut Examined) {
        let passes = matches!(examined.verdict, Verdict::Allow(_));
        let Some(judged) = examined.judged.as_ref().filter(|_| passes) else {
            return;
        };
        if judged.found.revision == self.live.revocations.revision() {
            return;
        }
        let Some(judge) = self.live.revocations.judge() else {
            return;
        };
        let names = judged.named.as_ref().zip(examined.credential.as_ref());
        let names = names.map(|(named, (provider, token))| Names::again(named, provider, token));
        let workload = examined.workload.as_ref();
        if let Err(denial) = self.judge_call(judge, request, names.as_ref(), workload) {
            examined.verdict = Verdict::Deny(denial);
        }
    }

    fn judge_call(
        &self,
        mut judge: Judge<'_>,
        request: &AccessRequest,
        names: Option<&Names<'_>>,
        workload: Option<&SpiffeId>,
    ) -> Result<(), Denial> {
        if let Some(names) = names {
            let issued = names.token.issued.or_else(|| {
                // A certificate that is the credential itself was issued when it says.
                let certificate = names.token.proof == Proof::Mtls && !names.token.bindable;
                certificate.then(|| self.providers.caller_issued(request))?
            });
            self.credential(&mut judge, names, issued);
            self.everybody(&mut judge, names, issued);
        }
        self.caller(&mut judge, request, workload);
        let (reason, entry) = match judge.standing() {
            Standing::Good => return Ok(()),
            Standing::Credential(entry) if names.is_some_and(|it| self.is_key(it.provider)) => {
                (Reason::ApiKeyRevoked, entry)
            }
            Standing::Credential(entry) => (Reason::CredentialRevoked, entry),
            Standing::Identity(entry) => (Reason::IdentityRevoked, entry),
        };
        let denial = Denial::new(reason).because(format!("`{}` is revoked", entry.target));
        Err(match reason {
            Reason::IdentityRevoked => denial,
            _ => denial.with(Remedy::Authenticate),
        })
    }

    /// Names what belongs to the credential.
    fn credential(&self, judge: &mut Judge<'_>, names: &Names<'_>, issued: Option<Timestamp>) {
        let (provider, token) = (names.provider, names.token);
        judge.name(&Name::Issuer(provider), issued);
        if let Some(id) = &token.id {
            judge.name(&Name::Token(provider, id), issued);
        }
        if let Some(session) = &token.session {
            judge.name(&Name::Session(provider, session), issued);
        }
        if let Some(client) = names.client {
            judge.name(&Name::Client(provider, client), issued);
        }
        if let Some(key) = &token.key {
            judge.name(&Name::Key(provider, key), issued);
            if judge.wants(&Name::ApiKey(key)) && self.is_key(provider) {
                judge.name(&Name::ApiKey(key), issued);
            }
        }
        for key in token.bound.iter().flat_map(|bound| bound.split(' ')) {
            judge.name(&Name::ProofKey(key), issued);
        }
    }

    /// Names everybody whom the credential speaks of, in every role, and whoever answers for them.
    fn everybody(&self, judge: &mut Judge<'_>, names: &Names<'_>, issued: Option<Timestamp>) {
        let &Names {
            provider,
            subject,
            owner,
            client,
            chain,
            alone,
            token: _,
        } = names;
        if let Some(issuer) = &subject.issuer {
            judge.name(&Name::Subject(issuer, &subject.id), issued);
        }
        let acting = chain.iter().chain(alone.then_some(subject));
        for party in acting {
            if let Some(issuer) = &party.issuer {
                judge.name(&Name::Actor(issuer, &party.id), issued);
                judge.name(&Name::Issuer(issuer), issued);
            }
        }
        if let Some(client) = client {
            judge.name(&Name::Actor(provider, client), issued);
        }
        if let Some(owner) = owner {
            judge.name(&Name::Owner(owner), issued);
        }
        let ids = [Some(&*subject.id), client].into_iter().flatten();
        for id in ids.chain(chain.iter().map(|hop| &*hop.id)) {
            if id.starts_with(SPIFFE) {
                judge.name(&Name::Spiffe(id), issued);
            }
        }
        if judge.wants(&Name::Owner("")) {
            let client = client.map(|client| PartyId::new(provider.clone(), client));
            for party in chain.iter().chain([subject]).chain(client.as_ref()) {
                if let Some(known) = self.registry.find(party) {
                    judge.name(&Name::Owner(&known.owner), issued);
                }
            }
        }
    }

    /// Names the workload that calls, and the certificate that it has shown.
    fn caller(&self, judge: &mut Judge<'_>, request: &AccessRequest, workload: Option<&SpiffeId>) {
        if let Some(id) = workload.map(|id| Name::Spiffe(id.as_str()))
            && judge.wants(&id)
        {
            judge.name(&id, self.providers.caller_issued(request));
        }
        if judge.wants(&Name::ProofKey(""))
            && let Some(key) = self.providers.caller_key(request)
        {
            let issued = self.providers.caller_issued(request);
            judge.name(&Name::ProofKey(&key), issued);
        }
    }

    fn is_key(&self, provider: &ProviderName) -> bool {
        self.providers.issuer_of_keys(provider.as_str()).is_some()
    }
}

/// Whether nobody acts for the subject: there is no chain, and the client is no party of its own.
fn acts_alone(identity: &Identity, registry: &Registry) -> bool {
    let is_party = |client: PartyId| {
        registry.find(&client).is_some()
            || match identity.unregistered_client {
                UnregisteredClient::Subject | UnregisteredClient::Deny => false,
                UnregisteredClient::Service | UnregisteredClient::Agent => true,
            }
    };
    identity.chain.is_empty() && !client_of(identity).is_some_and(is_party)
}
