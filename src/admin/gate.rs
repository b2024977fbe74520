//! Who asks: the one credential of a request to the admin listener.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::access::{Access, Operator};
use super::caller::access_request;
use super::inbox::Inbox;
use super::limiter::Limiter;
use super::settings::AdminSettings;
use super::{AdminError, AdminState};
use crate::certificate::Certificate;
use crate::identity::{Clock, Refusal};
use crate::keys::random_bytes;
use crate::model::name::RouteId;
use crate::model::party::Kind;
use crate::model::reason::{FaultCode, Reason};
use crate::model::route::{Protocol, Route, RouteMatch, Tier};
use crate::revocation::{Name, Standing};

/// How long a provider may take that asks somebody about a credential.
const ASK_WAIT: Duration = Duration::from_secs(5);

/// How many credentials are judged at once after too many have failed: guessing wears out neither the processor nor
/// whoever is asked about tokens.
const TURNS: usize = 4;

/// How many may wait at once for an approval to change: far fewer than there may be connections, so that somebody who looks or
/// revokes always finds one.
const WAITERS: usize = 64;

/// Everything that a request is judged with.
pub(super) struct Gate {
    pub(super) state: AdminState,
    pub(super) settings: AdminSettings,
    pub(super) limiter: Limiter,
    /// Taken by credentials that are judged after too many have failed.
    turns: Semaphore,
    /// What credentials of providers are presented to; none where no provider is listed.
    route: Option<Route>,
    /// Taken by those who wait for an approval to change.
    pub(super) waiters: Semaphore,
    /// Tokens are compared under it; nobody else knows it.
    pub(super) key: [u8; 32],
    /// The page where people approve.
    pub(super) inbox: Inbox,
}

/// The connection that a request came in on.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// Our side.
    pub(super) local: IpAddr,
    /// The other side.
    pub(super) remote: IpAddr,
    /// The client's certificate, verified.
    pub(super) certificate: Option<Arc<Certificate>>,
}

/// Who a request says that it is.
#[derive(Debug)]
pub(super) enum Presented {
    /// An operator that is listed.
    Operator(Operator),
    /// Nobody: there is no credential.
    Nothing,
    /// A certificate that is not listed, and nothing else.
    Stranger,
}

/// Why a credential is not accepted. The text is a code, never a part of the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is not valid.
    Invalid(&'static str),
    /// It is valid, and nobody lists whose it is.
    Unlisted,
    /// It is wrong in some way, and too many were before.
    Limited,
    /// It cannot be judged now.
    Unavailable(&'static str),
}

impl Gate {
    pub(super) fn new(settings: AdminSettings, state: AdminState) -> Result<Self, AdminError> {
        let key = random_bytes()?;
        let inbox = Inbox::new(&settings.inbox, settings.tls.is_some())?;
        Ok(Self {
            inbox,
            state,
            route: route(&settings),
            settings,
            limiter: Limiter::new(Instant::now()),
            turns: Semaphore::new(TURNS),
            waiters: Semaphore::new(WAITERS),
            key,
        })
    }

    /// Judges the credential of a request. One that is present and not valid is never overlooked; of two, neither counts.
    /// A certificate speaks for its owner where nothing else does.
    pub(super) async fn judge(
        &self,
        head: &Parts,
        connection: &Connection,
    ) -> Result<Presented, Refused> {
        let mut values = head.headers.get_all(header::AUTHORIZATION).iter();
        let authorization = values.next();
        if values.next().is_some() {
            return Err(Refused::Invalid("credential_ambiguous"));
        }
        if let Some(operator) = self.token(authorization).await {
            // The token is the credential; what a provider would read beside it is a second one.
            return match self.provider(head, connection, false).await {
                Ok(None) => Ok(Presented::Operator(operator)),
                Ok(Some(_)) | Err(_) => Err(Refused::Invalid("credential_ambiguous")),
            };
        }
        if let Some(operator) = self.provider(head, connection, true).await? {
            return Ok(Presented::Operator(operator));
        }
        if authorization.is_some() {
            return Err(Refused::Invalid("token_invalid"));
        }
        let access = &self.settings.access;
        if let Some(certificate) = &connection.certificate {
            let freshness = &(self.state.snapshot)().live.freshness;
            if !freshness.suffices(Tier::High, Instant::now()) {
                return Err(Refused::Unavailable(FaultCode::StateStale.as_str()));
            }
            if self.is_revoked(certificate) {
                return Err(Refused::Invalid(Reason::IdentityRevoked.as_str()));
            }
        }
        let listed = |certificate: &Arc<Certificate>| access.certificate(certificate);
        Ok(match &connection.certificate {
            Some(certificate) if access.has_certificates() => {
                listed(certificate).map_or(Presented::Stranger, Presented::Operator)
            }
            Some(_) | None => Presented::Nothing,
        })
    }

    /// Whether an operator's certificate is revoked, or whoever it names is.
    fn is_revoked(&self, certificate: &Certificate) -> bool {
        let snapshot = (self.state.snapshot)();
        let Some(mut judge) = snapshot.live.revocations.judge() else {
            return false;
        };
        let issued = Some(certificate.not_before());
        let key = format!("x5t:{}", certificate.thumbprint());
        judge.name(&Name::ProofKey(&key), issued);
        if let Ok(Some(id)) = certificate.spiffe_id() {
            judge.name(&Name::Spiffe(id.as_str()), issued);
        }
        judge.standing() != Standing::Good
    }

    /// Whose token this is, of those that files hold.
    async fn token(&self, authorization: Option<&HeaderValue>) -> Option<Operator> {
        let access: Access = self.settings.access.clone();
        let (scheme, token) = authorization?.to_str().ok()?.split_once(' ')?;
        if !access.has_tokens() || !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (key, token) = (self.key, token.to_owned());
        let compare = move || access.token(&key, token.as_bytes());
        tokio::task::spawn_blocking(compare).await.ok().flatten()
    }

    /// Waits for a turn where too many credentials have failed: whoever is right comes in, however many fail at the same time.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let crowded = self.limiter.is_exhausted(Instant::now());
        // The turns are never closed.
        if crowded {
            self.turns.acquire().await.ok()
        } else {
            None
        }
    }

    /// Whom a listed provider knows by the credential of the request; nobody if it has none. `whole` includes the
    /// `authorization` header.
    async fn provider(
        &self,
        head: &Parts,
        connection: &Connection,
        whole: bool,
    ) -> Result<Option<Operator>, Refused> {
        let Some(route) = &self.route else {
            return Ok(None);
        };
        let _turn = if whole { self.turn().await } else { None };
        let now = Instant::now();
        let request = access_request(head, connection, (self.state.clock)(), whole);
        let snapshot = (self.state.snapshot)();
        let clock = Clock {
            now,
            until: now + ASK_WAIT,
        };
        match snapshot.parties(&request, route, clock).await {
            Ok(who) if who.parties.subject.kind == Kind::Anonymous => Ok(None),
            Ok(who) => {
                let operator = self.settings.access.parties(&who.parties);
                operator.map(Some).ok_or(Refused::Unlisted)
            }
            Err(Refusal::Deny(denial)) => Err(Refused::Invalid(denial.reason.as_str())),
            Err(Refusal::Fault(fault)) => Err(Refused::Unavailable(fault.code.as_str())),
        }
    }
}

/// The built-in route that the listener is to a provider.
fn route(settings: &AdminSettings) -> Option<Route> {
    let audience = settings.audience.clone()?;
    let mut providers: Vec<_> = settings.access.providers().cloned().collect();
    providers.sort();
    providers.dedup();
    let (id, url) = (RouteId::new("countersign").ok()?, settings.url.as_ref());
    (!providers.is_empty()).then(|| Route {
        protocol: Protocol::Http,
        id,
        matches: RouteMatch::Extension,
        url: url.map_or_else(|| Arc::clone(&audience), |url| Arc::clone(&url.text)),
        audience,
        providers,
        tenant: None,
        environment: None,
        actions: Vec::new(),
    })
}
