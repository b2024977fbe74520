//! What a record says of an approval: which one, and whose.

use serde::Serialize;

use super::text::Text;
use crate::model::approval::{ApprovalFacts, Ticket};
use crate::model::party::PartyId;
use crate::model::verdict::Verdict;

/// Longest provider, and longest id, of an approver.
const APPROVER: usize = 64;
/// Most approvers; all of them stand with the approval.
const MAX_APPROVERS: usize = 6;

/// The approval that was used, or the one that is waited for.
#[derive(Serialize)]
pub(super) struct ApprovalLine<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses_left: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    approvers: Vec<ApproverLine<'a>>,
}

#[derive(Serialize)]
struct ApproverLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<Text<'a>>,
    id: Text<'a>,
}

impl<'a> ApprovalLine<'a> {
    pub(super) fn of(verdict: &'a Verdict) -> Option<Self> {
        match verdict {
            Verdict::Allow(grant) => grant.approval.as_ref().map(Self::used),
            Verdict::Pending(ticket) => Self::waited_for(ticket),
            Verdict::Deny(_) | Verdict::Fault(_) => None,
        }
    }

    fn used(facts: &'a ApprovalFacts) -> Self {
        let ApprovalFacts {
            id,
            uses_left,
            approvers,
        } = facts;
        let approvers = approvers.iter().take(MAX_APPROVERS);
        Self {
            id: id.as_str(),
            uses_left: Some(*uses_left),
            approvers: approvers.map(ApproverLine::of).collect(),
        }
    }

    fn waited_for(ticket: &'a Ticket) -> Option<Self> {
        Some(Self {
            id: ticket.id.as_ref()?.as_str(),
            uses_left: None,
            approvers: Vec::new(),
        })
    }
}

impl<'a> ApproverLine<'a> {
    fn of(id: &'a PartyId) -> Self {
        let PartyId { issuer, id } = id;
        let issuer = issuer.as_ref();
        Self {
            issuer: issuer.map(|issuer| Text::new(issuer.as_str(), APPROVER)),
            id: Text::new(id, APPROVER),
        }
    }
}
