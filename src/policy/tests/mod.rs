//! The rules of deciding, one test each, and the promises about them as properties.

mod approvals;
mod loading;
mod matters;
mod properties;
mod rules;
mod signals;
mod standing;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::compile::Findings;
use super::spec::{RuleSpec, SignalSpec};
use super::{Call, Context, Mode, Policy, Scan, compile};
use crate::model::facts::Facts;
use crate::model::identity::{Proof, TokenFacts};
use crate::model::name::{ActionId, ConditionName, ProviderName, RouteId, SignalId};
use crate::model::party::{Kind, Parties, Party, PartyId};
use crate::model::request::{AccessRequest, Body, Headers, Peer, Query};
use crate::model::risk::Risk;
use crate::model::route::{Action, Asked, Operation, Route, RouteMatch, Tier};
use crate::model::schema::{ClaimDeclaration, ClaimDeclarations};
use crate::model::time::Timestamp;
use crate::model::value::{Type, Value};
use crate::model::verdict::Verdict;

/// Whoever has no `level` claim makes this an error.
pub(super) const FAILS: &str = "subject.claims.level > 0";

fn action(id: &str, tier: Tier, scope: &[&str]) -> Arc<Action> {
    Arc::new(Action {
        id: ActionId::new(id).unwrap(),
        route: RouteId::new("api").unwrap(),
        tier,
        scope: scope.iter().map(|text| Arc::from(*text)).collect(),
        operations: vec![Operation::Http {
            method: Some("GET".into()),
            pattern: format!("/{id}/{{x}}"),
        }],
        params: BTreeMap::from([(Arc::from("x"), Type::String)]),
        query: BTreeMap::new(),
        args: BTreeMap::new(),
        extra: false,
        definition: None,
        builtin: false,
        resource: None,
    })
}

pub(super) fn route(providers: &[&str]) -> Route {
    Route {
        id: RouteId::new("api").unwrap(),
        matches: RouteMatch::Host {
            hosts: vec!["api.test".into()],
            prefix: "/".into(),
        },
        url: Arc::from("https://api.test"),
        audience: Arc::from("https://api.test"),
        providers: providers
            .iter()
            .map(|name| ProviderName::new(name).unwrap())
            .collect(),
        tenant: None,
        environment: None,
        protocol: crate::model::route::Protocol::Http,
        actions: vec![
            action("docs.read", Tier::Low, &[]),
            action("docs.write", Tier::High, &["docs:write"]),
            action("vault.open", Tier::Critical, &[]),
        ],
    }
}

fn declared() -> ClaimDeclarations {
    let claim = |of, required| ClaimDeclaration { of, required };
    ClaimDeclarations::from([
        (Arc::from("level"), claim(Type::Int, true)),
        (Arc::from("team"), claim(Type::String, false)),
    ])
}

/// Compiles `rules` for a route with these providers; errors as `code: message`.
pub(super) fn try_policy(
    providers: &[&str],
    rules: &Json,
) -> Result<(Policy, Vec<String>), Vec<String>> {
    try_weighed(providers, rules, &json!({}))
}

/// The same with these signals.
pub(super) fn try_weighed(
    providers: &[&str],
    rules: &Json,
    risk: &Json,
) -> Result<(Policy, Vec<String>), Vec<String>> {
    words(compile_on(
        &route(providers),
        rules,
        risk,
        Some("txn-token"),
    ))
}

/// The same where minted tokens go into this header.
fn try_minting(
    providers: &[&str],
    rules: &Json,
    token_header: Option<&str>,
) -> Result<(Policy, Vec<String>), Vec<String>> {
    words(compile_on(
        &route(providers),
        rules,
        &json!({}),
        token_header,
    ))
}

type Compiled<F> = Result<(Policy, F), F>;

fn words(compiled: Compiled<Findings>) -> Compiled<Vec<String>> {
    let words = |findings: Findings| {
        findings
            .into_iter()
            .map(|(_, finding)| format!("{}: {finding}", finding.code))
            .collect::<Vec<_>>()
    };
    match compiled {
        Ok((policy, warnings)) => Ok((policy, words(warnings))),
        Err(errors) => Err(words(errors)),
    }
}

/// Compiles rules and signals for one route.
pub(super) fn compile_on(
    route: &Route,
    rules: &Json,
    risk: &Json,
    token_header: Option<&str>,
) -> Compiled<Findings> {
    let specs: Vec<RuleSpec> = rules
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| serde_json::from_value(rule.clone()).unwrap())
        .collect();
    let written: Vec<(SignalId, SignalSpec)> = risk
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, spec)| {
            let spec = serde_json::from_value(spec.clone()).unwrap();
            (SignalId::new(id).unwrap(), spec)
        })
        .collect();
    let names = route
        .providers
        .iter()
        .map(|name| (name.clone(), declared()));
    let providers: BTreeMap<ProviderName, ClaimDeclarations> = names.collect();
    let conditions = [ConditionName::new("incident").unwrap()];
    let context = Context {
        workloads: false,
        routes: &[route],
        providers: &providers,
        conditions: &conditions,
        trusted_metadata: &[],
        token_header,
    };
    compile(&specs, &written, &context)
}

pub(super) fn policy(rules: &Json) -> Policy {
    try_policy(&["corp"], rules).unwrap().0
}

pub(super) fn weighed(rules: &Json, risk: &Json) -> Policy {
    try_weighed(&["corp"], rules, risk).unwrap().0
}

/// One call, described.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) parties: Parties,
    pub(super) scope: Vec<Arc<str>>,
    pub(super) action: &'static str,
    pub(super) query: Vec<(String, String)>,
    pub(super) workload: Option<&'static str>,
    pub(super) incident: bool,
    pub(super) proof: Proof,
    /// Whether the credential is one that can be bound to a key.
    pub(super) bindable: bool,
}

pub(super) fn party(kind: Kind, id: &str, groups: &[&str]) -> Party {
    let id = PartyId::new(ProviderName::new("corp").unwrap(), id);
    let groups = groups.iter().map(|group| Arc::from(*group)).collect();
    Party {
        groups,
        ..Party::bare(kind, id)
    }
}

impl Given {
    pub(super) fn new(subject: Party, action: &'static str) -> Self {
        let parties = Parties::alone(subject);
        Self {
            parties,
            scope: Vec::new(),
            action,
            query: Vec::new(),
            workload: None,
            incident: false,
            proof: Proof::None,
            bindable: true,
        }
    }

    pub(super) fn human(id: &str, groups: &[&str], action: &'static str) -> Self {
        Self::new(party(Kind::Human, id, groups), action)
    }

    pub(super) fn acting(mut self, actor: Party) -> Self {
        self.parties.actor = Some(actor);
        self.parties.depth = 1;
        self
    }

    pub(super) fn level(mut self, level: i64) -> Self {
        let claims = Arc::make_mut(&mut self.parties.subject.claims);
        claims.insert(Arc::from("level"), Value::Int(level));
        self
    }

    pub(super) fn scopes(mut self, scopes: &[&str]) -> Self {
        self.scope = scopes.iter().map(|scope| Arc::from(*scope)).collect();
        self
    }

    /// Evaluates the call in the given way.
    pub(super) fn run(&self, policy: &Policy, mode: Mode, scan: Scan) -> Verdict {
        self.with(policy, |call| policy.run(call, mode, scan, None).unopened())
    }

    /// What the signals of its action say.
    pub(super) fn risk(&self, policy: &Policy) -> Option<Risk> {
        self.with(policy, |call| {
            policy.risk(&Facts {
                risk: 0,
                ..call.facts
            })
        })
    }

    /// The call as an evaluation takes it, its score included.
    pub(super) fn with<T>(&self, policy: &Policy, take: impl FnOnce(&Call<'_>) -> T) -> T {
        let route = route(&["corp"]);
        let action = route
            .actions
            .iter()
            .find(|action| action.id.as_str() == self.action)
            .unwrap();
        let params = BTreeMap::from([(Arc::from("x"), Value::string("1"))]);
        let query = self
            .query
            .iter()
            .map(|(name, text)| (Arc::from(name.as_str()), Value::string(text.as_str())));
        let asked = Asked {
            args: BTreeMap::new(),
            arguments_digest: None,
            canonical_arguments: None,
            target: None,
            said: None,
            arguments_without_digest: false,
            action: Arc::clone(action),
            params,
            query: query.collect(),
            resource: None,
        };
        let request = request(self.query.clone());
        let conditions = BTreeMap::from([(ConditionName::new("incident").unwrap(), self.incident)]);
        let facts = Facts {
            request: &request,
            asked: &asked,
            parties: &self.parties,
            party: None,
            workload: self.workload,
            proof: self.proof,
            conditions: &conditions,
            risk: 0,
        };
        let facts = Facts {
            risk: policy.risk(&facts).map_or(0, |risk| risk.score()),
            ..facts
        };
        let anonymous = self.parties.subject.kind == Kind::Anonymous;
        let token = TokenFacts {
            bindable: self.bindable,
            proof: self.proof,
            bound: None,
            session: None,
            ..token(&self.scope)
        };
        let call = Call {
            facts,
            token: (!anonymous).then_some(&token),
        };
        take(&call)
    }

    pub(super) fn verdict(&self, policy: &Policy) -> Verdict {
        self.run(policy, Mode::Enforced, Scan::Indexed)
    }

    /// The reason of the verdict, and the rule that decided.
    pub(super) fn reason(&self, policy: &Policy) -> &'static str {
        self.verdict(policy).reason()
    }
}

fn token(scope: &[Arc<str>]) -> TokenFacts {
    TokenFacts {
        scope: scope.to_vec(),
        audience: Vec::new(),
        expires: Some(Timestamp::from_seconds(2_000_000_000)),
        issued: None,
        id: None,
        key: None,
        bindable: true,
        proof: Proof::None,
        bound: None,
        session: None,
    }
}

fn request(query: Vec<(String, String)>) -> AccessRequest {
    AccessRequest {
        now: Timestamp::from_seconds(1_800_000_000),
        id: None,
        method: "GET".into(),
        host: "api.test".into(),
        path: "/docs.read/1".into(),
        raw_path: "/docs.read/1".into(),
        query: Query::new(query),
        headers: Headers::default(),
        scheme: None,
        protocol: Some("HTTP/1.1".into()),
        body: Body::Absent,
        source: Peer::default(),
        sni: None,
        context_extensions: BTreeMap::new(),
        metadata: BTreeMap::new(),
        route_metadata: BTreeMap::new(),
        gateway: None,
    }
}

/// A permit for every human on `docs.read`.
pub(super) fn readers() -> Json {
    json!({ "id": "readers", "permit": "docs.read", "to": { "kind": "human" } })
}
