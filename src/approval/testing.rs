//! Approvals to test with.

use std::sync::Arc;
use std::time::Duration;

use super::Sought;
use crate::keys::base64url;
use crate::model::approval::{
    Approval, ApprovalId, ApprovalKey, DemandFacts, Details, Involved, Requester, Status, Voter,
};
use crate::model::approver::{Approvers, Who};
use crate::model::glob::Glob;
use crate::model::name::{ActionId, ProviderName, RouteId, RuleId};
use crate::model::party::{Kind, PartyId};
use crate::model::route::Tier;
use crate::model::time::Timestamp;
use crate::policy::{Bind, Demand, Matter};

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

pub(crate) fn party(id: &str) -> PartyId {
    PartyId::new(ProviderName::new("corp").unwrap(), id)
}

/// `alice`, for whom `crm-bot` acts; `olga` answers for the bot.
pub(crate) fn requester() -> Requester {
    Requester {
        subject: Involved {
            id: party("alice"),
            kind: Kind::Human,
            owner: None,
        },
        actor: Some(Involved {
            id: party("crm-bot"),
            kind: Kind::Agent,
            owner: Some(Arc::from("olga")),
        }),
        prior: Vec::new(),
        proof: None,
    }
}

/// So many humans of a group of `corp`.
pub(crate) fn from(group: &str, quorum: u32) -> Approvers {
    Approvers {
        who: vec![Who {
            issuer: vec![ProviderName::new("corp").unwrap()],
            kind: vec![Kind::Human],
            id: Vec::new(),
            group: vec![Glob::identifier(group)],
        }],
        quorum,
    }
}

/// One of `crm-leads`, for ten minutes, used once.
pub(crate) fn demand() -> Demand {
    Demand {
        rules: vec![RuleId::new("exports-are-approved").unwrap()],
        from: vec![from("crm-leads", 1)],
        ttl: Duration::from_mins(10),
        pending: Duration::from_mins(15),
        uses: 1,
        bind: Bind {
            everything: true,
            names: Vec::new(),
        },
        reason_required: false,
    }
}

/// A human of `corp` in these groups.
pub(crate) fn voter(id: &str, groups: &[&str]) -> Voter {
    Voter {
        id: party(id),
        kind: Kind::Human,
        groups: groups.iter().map(|name| Arc::from(*name)).collect(),
        owner: None,
        actor: None,
        prior: Vec::new(),
        owners: Vec::new(),
        acr: None,
        auth_time: None,
    }
}

pub(crate) fn key(number: u32) -> ApprovalKey {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    ApprovalKey(key)
}

/// A call of `crm-bot` for `alice`.
pub(crate) fn sought(number: u32) -> Sought {
    Sought {
        matter: Matter {
            key: key(number),
            digest: [0; 32],
            tenant: None,
            details: Details::default(),
        },
        requester: requester(),
        route: RouteId::new("crm").unwrap(),
        action: ActionId::new("customers.export").unwrap(),
        tier: Tier::High,
        resource: None,
        policy_version: Arc::from("1"),
    }
}

/// One that is waited for, opened at this second.
pub(crate) fn pending(number: u32, created: i64) -> Arc<Approval> {
    let Demand {
        rules,
        from,
        ttl,
        pending,
        uses,
        bind: _,
        reason_required,
    } = demand();
    let mut random = [0; 16];
    random[..4].copy_from_slice(&number.to_be_bytes());
    let id = format!("{}{}", ApprovalId::PREFIX, base64url::encode(&random));
    let sought = sought(number);
    Arc::new(Approval {
        id: ApprovalId::parse(&id).unwrap(),
        key: sought.matter.key,
        version: 1,
        status: Status::Pending,
        created: at(created),
        pending_until: at(created).plus(pending),
        decided: None,
        valid_until: None,
        uses,
        requester: sought.requester,
        tenant: None,
        route: sought.route,
        action: sought.action,
        tier: sought.tier,
        resource: None,
        details: sought.matter.details,
        demand: DemandFacts {
            rules,
            from,
            ttl: ttl.as_secs(),
            bind: vec![Arc::from("everything")],
            reason_required,
        },
        policy_version: sought.policy_version,
        ended_because: None,
        votes: Vec::new(),
        spent: Vec::new(),
    })
}
