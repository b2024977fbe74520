//! Approvals: what was asked for, who voted, and how often it was used. Plain data; whoever decides about it reads the clock.

use std::fmt;
use std::sync::Arc;

use super::approver::Approvers;
use super::decision::DecisionId;
use super::name::{ActionId, RouteId, RuleId};
use super::party::{Kind, PartyId, Prior};
use super::route::{Resource, Tier};
use super::time::Timestamp;

/// Characters of an id behind its prefix: 128 random bits in base64url without padding (RFC 4648, section 5).
const ID_CHARACTERS: usize = 22;

/// The id of an approval: `apr_` and 22 characters. It names an approval and opens nothing.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApprovalId(Arc<str>);

/// Why a text is no id of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an approval's id is `apr_` and 22 letters, digits, `-` and `_`")]
pub struct ApprovalIdError;

impl ApprovalId {
    /// Every id begins with it.
    pub const PREFIX: &str = "apr_";

    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, ApprovalIdError> {
        let rest = text.strip_prefix(Self::PREFIX).ok_or(ApprovalIdError)?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if rest.len() != ID_CHARACTERS || !rest.bytes().all(allowed) {
            return Err(ApprovalIdError);
        }
        Ok(Self(Arc::from(text)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The shared text.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an approval is found by: a digest of who asks for what, and of the arguments that it is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApprovalKey(pub [u8; 32]);

/// What has become of an approval. That its time is over is not written: [`Approval::state`] says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Nobody, or not everybody who must, has approved yet.
    Pending,
    /// It can be used.
    Approved,
    /// An approver has said no.
    Denied,
    /// Whoever asked for it, or an operator, has taken it back before it was decided.
    Cancelled,
    /// It was approved, and is no good any more.
    Revoked,
    /// It was used as often as it can be.
    Consumed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Approved,
        Self::Denied,
        Self::Cancelled,
        Self::Revoked,
        Self::Consumed,
    ];

    /// The word that answers, records and stores use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::Revoked => "revoked",
            Self::Consumed => "consumed",
        }
    }

    /// The status of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// A status at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As written.
    Is(Status),
    /// Nobody decided in time, or it was not used in time.
    Expired,
}

impl State {
    /// The word that people and programs read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Is(status) => status.as_str(),
            Self::Expired => "expired",
        }
    }
}

/// Where an approval stands among all, the newest first. It says so for itself, and stays true when the approval is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it was asked for.
    pub created: Timestamp,
    /// Its id.
    pub id: ApprovalId,
}

impl Place {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (millis, id) = text.split_once('.')?;
        Some(Self {
            created: Timestamp::from_millis(millis.parse().ok()?),
            id: ApprovalId::parse(id).ok()?,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created.millis(), self.id)
    }
}

/// One approval from the first attempt to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// What it is found by.
    pub key: ApprovalKey,
    /// Grows by one with every change, from 1.
    pub version: u64,
    /// What has become of it.
    pub status: Status,
    /// When it was asked for.
    pub created: Timestamp,
    /// Until when it can be decided.
    pub pending_until: Timestamp,
    /// When it was approved or denied.
    pub decided: Option<Timestamp>,
    /// Until when it can be used, once it is approved.
    pub valid_until: Option<Timestamp>,
    /// How often it can be used.
    pub uses: u32,
    /// Who asks.
    pub requester: Requester,
    /// Whose route it is, where one server decides for several.
    pub tenant: Option<Arc<str>>,
    /// The route.
    pub route: RouteId,
    /// The action.
    pub action: ActionId,
    /// How much harm it can do.
    pub tier: Tier,
    /// What it touches.
    pub resource: Option<Resource>,
    /// What approvers are shown of the call.
    pub details: Details,
    /// What was demanded when it was asked for.
    pub demand: DemandFacts,
    /// The version of the policy that demanded it.
    pub policy_version: Arc<str>,
    /// Why it was taken back or revoked.
    pub ended_because: Option<Arc<str>>,
    /// Who has voted, in order; one vote a voter.
    pub votes: Vec<Vote>,
    /// What it was used for, in order.
    pub spent: Vec<Spending>,
}

impl Approval {
    /// What it is at `now`.
    pub fn state(&self, now: Timestamp) -> State {
        let over = match self.status {
            Status::Pending => now > self.pending_until,
            Status::Approved => self.valid_until.is_none_or(|until| now > until),
            Status::Denied | Status::Cancelled | Status::Revoked | Status::Consumed => false,
        };
        if over {
            State::Expired
        } else {
            State::Is(self.status)
        }
    }

    /// Where it stands among all.
    pub fn place(&self) -> Place {
        Place {
            created: self.created,
            id: self.id.clone(),
        }
    }

    /// Whether it can still be decided or used at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        matches!(
            self.state(now),
            State::Is(Status::Pending | Status::Approved)
        )
    }

    /// How often it can be used yet, if it is approved.
    pub fn uses_left(&self) -> u32 {
        self.uses_left_of(self.uses)
    }

    /// The same where no more than so many uses are allowed by now.
    pub fn uses_left_of(&self, most: u32) -> u32 {
        let used = u32::try_from(self.spent.len()).unwrap_or(u32::MAX);
        self.uses.min(most).saturating_sub(used)
    }
}

/// Who asks for an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// On whose authority.
    pub subject: Involved,
    /// Who acts for the subject, where somebody does.
    pub actor: Option<Involved>,
    /// Who acted before, as the credential of the first attempt says.
    pub prior: Vec<Prior>,
    /// The key that the credential is bound to: `jkt:…` or `x5t:…`.
    pub proof: Option<Arc<str>>,
}

/// A party as an approval remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Involved {
    /// Who it is.
    pub id: PartyId,
    /// Its kind.
    pub kind: Kind,
    /// Who answers for it.
    pub owner: Option<Arc<str>>,
}

/// What approvers are shown of the call. It holds the values of arguments: it is in the store and in the answers to those who
/// may read approvals, and in no log and no record.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// What is called, as far as it is bound: `tools/call delete_customer`, `DELETE /v1/customers/7`, `POST /crm.Customers/Delete`.
    pub operation: Option<Arc<str>>,
    /// The canonical form (RFC 8785) of the bound arguments, if there are any.
    pub arguments: Option<Arc<str>>,
    /// What a message says beside its arguments, in the same form, where all of it is bound.
    pub rest: Option<Arc<str>>,
    /// The bound path parameters, in the same form.
    pub params: Option<Arc<str>>,
    /// The bound query, in the same form.
    pub query: Option<Arc<str>>,
    /// SHA-256 of the body, where it is bound as it is.
    pub body: Option<[u8; 32]>,
    /// The method, host and path of the first attempt.
    pub request: Option<Arc<str>>,
    /// The workload that called.
    pub workload: Option<Arc<str>>,
    /// The risk of the call, 0 to 100.
    pub risk: Option<u8>,
}

impl fmt::Debug for Details {
    /// Without any value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Details").finish_non_exhaustive()
    }
}

/// What was demanded when it was asked for: it says whose votes are taken. What counts is what is demanded when the approval is used.
#[derive(Clone, Debug, PartialEq)]
pub struct DemandFacts {
    /// The rules that demand it.
    pub rules: Vec<RuleId>,
    /// Whose approvals are needed: of each of them.
    pub from: Vec<Approvers>,
    /// Seconds that it is good for, from the last approval on.
    pub ttl: u64,
    /// What it is bound to: `args.segment`, `params`, …
    pub bind: Vec<Arc<str>>,
    /// Whether approvers must say why.
    pub reason_required: bool,
}

/// One approver's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Whose.
    pub voter: Voter,
    /// Yes or no.
    pub approve: bool,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<Arc<str>>,
}

/// An approver as it was verified when it voted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Who it is.
    pub id: PartyId,
    /// Its kind.
    pub kind: Kind,
    /// Its groups.
    pub groups: Vec<Arc<str>>,
    /// Who answers for it, where it is not human.
    pub owner: Option<Arc<str>>,
    /// Who acted for it, where somebody did.
    pub actor: Option<PartyId>,
    /// Everybody else whom its credential names.
    pub prior: Vec<PartyId>,
    /// Who answers for those through whom it votes.
    pub owners: Vec<Arc<str>>,
    /// The authentication context class of its credential.
    pub acr: Option<Arc<str>>,
    /// When it authenticated.
    pub auth_time: Option<Timestamp>,
}

/// One use of an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    /// The decision that used it.
    pub decision: DecisionId,
    /// When.
    pub at: Timestamp,
}

/// What a caller is told who has to wait for an approval. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The approval that is waited for; none where nothing was opened because nothing is decided in earnest.
    pub id: Option<ApprovalId>,
    /// The rule that demands it, for the log.
    pub rule: Option<RuleId>,
    /// Until when it can be decided.
    pub expires: Option<Timestamp>,
    /// Where people look at it, and decide.
    pub url: Option<Arc<str>>,
    /// Where the caller may ask how it stands.
    pub status_url: Option<Arc<str>>,
}

/// What records and metadata say about the approval that an allowed request used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalFacts {
    /// Its id.
    pub id: ApprovalId,
    /// How often it can be used yet.
    pub uses_left: u32,
    /// Who approved.
    pub approvers: Vec<PartyId>,
}
