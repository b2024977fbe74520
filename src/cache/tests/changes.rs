//! Rules that read everything, and every way in which a call can be another one.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::world::{Input, party};
use crate::model::identity::Proof;
use crate::model::name::{ConditionName, ProviderName};
use crate::model::party::{Kind, Parties, Party};
use crate::model::request::{Headers, Query};
use crate::model::time::Timestamp;
use crate::model::value::Value;

/// Conditions: whatever an expression can read, each in one.
const CONDITIONS: &[&str] = &[
    "subject.id != 'b'",
    "subject.issuer == 'corp'",
    "'g' in subject.groups",
    "subject.kind == 'human'",
    "has(subject.owner) && subject.owner == 'o'",
    "subject.claims.level > 1",
    "has(subject.claims.team) && subject.claims.team == 'x'",
    "has(subject.claims.roles) && subject.claims.roles.exists(r, r == 'admin')",
    "has(subject.claims.limits) && has(subject.claims.limits.docs) && subject.claims.limits.docs > 1",
    "has(subject.assurance.acr) && subject.assurance.acr == 'phr'",
    "'pwd' in subject.assurance.amr",
    "has(subject.assurance.auth_time) && subject.assurance.auth_time > timestamp('2026-01-01T00:00:00Z')",
    "actor.id != 'b'",
    "actor.kind != 'agent'",
    "'h' in actor.groups",
    "has(actor.owner) && actor.owner == 'o'",
    "delegated",
    "chain.depth < 2",
    "has(workload.id) && workload.id == 'spiffe://a.test/ci'",
    "proof == 'dpop'",
    "risk.score <= 30",
    "conditions.incident",
    "conditions.frozen",
    "params.x == '1'",
    "has(query.limit) && query.limit < 10",
    "has(query.free) && query.free == 'y'",
    "has(args.rows) && args.rows < 5",
    "has(args.tags) && args.tags.size() == 1",
    "resource.id == 'd1'",
    "action.tier == 'low'",
    "request.method == 'GET'",
    "request.host == 'api.test'",
    "request.path.startsWith('/docs/')",
    "'x-env' in request.headers && request.headers['x-env'] == 'a'",
    "has(request.headers.accept)",
    "has(request.source.ip) && request.source.ip == '10.0.0.1'",
    "has(request.source.principal) && request.source.principal == 'spiffe://a.test/gw'",
    "has(context.extensions.zone) && context.extensions.zone == 'eu'",
    "has(context.metadata.trust) && has(context.metadata.trust.level) && context.metadata.trust.level == 1",
    "has(context.route_metadata.trust) && has(context.route_metadata.trust.level) && context.route_metadata.trust.level == 1",
];

/// Conditions of permits and forbids.
const OF_PARTY: &[&str] = &[
    "party.id != 'b'",
    "party.kind != 'agent'",
    "'h' in party.groups",
    "has(party.claims.team) && party.claims.team == 'x'",
    "has(party.owner) && party.owner == 'o'",
];

const TO: &[&str] = &[
    r#"{ "kind": ["human", "agent", "service"] }"#,
    r#"{ "kind": "human" }"#,
    r#"{ "kind": "anonymous" }"#,
    r#"{ "issuer": "corp" }"#,
    r#"{ "issuer": ["corp", "ci"], "id": "a" }"#,
    r#"{ "issuer": ["corp", "ci"], "id": "*" }"#,
    r#"{ "issuer": ["corp", "ci"], "group": ["g", "h"] }"#,
    r#"{ "issuer": ["corp", "ci"], "group": "*" }"#,
    r#"{ "issuer": ["corp", "ci"], "claim": { "team": "x" } }"#,
    r#"{ "issuer": ["corp", "ci"], "claim": { "level": 2 } }"#,
];

const REQUIREMENTS: &[&str] = &[
    r#"{ "scope": "docs:more" }"#,
    r#"{ "step_up": { "acr": "phr" } }"#,
    r#"{ "workload": "spiffe://a.test/ci" }"#,
    r#"{ "proof": "dpop" }"#,
    r#"{ "any_of": [{ "scope": "docs:more" }, { "proof": ["dpop", "mtls"] }] }"#,
    r#"{ "any_of": [{ "workload": "spiffe://a.test/ci" }, { "step_up": { "acr": ["phr", "phrh"] } }] }"#,
];

const CONSTRAINTS: &[&str] = &[
    r#"{ "headers": { "x-user": "subject.id" } }"#,
    r#"{ "headers": { "x-actor": "actor.id" }, "strip": ["x-old"] }"#,
    r#"{ "query": { "cap": { "limit": 7 } } }"#,
    r#"{ "query": { "set": { "owner": "actor.id" }, "remove": ["free"] } }"#,
    r#"{ "response_headers": { "x-path": "request.path" } }"#,
    r#"{ "metadata": { "claims": "subject.groups", "depth": "chain.depth" } }"#,
    r#"{ "token": { "audience": "inner", "scope": "docs:read", "ttl": "30s" } }"#,
];

fn read(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

/// How many rules there are to choose from.
pub(super) fn rules() -> Vec<Json> {
    let on = "docs.read";
    let permits = TO.iter().map(|to| json!({ "permit": on, "to": read(to) }));
    let when = OF_PARTY.iter().flat_map(|when| {
        [
            json!({ "permit": on, "to": { "kind": ["human", "agent"] }, "when": when }),
            json!({ "forbid": on, "unless": when }),
        ]
    });
    let forbids = TO.iter().zip(CONDITIONS);
    let forbids = forbids
        .map(|(to, when)| json!({ "forbid": on, "to": read(to), "when": format!("!({when})") }));
    let musts = CONDITIONS
        .iter()
        .map(|must| json!({ "guard": on, "must": must }));
    let whens = CONDITIONS
        .iter()
        .zip(REQUIREMENTS.iter().cycle())
        .map(|(when, require)| json!({ "guard": on, "when": when, "require": [read(require)] }));
    let constrained = CONSTRAINTS.iter().zip(TO.iter().skip(3));
    let constrained = constrained
        .map(|(what, to)| json!({ "guard": on, "to": read(to), "constrain": read(what) }));
    let shadow = CONDITIONS
        .iter()
        .map(|when| json!({ "forbid": on, "when": when, "mode": "shadow" }));
    let all = permits.chain(when).chain(forbids).chain(musts);
    all.chain(whens).chain(constrained).chain(shadow).collect()
}

type Change = fn(&mut Input);

fn put(party: &mut Party, claim: &str, value: Value) {
    Arc::make_mut(&mut party.claims).insert(Arc::from(claim), value);
}

fn acting(input: &mut Input) -> &mut Party {
    let Parties { subject, actor, .. } = &mut input.parties;
    actor.as_mut().unwrap_or(subject)
}

pub(super) fn header(input: &mut Input, name: &str, value: &str) {
    let others = input.request.headers.iter();
    let others = others.filter(|(other, _)| *other != name);
    let mut all: Vec<(String, String)> = others
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    all.push((name.to_owned(), value.to_owned()));
    input.request.headers = Headers::new(all);
}

pub(super) fn sent(input: &mut Input, name: &str, value: &str) {
    let others = input.request.query.iter();
    let others = others.filter(|(other, _)| *other != name);
    let mut all: Vec<(String, String)> = others
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    all.push((name.to_owned(), value.to_owned()));
    input.request.query = Query::new(all);
}

fn scope(input: &mut Input, scope: &str) {
    if let Some(token) = &mut input.token {
        let had = token.scope.len();
        token.scope.retain(|other| &**other != scope);
        if token.scope.len() == had {
            token.scope.push(Arc::from(scope));
        }
    }
}

fn condition(input: &mut Input, name: &str) {
    let name = ConditionName::new(name).unwrap();
    let value = input.conditions.get(&name).copied().unwrap();
    input.conditions.insert(name, !value);
}

fn level(number: i64) -> Value {
    Value::Map(Arc::new([(Arc::from("level"), Value::Int(number))].into()))
}

/// Every change of one input.
pub(super) const CHANGES: &[Change] = &[
    |it| it.parties.subject.id.id = Arc::from("b"),
    |it| it.parties.subject.id.id = Arc::from("c"),
    |it| it.parties.subject.id.issuer = Some(ProviderName::new("ci").unwrap()),
    |it| it.parties.subject.kind = Kind::Agent,
    |it| it.parties.subject.kind = Kind::Service,
    |it| it.parties.subject.groups = Arc::from([Arc::from("h")]),
    |it| it.parties.subject.groups = Arc::from([Arc::from("g"), Arc::from("h")]),
    |it| it.parties.subject.groups = Arc::default(),
    |it| it.parties.subject.owner = Some(Arc::from("o")),
    |it| it.parties.subject.owner = Some(Arc::from("")),
    |it| put(&mut it.parties.subject, "level", Value::Int(0)),
    |it| drop(Arc::make_mut(&mut it.parties.subject.claims).remove("level")),
    |it| put(&mut it.parties.subject, "team", Value::string("x")),
    |it| put(&mut it.parties.subject, "team", Value::string("")),
    |it| put(&mut it.parties.subject, "roles", Value::strings(&["admin"])),
    |it| {
        put(
            &mut it.parties.subject,
            "roles",
            Value::strings(&["ad", "min"]),
        );
    },
    |it| {
        let limits = Value::Map(Arc::new([(Arc::from("docs"), Value::Int(2))].into()));
        put(&mut it.parties.subject, "limits", limits);
    },
    |it| it.parties.subject.assurance.acr = Some(Arc::from("phr")),
    |it| it.parties.subject.assurance.amr = vec![Arc::from("pwd")],
    |it| it.parties.subject.assurance.auth_time = Some(Timestamp::from_seconds(1_790_000_000)),
    |it| {
        it.parties.actor = Some(party(Kind::Agent, "bot", &["h"]));
        it.parties.depth = 1;
    },
    |it| it.parties.actor = Some(party(Kind::Human, "a", &["g"])),
    |it| it.parties.actor = None,
    |it| acting(it).id.id = Arc::from("b"),
    |it| acting(it).id.issuer = Some(ProviderName::new("ci").unwrap()),
    |it| acting(it).kind = Kind::Service,
    |it| acting(it).groups = Arc::from([Arc::from("g")]),
    |it| acting(it).owner = Some(Arc::from("o")),
    |it| put(acting(it), "level", Value::Int(2)),
    |it| put(acting(it), "level", Value::Int(0)),
    |it| put(acting(it), "team", Value::string("x")),
    |it| it.parties.depth = 3,
    |it| {
        it.parties = Parties::alone(Party::anonymous());
        it.token = None;
    },
    |it| it.token = None,
    |it| scope(it, "docs:read"),
    |it| scope(it, "docs:more"),
    |it| scope(it, "others"),
    |it| it.token.iter_mut().for_each(|token| token.bindable = false),
    |it| {
        it.token
            .iter_mut()
            .for_each(|token| token.id = Some(Arc::from("t")));
    },
    |it| it.workload = Some("spiffe://a.test/ci"),
    |it| it.workload = Some("spiffe://a.test/other"),
    |it| it.proof = Proof::Dpop,
    |it| it.proof = Proof::Mtls,
    |it| it.risk = 70,
    |it| condition(it, "incident"),
    |it| condition(it, "frozen"),
    |it| it.param = "2",
    |it| drop(it.query.insert(Arc::from("limit"), Value::Int(5))),
    |it| drop(it.query.insert(Arc::from("limit"), Value::Int(50))),
    |it| sent(it, "limit", "5"),
    |it| sent(it, "limit", "50"),
    |it| sent(it, "limit", "many"),
    |it| drop(it.query.insert(Arc::from("free"), Value::string("y"))),
    |it| drop(it.query.insert(Arc::from("free"), Value::string(""))),
    |it| drop(it.args.insert(Arc::from("rows"), Value::Int(1))),
    |it| drop(it.args.insert(Arc::from("rows"), Value::Int(9))),
    |it| drop(it.args.insert(Arc::from("tags"), Value::strings(&["a,b"]))),
    |it| {
        drop(
            it.args
                .insert(Arc::from("tags"), Value::strings(&["a", "b"])),
        );
    },
    |it| it.resource = "d2",
    |it| it.request.method = "POST".into(),
    |it| it.request.host = "other.test".into(),
    |it| it.request.path = "/other/1".into(),
    |it| header(it, "x-env", "a"),
    |it| header(it, "x-env", ""),
    |it| header(it, "accept", "text/plain"),
    |it| it.request.source.ip = Some("10.0.0.1".parse().unwrap()),
    |it| it.request.source.principal = Some("spiffe://a.test/gw".into()),
    |it| {
        drop(
            it.request
                .context_extensions
                .insert("zone".into(), "eu".into()),
        );
    },
    |it| drop(it.request.metadata.insert("trust".into(), level(1))),
    |it| drop(it.request.metadata.insert("trust".into(), level(2))),
    |it| drop(it.request.route_metadata.insert("trust".into(), level(1))),
    |it| it.request.now = Timestamp::from_seconds(1_800_050_000),
    |it| it.revocations += 1,
];

/// Calls of which one input is changed at a time: in each, something else is the last thing that matters.
pub(super) fn bases() -> Vec<Input> {
    let changes: [Change; 12] = [
        |_| {},
        |it| it.parties.actor = Some(party(Kind::Agent, "bot", &["h"])),
        |it| {
            it.parties.actor = Some(party(Kind::Human, "a", &["g"]));
            put(&mut it.parties.subject, "team", Value::string("x"));
        },
        |it| {
            it.parties.actor = Some(party(Kind::Human, "a", &["g"]));
            put(acting(it), "team", Value::string("x"));
        },
        |it| {
            it.parties.actor = Some(party(Kind::Human, "a", &["g"]));
            put(acting(it), "level", Value::Int(0));
        },
        |it| put(&mut it.parties.subject, "level", Value::Int(0)),
        |it| it.workload = Some("spiffe://a.test/ci"),
        |it| it.parties.subject.kind = Kind::Service,
        |it| drop(it.args.insert(Arc::from("rows"), Value::Int(1))),
        |it| drop(it.query.insert(Arc::from("limit"), Value::Int(5))),
        |it| drop(it.request.metadata.insert("trust".into(), level(1))),
        |it| it.parties.subject.groups = Arc::from([Arc::from("h")]),
    ];
    let base = |change: Change| {
        let mut input = Input::new();
        change(&mut input);
        input
    };
    changes.into_iter().map(base).collect()
}
