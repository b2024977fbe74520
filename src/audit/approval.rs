//! What a record says of an approval: which one, and whose.

use super::line::{Line, key};
use crate::model::approval::{ApprovalFacts, Ticket};
use crate::model::name::ProviderName;
use crate::model::party::PartyId;
use crate::model::verdict::Verdict;

/// Longest provider, and longest id, of an approver.
const APPROVER: usize = 64;
/// Most approvers; all of them stand with the approval.
const MAX_APPROVERS: usize = 6;

/// The approval that was used, or the one that is waited for.
pub(super) fn approval(line: &mut Line<'_>, verdict: &Verdict) {
    match verdict {
        Verdict::Allow(grant) => {
            if let Some(facts) = &grant.approval {
                used(line, facts);
            }
        }
        Verdict::Pending(Ticket { id: Some(id), .. }) => {
            line.object(key!("approval"), |line| line.word(key!("id"), id.as_str()));
        }
        Verdict::Pending(_) | Verdict::Deny(_) | Verdict::Fault(_) => {}
    }
}

fn used(line: &mut Line<'_>, facts: &ApprovalFacts) {
    let ApprovalFacts {
        id,
        uses_left,
        approvers,
    } = facts;
    line.object(key!("approval"), |line| {
        line.word(key!("id"), id.as_str());
        line.number(key!("uses_left"), (*uses_left).into());
        line.list(key!("approvers"), |line| {
            for id in approvers.iter().take(MAX_APPROVERS) {
                line.object_item(|line| approver(line, id));
            }
        });
    });
}

fn approver(line: &mut Line<'_>, id: &PartyId) {
    let PartyId { issuer, id } = id;
    let issuer = issuer.as_ref().map(ProviderName::as_str);
    line.text_if(key!("issuer"), issuer, APPROVER);
    line.text(key!("id"), id, APPROVER);
}
