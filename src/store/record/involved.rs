//! Who an approval remembers: requesters, and those who voted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{RecordError, Text, damaged};
use crate::model::approval::{Involved, Vote, Voter};
use crate::model::name::ProviderName;
use crate::model::party::{PartyId, Prior};
use crate::model::time::Timestamp;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartyRecord {
    issuer: Option<Text>,
    id: Text,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InvolvedRecord {
    id: PartyRecord,
    kind: Text,
    owner: Option<Text>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VoteRecord {
    voter: VoterRecord,
    approve: bool,
    at: i64,
    reason: Option<Text>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VoterRecord {
    id: PartyRecord,
    kind: Text,
    groups: Vec<Text>,
    owner: Option<Text>,
    actor: Option<PartyRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    prior: Vec<PartyRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    owners: Vec<Text>,
    acr: Option<Text>,
    auth_time: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriorRecord {
    id: PartyRecord,
    owner: Option<Text>,
}

pub(super) fn prior(prior: &Prior) -> PriorRecord {
    let Prior { id, owner } = prior;
    PriorRecord {
        id: party(id),
        owner: owner.clone(),
    }
}

pub(super) fn read_prior(record: PriorRecord) -> Result<Prior, RecordError> {
    let PriorRecord { id, owner } = record;
    Ok(Prior {
        id: read_party(id)?,
        owner,
    })
}

fn party(party: &PartyId) -> PartyRecord {
    let PartyId { issuer, id } = party;
    PartyRecord {
        issuer: issuer.as_ref().map(ProviderName::shared),
        id: Arc::clone(id),
    }
}

fn read_party(record: PartyRecord) -> Result<PartyId, RecordError> {
    let PartyRecord { issuer, id } = record;
    let issuer = issuer.map(|name| ProviderName::new(&name)).transpose();
    Ok(PartyId {
        issuer: issuer.map_err(damaged)?,
        id,
    })
}

pub(super) fn involved(involved: &Involved) -> InvolvedRecord {
    let Involved { id, kind, owner } = involved;
    InvolvedRecord {
        id: party(id),
        kind: Arc::from(kind.as_str()),
        owner: owner.clone(),
    }
}

pub(super) fn read_involved(record: InvolvedRecord) -> Result<Involved, RecordError> {
    let InvolvedRecord { id, kind, owner } = record;
    Ok(Involved {
        id: read_party(id)?,
        kind: kind.parse().map_err(damaged)?,
        owner,
    })
}

pub(super) fn vote_record(vote: &Vote) -> VoteRecord {
    let Vote {
        voter:
            Voter {
                id,
                kind,
                groups,
                owner,
                actor,
                prior,
                owners,
                acr,
                auth_time,
            },
        approve,
        at,
        reason,
    } = vote;
    VoteRecord {
        voter: VoterRecord {
            id: party(id),
            kind: Arc::from(kind.as_str()),
            groups: groups.clone(),
            owner: owner.clone(),
            actor: actor.as_ref().map(party),
            prior: prior.iter().map(party).collect(),
            owners: owners.clone(),
            acr: acr.clone(),
            auth_time: auth_time.map(Timestamp::millis),
        },
        approve: *approve,
        at: at.millis(),
        reason: reason.clone(),
    }
}

pub(super) fn read_vote(record: VoteRecord) -> Result<Vote, RecordError> {
    let VoteRecord {
        voter:
            VoterRecord {
                id,
                kind,
                groups,
                owner,
                actor,
                prior,
                owners,
                acr,
                auth_time,
            },
        approve,
        at,
        reason,
    } = record;
    Ok(Vote {
        voter: Voter {
            id: read_party(id)?,
            kind: kind.parse().map_err(damaged)?,
            groups,
            owner,
            actor: actor.map(read_party).transpose()?,
            prior: prior
                .into_iter()
                .map(read_party)
                .collect::<Result<_, _>>()?,
            owners,
            acr,
            auth_time: auth_time.map(Timestamp::from_millis),
        },
        approve,
        at: Timestamp::from_millis(at),
        reason,
    })
}
