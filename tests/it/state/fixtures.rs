//! Records to keep, with everything in them that a record can have.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use countersign::model::approval::{
    Approval, ApprovalId, ApprovalKey, DemandFacts, Details, Involved, Requester, Status, Vote,
    Voter,
};
use countersign::model::approver::{Approvers, Who};
use countersign::model::condition::ConditionSetting;
use countersign::model::decision::DecisionId;
use countersign::model::glob::Glob;
use countersign::model::name::{ActionId, ConditionName, ProviderName, RouteId, RuleId};
use countersign::model::party::{Kind, PartyId, Prior};
use countersign::model::revocation::{Revocation, Target};
use countersign::model::route::{Resource, Tier};
use countersign::model::time::Timestamp;
use countersign::store::OpenLimits;

pub(crate) const MINUTE: Duration = Duration::from_mins(1);

pub(crate) const LIMITS: OpenLimits = OpenLimits {
    per_requester: 20,
    cooldown: Duration::from_mins(5),
};

#[expect(clippy::disallowed_methods, reason = "tests are an edge")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

pub(crate) fn corp() -> ProviderName {
    ProviderName::new("corp").unwrap()
}

pub(crate) fn decision(number: usize) -> DecisionId {
    DecisionId::new(format!("00000000-0000-7000-8000-{number:012}"))
}

/// A key for each number.
pub(crate) fn key(number: u64) -> ApprovalKey {
    let mut key = [0xab; 32];
    key[..8].copy_from_slice(&number.to_be_bytes());
    ApprovalKey(key)
}

fn fresh_id() -> ApprovalId {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    ApprovalId::parse(&format!("apr_{number:022}")).unwrap()
}

fn involved(kind: Kind, id: &str) -> Involved {
    Involved {
        id: PartyId::new(corp(), id),
        kind,
        owner: Some("ana@example.com".into()),
    }
}

/// What `crm-bot` asks for on the authority of `subject`: pending, for a single use.
pub(crate) fn pending(subject: &str, key: ApprovalKey, now: Timestamp) -> Approval {
    Approval {
        id: fresh_id(),
        key,
        version: 1,
        status: Status::Pending,
        created: now,
        pending_until: now.plus(15 * MINUTE),
        decided: None,
        valid_until: None,
        uses: 1,
        requester: Requester {
            subject: involved(Kind::Human, subject),
            actor: Some(involved(Kind::Agent, "crm-bot")),
            prior: vec![Prior {
                id: PartyId::new(corp(), "planner"),
                owner: Some("olga".into()),
            }],
            proof: Some("jkt:abc".into()),
        },
        tenant: Some("acme".into()),
        route: RouteId::new("crm-tools").unwrap(),
        action: ActionId::new("customers.export").unwrap(),
        tier: Tier::High,
        resource: Some(Resource {
            kind: "customer_segment".into(),
            id: "eu \"quoted\" \u{1f980}".into(),
        }),
        details: Details {
            operation: Some("tools/call export_customers".into()),
            rest: Some(r#"{"task":{"ttl":60}}"#.into()),
            arguments: Some(r#"{"rows":10,"segment":"eu"}"#.into()),
            params: Some("{}".into()),
            query: None,
            body: Some([7; 32]),
            request: Some("POST mcp.example.com/crm".into()),
            workload: Some("spiffe://example.org/crm-bot".into()),
            risk: Some(30),
        },
        demand: DemandFacts {
            rules: vec![RuleId::new("exports-are-approved").unwrap()],
            from: vec![Approvers {
                who: vec![Who {
                    issuer: vec![corp()],
                    kind: vec![Kind::Human, Kind::Service],
                    id: vec![Glob::identifier("team/*")],
                    group: vec![Glob::identifier("crm-leads")],
                }],
                quorum: 2,
            }],
            ttl: 600,
            bind: vec!["args.segment".into(), "params".into()],
            reason_required: true,
        },
        policy_version: "7".into(),
        ended_because: None,
        votes: Vec::new(),
        spent: Vec::new(),
    }
}

pub(crate) fn vote(voter: &str, approve: bool, at: Timestamp) -> Vote {
    Vote {
        voter: Voter {
            id: PartyId::new(corp(), voter),
            kind: Kind::Human,
            groups: vec!["crm-leads".into(), "a, \"b\"".into()],
            owner: None,
            actor: Some(PartyId::new(corp(), "inbox")),
            prior: vec![PartyId::new(corp(), "gateway")],
            owners: vec!["olga".into()],
            acr: Some("phr".into()),
            auth_time: Some(at.minus(MINUTE)),
        },
        approve,
        at,
        reason: Some("asked twice \u{2014} fine".into()),
    }
}

/// The next version of `known`, approved by `voter` for `uses` uses in the next ten minutes.
pub(crate) fn approved(known: &Approval, voter: &str, uses: u32, now: Timestamp) -> Approval {
    let mut next = known.clone();
    next.version += 1;
    next.status = Status::Approved;
    next.uses = uses;
    next.decided = Some(now);
    next.valid_until = Some(now.plus(10 * MINUTE));
    next.votes.push(vote(voter, true, now));
    next
}

/// The next version of `known` with another status.
pub(crate) fn ended(known: &Approval, status: Status, now: Timestamp) -> Approval {
    let mut next = known.clone();
    next.version += 1;
    next.status = status;
    if status == Status::Denied {
        next.decided = Some(now);
        next.votes.push(vote("bob", false, now));
    }
    next.ended_because = Some("the segment is wrong".into());
    next
}

pub(crate) fn revocation(target: Target, at: Timestamp) -> Revocation {
    Revocation {
        target,
        not_before: Some(at),
        blocked: None,
        lifted: None,
        expires: None,
        reason: "lost laptop".into(),
        by: "corp/ops".into(),
        at,
    }
}

pub(crate) fn subject(id: &str) -> Target {
    Target::Subject(corp(), Arc::from(id))
}

/// One of every kind.
pub(crate) fn every_target() -> Vec<Target> {
    let value = || Arc::<str>::from("a/b \"c\"");
    vec![
        Target::Token(corp(), value()),
        Target::Subject(corp(), value()),
        Target::Actor(corp(), value()),
        Target::Client(corp(), value()),
        Target::Session(corp(), value()),
        Target::Key(corp(), value()),
        Target::Issuer(corp()),
        Target::Spiffe(value()),
        Target::SpiffePrefix(value()),
        Target::ApiKey(value()),
        Target::ProofKey(value()),
        Target::Owner(value()),
        Target::Approval(fresh_id()),
    ]
}

pub(crate) fn setting(name: &str, value: bool, at: Timestamp) -> ConditionSetting {
    ConditionSetting {
        name: ConditionName::new(name).unwrap(),
        value,
        by: "corp/ops".into(),
        reason: "INC-7".into(),
        at,
        expires: Some(at.plus(MINUTE)),
        version: 0,
    }
}
