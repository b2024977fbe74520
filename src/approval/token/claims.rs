//! What a token says: whose call was approved, by whom, and until when.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::settings::ApprovalTokens;
use super::{TYP, verify};
use crate::approval::Sought;
use crate::keys::SignError;
use crate::keys::base64url::encode;
use crate::model::approval::{Approval, Involved, Requester, State, Status, Vote, Voter};
use crate::model::name::ProviderName;
use crate::model::party::PartyId;
use crate::model::route::Resource;
use crate::model::time::Timestamp;

impl ApprovalTokens {
    /// The token for an approval that can be used at `now`; none for any other.
    pub fn sign(&self, approval: &Approval, now: Timestamp) -> Option<Result<String, SignError>> {
        if approval.state(now) != State::Is(Status::Approved) {
            return None;
        }
        let (end, signer) = (approval.valid_until?, self.keys.first()?);
        let mut claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "iat": now.seconds(),
            "nbf": now.seconds(),
            "exp": end.seconds(),
            "jti": approval.id.as_str(),
            "sub": approval.requester.subject.id.id,
            "authz": bound(&Bound::of_approval(approval)),
            "approvers": approval.votes.iter().filter(|it| it.approve).map(approver).collect::<Vec<_>>(),
        });
        if let (Some(cnf), Some(claims)) = (
            confirmation(approval.requester.proof.as_deref()),
            claims.as_object_mut(),
        ) {
            claims.insert("cnf".to_owned(), cnf);
        }
        Some(signer.sign(TYP, &claims))
    }
}

/// What a token is bound to.
pub(super) struct Bound<'a> {
    key: &'a [u8; 32],
    tenant: Option<&'a Arc<str>>,
    route: &'a str,
    action: &'a str,
    resource: Option<&'a Resource>,
    requester: &'a Requester,
}

impl<'a> Bound<'a> {
    fn of_approval(approval: &'a Approval) -> Self {
        Self {
            key: &approval.key.0,
            tenant: approval.tenant.as_ref(),
            route: approval.route.as_str(),
            action: approval.action.as_str(),
            resource: approval.resource.as_ref(),
            requester: &approval.requester,
        }
    }

    pub(super) fn of_call(sought: &'a Sought) -> Self {
        Self {
            key: &sought.matter.key.0,
            tenant: sought.matter.tenant.as_ref(),
            route: sought.route.as_str(),
            action: sought.action.as_str(),
            resource: sought.resource.as_ref(),
            requester: &sought.requester,
        }
    }
}

/// The members that a token and a call have to have in common, every one of them. `key` is a digest of all, and of the arguments.
pub(super) fn bound(bound: &Bound<'_>) -> Value {
    let Bound {
        key,
        tenant,
        route,
        action,
        resource,
        requester,
    } = bound;
    let Requester {
        subject,
        actor,
        // Not a part of the key: it is held against the approvers when the token is used.
        prior: _,
        proof: _,
    } = requester;
    let resource = resource.map(|Resource { kind, id }| json!({ "type": kind, "id": id }));
    json!({
        "key": encode(*key),
        "tenant": tenant,
        "route": route,
        "action": action,
        "resource": resource,
        "subject": involved(subject),
        "actor": actor.as_ref().map(involved),
    })
}

fn involved(involved: &Involved) -> Value {
    let mut members = party(&involved.id);
    members.insert("kind".to_owned(), Value::from(involved.kind.as_str()));
    Value::Object(members)
}

fn party(id: &PartyId) -> Map<String, Value> {
    let PartyId { issuer, id } = id;
    let issuer = issuer.as_ref().map(ProviderName::as_str);
    let members = [
        ("issuer".to_owned(), Value::from(issuer)),
        ("id".to_owned(), Value::from(&**id)),
    ];
    members.into_iter().collect()
}

/// The key that the credential must be bound to (RFC 7800, section 3.1).
pub(super) fn confirmation(proof: Option<&str>) -> Option<Value> {
    let (kind, thumbprint) = proof?.split_once(':')?;
    match kind {
        "jkt" => Some(json!({ "jkt": thumbprint })),
        "x5t" => Some(json!({ "x5t#S256": thumbprint })),
        // Another proof than those two is written as it is, so that it never matches by accident.
        _ => Some(json!({ "other": proof })),
    }
}

fn approver(vote: &Vote) -> Value {
    let Voter {
        id,
        kind,
        groups,
        owner,
        actor,
        prior,
        owners,
        acr,
        auth_time,
    } = &vote.voter;
    let mut members = party(id);
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put(verify::KIND, Value::from(kind.as_str()));
    put(verify::GROUPS, json!(groups));
    put(verify::OWNER, json!(owner));
    put(verify::ACTOR, json!(actor.as_ref().map(party)));
    put(
        verify::PRIOR,
        json!(prior.iter().map(party).collect::<Vec<_>>()),
    );
    put(verify::OWNERS, json!(owners));
    put(verify::ACR, json!(acr));
    put(verify::AUTH_TIME, json!(auth_time.map(Timestamp::seconds)));
    put(verify::AT, Value::from(vote.at.seconds()));
    Value::Object(members)
}
