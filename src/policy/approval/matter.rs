//! What exactly is approved: a digest of who asks for what, and of what of the call the approval is bound to.
//!
//! Two calls have one key only if an approver would see the same of both. So what is not known for certain, because Envoy did not
//! send it whole or because readers differ about it, is refused, and nothing that the client says about its approval is looked at.

use std::borrow::Cow;
use std::sync::Arc;

use super::content::Content;
use super::form::{canonical, hex, member, object, text};
use super::{Bind, Matter};
use crate::json::Json;
use crate::keys::sha256;
use crate::model::approval::{ApprovalKey, Details};
use crate::model::facts::Facts;
use crate::model::party::{Party, PartyId};
use crate::model::reason::Reason;
use crate::model::verdict::Denial;

/// What is digested first, so that no other digest is ever taken for a key.
const PREFIX: &[u8] = b"authz-approval/v1\0";

/// Most bytes that an approver is shown of a call. Each replica has those of all live approvals in memory, and nobody reads more.
const MAX_SHOWN: usize = 16 * 1024;

/// What an approval of this call is about. `proof` is the key that the caller's credential is bound to.
pub(in crate::policy) fn matter(
    facts: &Facts<'_>,
    tenant: Option<&Arc<str>>,
    proof: Option<&str>,
    bind: &Bind,
    weighed: bool,
) -> Result<Matter, Denial> {
    let content = Content::of(facts, bind)?;
    let bound = content.bound(bind);
    let digest = sha256(canonical(&bound)?.as_bytes());
    let whole = key_of(facts, tenant, proof, &digest);
    let mut text = PREFIX.to_vec();
    text.extend_from_slice(canonical(&whole)?.as_bytes());
    Ok(Matter {
        key: ApprovalKey(sha256(&text)),
        digest,
        tenant: tenant.cloned(),
        details: fitting(facts, content.details(facts, weighed)?)?,
    })
}

/// The details, unless they are more than anybody is shown.
fn fitting(facts: &Facts<'_>, details: Details) -> Result<Details, Denial> {
    let Details {
        operation,
        arguments,
        rest,
        params,
        query,
        body: _,
        request,
        workload: _,
        risk: _,
    } = &details;
    let resource = facts.asked.resource.as_ref();
    let shown = [operation, arguments, rest, params, query, request];
    let shown = shown.into_iter().flatten().map(|text| text.len());
    let size = shown.sum::<usize>() + resource.map_or(0, |it| it.id.len());
    if size <= MAX_SHOWN {
        return Ok(details);
    }
    let cause = format!(
        "what an approver would be shown of this call has {size} bytes, and {MAX_SHOWN} are the most: \
         `bind` what the approval has to be about"
    );
    Err(Denial::new(Reason::ApprovalTooLarge).because(cause))
}

/// Who asks for what, and what it is bound to.
fn key_of<'a>(
    facts: &'a Facts<'_>,
    tenant: Option<&'a Arc<str>>,
    proof: Option<&'a str>,
    digest: &[u8; 32],
) -> Json<'a> {
    let (parties, asked) = (facts.parties, facts.asked);
    let actor = parties.actor.as_ref();
    let resource = asked.resource.as_ref().map(|it| {
        object(vec![
            member("id", text(&it.id)),
            member("type", text(&it.kind)),
        ])
    });
    object(vec![
        member("tenant", tenant.map_or(Json::Null, |it| text(it))),
        member("route", text(asked.action.route.as_str())),
        member("subject", party(&parties.subject)),
        member("actor", actor.map_or(Json::Null, party)),
        member("proof", proof.map_or(Json::Null, text)),
        member("action", text(asked.action.id.as_str())),
        member("target", asked.target.as_deref().map_or(Json::Null, text)),
        member("resource", resource.unwrap_or(Json::Null)),
        member("digest", Json::String(Cow::Owned(hex(digest)))),
    ])
}

fn party(party: &Party) -> Json<'_> {
    let PartyId { issuer, id } = &party.id;
    let issuer = issuer
        .as_ref()
        .map_or(Json::Null, |name| text(name.as_str()));
    object(vec![member("iss", issuer), member("sub", text(id))])
}
