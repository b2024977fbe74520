//! Whether a token that is presented is good for this call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::TYP;
use super::claims::{Bound, bound, confirmation};
use super::settings::ApprovalTokens;
use crate::approval::Sought;
use crate::keys::{Compact, JwsError, VerifiedJws, digest_bytes};
use crate::model::approval::{ApprovalId, Vote, Voter};
use crate::model::name::ProviderName;
use crate::model::party::{Kind, PartyId};
use crate::model::time::Timestamp;

/// How far another server's clock may be ahead of ours. None is allowed after the end.
const LEEWAY: Duration = Duration::from_secs(30);
/// The longest time that a token may be good for.
const MAX_LIFETIME: Duration = Duration::from_hours(24);
/// Most approvers.
const MAX_APPROVERS: usize = 64;

pub(super) const KIND: &str = "kind";
pub(super) const GROUPS: &str = "groups";
pub(super) const OWNER: &str = "owner";
pub(super) const ACTOR: &str = "actor";
pub(super) const PRIOR: &str = "prior";
pub(super) const OWNERS: &str = "owners";
pub(super) const ACR: &str = "acr";
pub(super) const AUTH_TIME: &str = "auth_time";
pub(super) const AT: &str = "at";

/// A token that is good for the call, as far as the token itself can say.
#[derive(Clone, Debug, PartialEq)]
pub struct Presented {
    /// The approval's id.
    pub id: ApprovalId,
    /// Whether this server signed it: then the store knows the approval, or it is none.
    pub own: bool,
    /// Who approved, as the token says; to be held against today's demand.
    pub votes: Vec<Vote>,
    /// When it was issued at the earliest, whatever its issuer's clock says.
    pub issued: Timestamp,
    /// Until when it is good.
    pub until: Timestamp,
    /// What it is remembered by once it is used.
    pub digest: [u8; 32],
}

/// Why a token is not taken. Nothing in it is of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untaken {
    /// It is not good for this call; what exactly is wrong, for the log.
    Invalid(&'static str),
    /// It cannot be verified at the moment.
    Unavailable(&'static str),
}

/// The claims as they come. What else there is says nothing.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    iat: i64,
    nbf: Option<i64>,
    exp: i64,
    jti: String,
    sub: String,
    cnf: Option<Value>,
    authz: Map<String, Value>,
    approvers: Vec<Approver>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// An approver. Everything is looked at, so nothing else may be there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approver {
    issuer: String,
    id: Arc<str>,
    kind: String,
    #[serde(default)]
    groups: Vec<Arc<str>>,
    owner: Option<Arc<str>>,
    actor: Option<Party>,
    #[serde(default)]
    prior: Vec<Party>,
    #[serde(default)]
    owners: Vec<Arc<str>>,
    acr: Option<Arc<str>>,
    auth_time: Option<i64>,
    at: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Party {
    issuer: String,
    id: Arc<str>,
}

impl ApprovalTokens {
    /// Verifies a token for the call that is sought: signature, type, audience and time, and every member that it is bound to. That
    /// it is used once, that it was not revoked, and that today's rules are content with its approvers is for the caller to see.
    pub fn present(
        &self,
        token: &str,
        sought: &Sought,
        now: Timestamp,
    ) -> Result<Presented, Untaken> {
        let token = Compact::of(token).map_err(unverified)?;
        let (jws, audience, own) = self.signed(&token)?;
        if jws.typ() != Some(TYP) {
            return Err(Untaken::Invalid("its type is another"));
        }
        let claims = serde_json::from_value(Value::Object(jws.claims.into()));
        let claims: Claims =
            claims.map_err(|_error| Untaken::Invalid("a claim is missing or has another type"))?;
        let is_for = match &claims.aud {
            Audience::One(one) => **one == *audience,
            Audience::Many(many) => many.iter().any(|one| **one == *audience),
        };
        if !is_for {
            return Err(Untaken::Invalid("it is for somebody else"));
        }
        let until = in_time(&claims, now)?;
        let issued = Timestamp::from_seconds(claims.iat).minus(LEEWAY);
        is_of(&claims, sought)?;
        let id = ApprovalId::parse(&claims.jti);
        let id = id.map_err(|_error| Untaken::Invalid("its `jti` is no id of an approval"))?;
        let digest = digest_bytes([
            ("approval-token", claims.iss.as_bytes()),
            ("jti", id.as_str().as_bytes()),
        ]);
        let approvers = claims.approvers;
        if approvers.len() > MAX_APPROVERS {
            return Err(Untaken::Invalid("it has too many approvers"));
        }
        let ahead = now.plus(LEEWAY);
        let votes: Option<Vec<Vote>> = approvers.into_iter().map(vote).collect();
        let votes = votes.filter(|votes| votes.iter().all(|vote| vote.at <= ahead));
        Ok(Presented {
            id,
            own,
            votes: votes.ok_or(Untaken::Invalid("an approver is malformed"))?,
            issued,
            until,
            digest,
        })
    }

    /// The verified token, the audience that it must have, and whether it is this server's own.
    fn signed<'t>(&self, token: &'t Compact<'_>) -> Result<(VerifiedJws<'t>, &str, bool), Untaken> {
        let parsed = token.parse().map_err(unverified)?;
        let issuer = parsed.unverified_issuer().unwrap_or_default().to_owned();
        if issuer == *self.issuer {
            let jws = parsed.verify_own(&self.keys).map_err(unverified)?;
            return Ok((jws, &self.audience, true));
        }
        let accepted = self.accepted.iter().find(|it| *it.issuer == *issuer);
        let accepted = accepted.ok_or(Untaken::Invalid("its issuer is not accepted"))?;
        let keys = accepted.keys.as_ref();
        let keys = keys.ok_or(Untaken::Unavailable("its issuer's keys are not loaded"))?;
        let jws = parsed.verify(&accepted.algorithms, keys, Instant::now());
        Ok((jws.map_err(unverified)?, &accepted.audience, false))
    }
}

fn unverified(error: JwsError) -> Untaken {
    match error {
        JwsError::KeysNotLoaded | JwsError::KeysStale => {
            Untaken::Unavailable("its issuer's keys are not there")
        }
        JwsError::TooLarge
        | JwsError::Malformed
        | JwsError::TooDeep
        | JwsError::DuplicateMember
        | JwsError::CriticalHeader
        | JwsError::UnencodedPayload => Untaken::Invalid("it is not a JWS in compact form"),
        JwsError::AlgorithmNotAllowed => Untaken::Invalid("its algorithm is not accepted"),
        JwsError::UnknownKey | JwsError::UnfitKey | JwsError::AmbiguousKey => {
            Untaken::Invalid("its key is not its issuer's")
        }
        JwsError::BadSignature => Untaken::Invalid("its signature is wrong"),
    }
}

/// When it ends, if it has begun and has not ended.
fn in_time(claims: &Claims, now: Timestamp) -> Result<Timestamp, Untaken> {
    let begin = Timestamp::from_seconds(claims.iat.max(claims.nbf.unwrap_or(i64::MIN)));
    let end = Timestamp::from_seconds(claims.exp);
    if begin > now.plus(LEEWAY) {
        return Err(Untaken::Invalid("it is not good yet"));
    }
    if now >= end {
        return Err(Untaken::Invalid("it has expired"));
    }
    if end > Timestamp::from_seconds(claims.iat).plus(MAX_LIFETIME) {
        return Err(Untaken::Invalid("it is good for too long"));
    }
    Ok(end)
}

/// Whether it is bound to this call, member by member.
fn is_of(claims: &Claims, sought: &Sought) -> Result<(), Untaken> {
    let expected = bound(&Bound::of_call(sought));
    let expected = expected.as_object().into_iter().flatten();
    let none = Value::Null;
    for (name, value) in expected {
        if claims.authz.get(name).unwrap_or(&none) != value {
            return Err(Untaken::Invalid("it is bound to another call"));
        }
    }
    if *claims.sub != *sought.requester.subject.id.id {
        return Err(Untaken::Invalid("it is for another subject"));
    }
    if claims.cnf != confirmation(sought.requester.proof.as_deref()) {
        return Err(Untaken::Invalid("it is bound to another key"));
    }
    Ok(())
}

/// None if it names what is no provider, or no kind.
fn vote(approver: Approver) -> Option<Vote> {
    let Approver {
        issuer,
        id,
        kind,
        groups,
        owner,
        actor,
        prior,
        owners,
        acr,
        auth_time,
        at,
    } = approver;
    let known = |issuer: &str, id| Some(PartyId::new(ProviderName::new(issuer).ok()?, id));
    let actor = match actor {
        Some(Party { issuer, id }) => Some(known(&issuer, id)?),
        None => None,
    };
    let prior: Option<Vec<PartyId>> = prior
        .into_iter()
        .map(|it| known(&it.issuer, it.id))
        .collect();
    Some(Vote {
        voter: Voter {
            id: known(&issuer, id)?,
            kind: kind.parse::<Kind>().ok()?,
            groups,
            owner,
            actor,
            prior: prior?,
            owners,
            acr,
            auth_time: auth_time.map(Timestamp::from_seconds),
        },
        approve: true,
        at: Timestamp::from_seconds(at),
        reason: None,
    })
}
