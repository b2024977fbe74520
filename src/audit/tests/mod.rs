//! Decisions to record.

mod golden;
mod records;
mod sinks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::decision::{Decision, DecisionId, RequestFacts, RouteFacts, Schemes, Spent};
use crate::model::identity::TokenFacts;
use crate::model::name::{ActionId, ProviderName, RouteId, RuleId};
use crate::model::party::{Kind, Parties, Party, PartyId};
use crate::model::reason::Reason;
use crate::model::route::Tier;
use crate::model::spiffe::SpiffeId;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::model::verdict::{Constraints, Denial, Grant, Verdict};

const JWT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLXNlY3JldA";
const SECRET: &str = "s3cret-value-0123456789";

fn party(kind: Kind, id: &str) -> Party {
    let issuer = ProviderName::new("corp").unwrap();
    let mut party = Party::bare(kind, PartyId::new(issuer, id));
    party.groups = Arc::from([Arc::from(SECRET)]);
    party.claims = Arc::new([(Arc::from("note"), Value::string(SECRET))].into());
    party
}

fn grant() -> Verdict {
    let map = |name: &str| BTreeMap::from([(Arc::from(name), SECRET.to_owned())]);
    Verdict::Allow(Grant {
        approval: None,
        permits: vec![
            RuleId::new("crm-team").unwrap(),
            RuleId::new("crm-agents").unwrap(),
        ],
        constraints: Constraints {
            headers: map("x-user"),
            strip: [Arc::from("authorization")].into(),
            query: map("limit"),
            strip_query: [Arc::from("debug")].into(),
            response_headers: map("x-note"),
            metadata: BTreeMap::from([(Arc::from("cost"), Value::string(SECRET))]),
            token: None,
        },
    })
}

fn decision(id: &str, verdict: Verdict) -> Decision {
    Decision {
        id: DecisionId::new(id),
        at: Timestamp::from_millis(1_795_298_401_250),
        verdict,
        request: Some(RequestFacts {
            id: Some("r-1".into()),
            method: "GET".into(),
            host: "api.example.com".into(),
            path: "/v1/secrets/db".into(),
        }),
        route: Some(RouteFacts {
            id: RouteId::new("platform-api").unwrap(),
            url: Arc::from("https://api.example.com"),
            schemes: Schemes {
                tokens: true,
                api_keys: false,
            },
            protocol: crate::model::route::Protocol::Http,
        }),
        rpc: None,
        document: None,
        action: Some((ActionId::new("secrets.read").unwrap(), Tier::Critical)),
        arguments: None,
        risk: None,
        parties: Some(Parties {
            subject: party(Kind::Human, "alice"),
            actor: Some(Party {
                owner: Some(Arc::from("bob")),
                ..party(Kind::Agent, "crm-bot")
            }),
            depth: 1,
            prior: Vec::new(),
        }),
        credential: Some((
            ProviderName::new("corp").unwrap(),
            Arc::new(TokenFacts {
                scope: vec![Arc::from(SECRET)],
                audience: vec![Arc::from(SECRET)],
                expires: Some(Timestamp::from_seconds(1_795_298_700)),
                issued: Some(Timestamp::from_seconds(1_795_298_400)),
                id: Some(Arc::from("t-1")),
                key: Some(Arc::from("k-1")),
                bindable: true,
                proof: crate::model::identity::Proof::None,
                bound: None,
                session: None,
            }),
        )),
        workload: SpiffeId::parse("spiffe://example.org/crm/bot"),
        lifecycle: Vec::new(),
        grpc: false,
        gateway: None,
        dpop: None,
        policy_version: Arc::from("v1"),
        spent: Spent {
            total: Duration::from_micros(90),
            identity: Duration::from_micros(60),
            policy: Duration::from_micros(20),
        },
    }
}

fn bare(id: &str, verdict: Verdict) -> Decision {
    Decision {
        request: None,
        route: None,
        action: None,
        parties: None,
        credential: None,
        workload: None,
        ..decision(id, verdict)
    }
}

fn denied(cause: &str) -> Verdict {
    Verdict::Deny(Denial::new(Reason::NotPermitted).because(cause))
}
