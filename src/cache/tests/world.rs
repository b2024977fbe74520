//! One action, rules on it that read everything there is, and calls of it whose every input can be another one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::cache::choice::Choice;
use crate::cache::{Moment, Rulings};
use crate::model::facts::Facts;
use crate::model::identity::{Proof, TokenFacts};
use crate::model::name::{ActionId, ConditionName, ProviderName, RouteId};
use crate::model::party::{Assurance, Kind, Parties, Party, PartyId};
use crate::model::request::{AccessRequest, Body, Headers, Peer, Query};
use crate::model::route::{
    Action, Argument, Asked, Operation, Protocol, QueryParameter, Resource, Route, RouteMatch, Tier,
};
use crate::model::schema::{ClaimDeclaration, ClaimDeclarations};
use crate::model::time::Timestamp;
use crate::model::value::{Type, Value};
use crate::policy::spec::RuleSpec;
use crate::policy::{Call, Context, Epochs, Key, Mode, Policy, Ruling, Scan, compile};

fn action() -> Arc<Action> {
    let optional = |of| QueryParameter { of, optional: true };
    let argument = |of| Argument {
        of,
        optional: true,
        at: None,
    };
    Arc::new(Action {
        id: ActionId::new("docs.read").unwrap(),
        route: RouteId::new("api").unwrap(),
        tier: Tier::Low,
        scope: vec![Arc::from("docs:read")],
        operations: vec![Operation::Http {
            method: None,
            pattern: "/docs/{x}".into(),
        }],
        params: BTreeMap::from([(Arc::from("x"), Type::String)]),
        query: BTreeMap::from([(Arc::from("limit"), optional(Type::Int))]),
        args: BTreeMap::from([
            (Arc::from("rows"), argument(Type::Int)),
            (
                Arc::from("tags"),
                argument(Type::List(Box::new(Type::String))),
            ),
        ]),
        extra: true,
        definition: None,
        builtin: false,
        resource: Some(Arc::from("doc")),
    })
}

fn route() -> Route {
    Route {
        id: RouteId::new("api").unwrap(),
        matches: RouteMatch::Host {
            hosts: vec!["api.test".into()],
            prefix: "/".into(),
        },
        url: Arc::from("https://api.test"),
        audience: Arc::from("https://api.test"),
        providers: ["corp", "ci"]
            .map(|name| ProviderName::new(name).unwrap())
            .into(),
        tenant: None,
        environment: None,
        protocol: Protocol::Http,
        actions: vec![action()],
    }
}

fn declared() -> ClaimDeclarations {
    let claim = |of, required| ClaimDeclaration { of, required };
    ClaimDeclarations::from([
        (Arc::from("level"), claim(Type::Int, true)),
        (Arc::from("team"), claim(Type::String, false)),
        (
            Arc::from("roles"),
            claim(Type::List(Box::new(Type::String)), false),
        ),
        (
            Arc::from("limits"),
            claim(Type::Map(Box::new(Type::Int)), false),
        ),
    ])
}

/// Compiles rules on the action; each is given an id.
pub(super) fn policy(rules: impl IntoIterator<Item = Json>) -> Policy {
    let named = rules.into_iter().enumerate().map(|(index, mut rule)| {
        rule["id"] = json!(format!("r{index:02}"));
        serde_json::from_value(rule).unwrap()
    });
    let specs: Vec<RuleSpec> = named.collect();
    let route = route();
    let known = route.providers.iter();
    let providers = known.map(|name| (name.clone(), declared())).collect();
    let conditions = ["incident", "frozen"].map(|name| ConditionName::new(name).unwrap());
    let context = Context {
        workloads: true,
        routes: &[&route],
        providers: &providers,
        conditions: &conditions,
        trusted_metadata: &[Arc::from("trust")],
        token_header: Some("txn-token"),
    };
    compile(&specs, &[], &context).unwrap().0
}

/// Everything that a ruling could depend on.
#[derive(Clone)]
pub(super) struct Input {
    pub(super) parties: Parties,
    pub(super) token: Option<TokenFacts>,
    pub(super) request: AccessRequest,
    pub(super) query: BTreeMap<Arc<str>, Value>,
    pub(super) param: &'static str,
    pub(super) args: BTreeMap<Arc<str>, Value>,
    pub(super) resource: &'static str,
    pub(super) workload: Option<&'static str>,
    pub(super) proof: Proof,
    pub(super) conditions: BTreeMap<ConditionName, bool>,
    pub(super) risk: u8,
    pub(super) revocations: u64,
}

pub(super) fn party(kind: Kind, id: &str, groups: &[&str]) -> Party {
    let groups = groups.iter().map(|group| Arc::from(*group)).collect();
    let id = PartyId::new(ProviderName::new("corp").unwrap(), id);
    Party {
        groups,
        claims: Arc::new(BTreeMap::from([(Arc::from("level"), Value::Int(2))])),
        assurance: Assurance::default(),
        ..Party::bare(kind, id)
    }
}

impl Input {
    /// A call that most rules let pass.
    pub(super) fn new() -> Self {
        Self {
            parties: Parties::alone(party(Kind::Human, "a", &["g"])),
            token: Some(TokenFacts {
                scope: vec![Arc::from("docs:read")],
                audience: Vec::new(),
                expires: None,
                issued: None,
                id: None,
                key: None,
                bindable: true,
                proof: Proof::None,
                bound: None,
                session: None,
            }),
            request: request(),
            query: BTreeMap::new(),
            param: "1",
            args: BTreeMap::new(),
            resource: "d1",
            workload: None,
            proof: Proof::None,
            conditions: ["incident", "frozen"]
                .map(|name| (ConditionName::new(name).unwrap(), false))
                .into(),
            risk: 0,
            revocations: 0,
        }
    }

    fn with<T>(&self, take: impl FnOnce(&Call<'_>) -> T) -> T {
        let asked = Asked {
            action: action(),
            params: BTreeMap::from([(Arc::from("x"), Value::string(self.param))]),
            query: self.query.clone(),
            args: self.args.clone(),
            arguments_digest: None,
            canonical_arguments: None,
            arguments_without_digest: false,
            resource: Some(Resource {
                kind: Arc::from("doc"),
                id: Arc::from(self.resource),
            }),
            target: None,
            said: None,
        };
        let facts = Facts {
            request: &self.request,
            asked: &asked,
            parties: &self.parties,
            party: None,
            workload: self.workload,
            proof: self.proof,
            conditions: &self.conditions,
            risk: self.risk,
        };
        take(&Call {
            facts,
            token: self.token.as_ref(),
        })
    }

    /// As the rules say.
    pub(super) fn evaluated(&self, policy: &Policy) -> Ruling {
        self.with(|call| policy.run(call, Mode::Enforced, Scan::Indexed, None))
    }

    /// As it is remembered, or else as the rules say.
    pub(super) fn looked_up(&self, rulings: &Rulings, policy: &Policy) -> Ruling {
        self.with(|call| rulings.recalled(policy, call, self.at()))
    }

    /// The same by another key.
    pub(super) fn looked_up_by(&self, rulings: &Rulings, policy: &Policy, key: &Key) -> Ruling {
        let choice = Choice::new();
        let looked_up =
            |call: &Call<'_>| rulings.looked_up(key, &choice, policy, call, self.at()).0;
        self.with(looked_up)
    }

    /// The key itself.
    pub(super) fn key(&self, key: &Key) -> String {
        let epochs = Epochs {
            loaded: 0,
            revocations: self.revocations,
        };
        self.with(|call| format!("{:?}", key.of(call, epochs).unwrap()))
    }

    fn at(&self) -> Moment {
        Moment {
            revocations: self.revocations,
            now: std::time::Instant::now(),
        }
    }
}

fn request() -> AccessRequest {
    AccessRequest {
        now: Timestamp::from_seconds(1_800_000_000),
        id: None,
        method: "GET".into(),
        host: "api.test".into(),
        path: "/docs/1".into(),
        raw_path: "/docs/1".into(),
        query: Query::default(),
        headers: Headers::default(),
        scheme: None,
        protocol: None,
        body: Body::Absent,
        source: Peer::default(),
        sni: None,
        context_extensions: BTreeMap::new(),
        metadata: BTreeMap::new(),
        route_metadata: BTreeMap::new(),
        gateway: None,
    }
}
