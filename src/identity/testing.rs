//! Providers, routes and payloads for tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::claims::{Presented, read};
use super::payload::Payload;
use super::proof::Binding;
use super::provider::Provider;
use super::spec::{JwtSpec, PresetName};
use crate::json::testing::object;
use crate::model::finding::Finding;
use crate::model::identity::Identity;
use crate::model::name::{ProviderName, RouteId};
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Body, Headers, Peer, Query};
use crate::model::route::{Route, RouteMatch};
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

pub(super) const ISSUER: &str = "https://issuer.example";
pub(super) const AUDIENCE: &str = "https://api.example.com";
/// The moment of every test: 99 seconds after the samples were issued.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_795_298_500);

pub(super) fn provider_name(text: &str) -> ProviderName {
    ProviderName::new(text).unwrap()
}

/// `value` with the members of `change`; those that are null are removed.
pub(super) fn changed(value: &Json, change: Json) -> Json {
    let mut value = value.clone();
    let (Json::Object(members), Json::Object(change)) = (&mut value, change) else {
        panic!("not objects");
    };
    for (name, member) in change {
        if member.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, member);
        }
    }
    value
}

/// The least that a provider needs to be told, and `more`.
pub(super) fn spec(more: Json) -> JwtSpec {
    let least =
        json!({ "issuer": ISSUER, "unregistered_client": "deny", "map": { "kind": "\"human\"" } });
    serde_json::from_value(changed(&least, more)).unwrap()
}

pub(super) fn compile(spec: JwtSpec) -> Result<Provider, Vec<Finding>> {
    Provider::compile(provider_name("corp"), spec, Path::new("/etc/countersign"))
}

/// A sound payload for [`spec`].
pub(super) fn payload() -> Json {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "exp": 1_795_298_701, "iat": 1_795_298_401,
        "jti": "t-1", "client_id": "web", "scope": "crm:read crm:write", "groups": ["crm"]
    })
}

/// What the provider of `spec` makes of a payload whose signature was good. Another provider of the route is `ci`.
pub(super) fn facts(spec: JwtSpec, payload: &Json) -> Result<Facts, Denial> {
    let provider = compile(spec).unwrap();
    let members = &object(payload);
    let presented = Presented {
        now: NOW,
        audience: AUDIENCE,
        issuer: |iss: &str| match iss {
            ISSUER => Some(provider_name("corp")),
            "https://ci.example" => Some(provider_name("ci")),
            _ => None,
        },
    };
    let accepted = |typ| provider.types.check(Some(typ), members);
    if accepted("at+jwt").is_err() {
        accepted("JWT")?;
    }
    let unproven = read(
        &provider.reading,
        Payload(members),
        Some(Arc::from("k")),
        &presented,
    )?;
    assert_eq!(
        unproven.binding,
        Binding::default(),
        "what is bound has facts only with a proof"
    );
    Ok(Facts(unproven.identity))
}

pub(super) fn preset_facts(preset: PresetName, payload: &Json) -> Result<Facts, Denial> {
    let mut spec = spec(json!({ "map": null }));
    spec.preset = Some(preset);
    facts(spec, payload)
}

pub(super) fn preset_refusal(preset: PresetName, payload: &Json) -> Reason {
    preset_facts(preset, payload).unwrap_err().reason
}

/// Facts, as tests read them.
#[derive(Debug)]
pub(super) struct Facts(pub(super) Identity);

impl Facts {
    /// Kind, subject and client.
    pub(super) fn who(&self) -> String {
        let Identity {
            kind,
            subject,
            client,
            ..
        } = &self.0;
        let by = client.as_ref().map(|client| format!(" by {client}"));
        format!("{kind} {subject}{}", by.unwrap_or_default())
    }

    pub(super) fn groups(&self) -> String {
        self.0.groups.join(" ")
    }

    pub(super) fn scope(&self) -> String {
        self.0.token.scope.join(" ")
    }

    /// A declared claim, as JSON.
    pub(super) fn claim(&self, name: &str) -> String {
        self.0
            .claims
            .get(name)
            .map_or_else(|| "absent".to_owned(), show)
    }
}

fn show(value: &crate::model::value::Value) -> String {
    use crate::model::value::Value;
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::List(items) => format!(
            "[{}]",
            items.iter().map(show).collect::<Vec<_>>().join(", ")
        ),
        other => format!("{other:?}"),
    }
}

/// A route at [`AUDIENCE`] that accepts these providers.
pub(super) fn route(providers: &[&str]) -> Route {
    Route {
        protocol: crate::model::route::Protocol::Http,
        id: RouteId::new("api").unwrap(),
        matches: RouteMatch::Extension,
        url: Arc::from(AUDIENCE),
        audience: Arc::from(AUDIENCE),
        providers: providers.iter().map(|name| provider_name(name)).collect(),
        tenant: None,
        environment: None,
        actions: Vec::new(),
    }
}

/// A request with this `authorization`.
pub(super) fn request(authorization: Option<&str>) -> AccessRequest {
    let headers = authorization.map(|value| ("authorization".to_owned(), value.to_owned()));
    AccessRequest {
        now: NOW,
        id: None,
        method: "GET".into(),
        host: "api.example.com".into(),
        path: "/".into(),
        raw_path: "/".into(),
        query: Query::default(),
        headers: Headers::new(headers),
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
