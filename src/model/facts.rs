//! The attributes of one request, read by path: the values behind the schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attributes::Attributes;
use super::identity::Proof;
use super::name::ConditionName;
use super::party::{Parties, Party};
use super::request::AccessRequest;
use super::route::Asked;
use super::value::Value;

/// Everything that conditions can see of one request. Values are made when they are read, so an attribute that no
/// condition reads costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The canonical request.
    pub request: &'a AccessRequest,
    /// What it asks for.
    pub asked: &'a Asked,
    /// Who signs for it.
    pub parties: &'a Parties,
    /// The party that a permit or forbid is evaluated for.
    pub party: Option<&'a Party>,
    /// The SPIFFE ID of the calling workload that Envoy verified.
    pub workload: Option<&'a str>,
    /// How the caller has proven that its credential is its own.
    pub proof: Proof,
    /// Conditions that are set; the others are false.
    pub conditions: &'a BTreeMap<ConditionName, bool>,
    /// What the signals of the action add up to; 0 for the signals themselves, which cannot read it.
    pub risk: u8,
}

impl<'a> Facts<'a> {
    /// The same facts, seen for one party.
    #[must_use]
    pub fn for_party(self, party: &'a Party) -> Self {
        Self {
            party: Some(party),
            ..self
        }
    }

    fn condition(&self, path: &[Box<str>]) -> Option<Value> {
        let name = path.first()?.as_ref();
        let set = self
            .conditions
            .iter()
            .find(|(condition, _)| condition.as_str() == name);
        Some(Value::Bool(set.is_some_and(|(_, value)| *value)))
    }

    fn action(&self, path: &[Box<str>]) -> Option<Value> {
        let action = &self.asked.action;
        match path.first()?.as_ref() {
            "id" => Some(Value::String(action.id.shared())),
            "tier" => Some(Value::string(action.tier.as_str())),
            "route" => Some(Value::String(action.route.shared())),
            _ => None,
        }
    }

    fn resource(&self, path: &[Box<str>]) -> Option<Value> {
        let resource = self.asked.resource.as_ref()?;
        match path.first()?.as_ref() {
            "type" => Some(Value::String(Arc::clone(&resource.kind))),
            "id" => Some(Value::String(Arc::clone(&resource.id))),
            _ => None,
        }
    }
}

impl Attributes for Facts<'_> {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        let (root, rest) = path.split_first()?;
        match root.as_ref() {
            "subject" => party_value(&self.parties.subject, rest),
            "actor" => party_value(self.parties.acting(), rest),
            "party" => party_value(self.party?, rest),
            "delegated" => Some(Value::Bool(self.parties.delegated())),
            "chain" => Some(Value::Int(
                i64::try_from(self.parties.depth).unwrap_or(i64::MAX),
            )),
            "workload" => self.workload.map(Value::string),
            "proof" => Some(Value::string(self.proof.as_str())),
            "conditions" => self.condition(rest),
            "risk" => (rest.first()?.as_ref() == "score").then(|| Value::Int(self.risk.into())),
            "params" => read_map(&self.asked.params, rest),
            "query" => read_map(&self.asked.query, rest),
            "args" => read_map(&self.asked.args, rest),
            "action" => self.action(rest),
            "resource" => self.resource(rest),
            "request" => request_value(self.request, rest),
            "context" => context_value(self.request, rest),
            _ => None,
        }
    }
}

fn party_value(party: &Party, path: &[Box<str>]) -> Option<Value> {
    let (member, rest) = path.split_first()?;
    match member.as_ref() {
        "issuer" => Some(
            party
                .id
                .issuer
                .as_ref()
                .map_or_else(|| Value::string(""), |name| Value::String(name.shared())),
        ),
        "id" => Some(Value::String(Arc::clone(&party.id.id))),
        "kind" => Some(Value::string(party.kind.as_str())),
        "owner" => party.owner.clone().map(Value::String),
        "groups" => Some(Value::strings(&party.groups)),
        "claims" => read_map(&party.claims, rest),
        "assurance" => match rest.first()?.as_ref() {
            "acr" => party.assurance.acr.clone().map(Value::String),
            "amr" => Some(Value::strings(&party.assurance.amr)),
            "auth_time" => party.assurance.auth_time.map(Value::Timestamp),
            _ => None,
        },
        _ => None,
    }
}

fn request_value(request: &AccessRequest, path: &[Box<str>]) -> Option<Value> {
    let (member, rest) = path.split_first()?;
    match member.as_ref() {
        "method" => Some(Value::string(request.method.as_str())),
        "host" => Some(Value::string(request.host.as_str())),
        "path" => Some(Value::string(request.path.as_str())),
        "headers" => request
            .headers
            .get(rest.first()?.as_ref())
            .map(Value::string),
        "source" => match rest.first()?.as_ref() {
            "ip" => request.source.ip.map(|ip| Value::string(ip.to_string())),
            "principal" => request.source.principal.as_deref().map(Value::string),
            _ => None,
        },
        "time" => Some(Value::Timestamp(request.now)),
        "hour" => Some(Value::Int(request.now.hour())),
        _ => None,
    }
}

fn context_value(request: &AccessRequest, path: &[Box<str>]) -> Option<Value> {
    let (member, rest) = path.split_first()?;
    match member.as_ref() {
        "extensions" => request
            .context_extensions
            .get(rest.first()?.as_ref())
            .map(|text| Value::string(text.as_str())),
        "metadata" => read_named(&request.metadata, rest),
        "route_metadata" => read_named(&request.route_metadata, rest),
        _ => None,
    }
}

fn read_named(map: &BTreeMap<String, Value>, path: &[Box<str>]) -> Option<Value> {
    let (name, rest) = path.split_first()?;
    read_value(map.get(name.as_ref())?, rest)
}

fn read_map(map: &BTreeMap<Arc<str>, Value>, path: &[Box<str>]) -> Option<Value> {
    let (name, rest) = path.split_first()?;
    read_value(map.get(name.as_ref())?, rest)
}

fn read_value(value: &Value, path: &[Box<str>]) -> Option<Value> {
    match (path.split_first(), value) {
        (None, value) => Some(value.clone()),
        (Some((name, rest)), Value::Map(entries)) => read_value(entries.get(name.as_ref())?, rest),
        (Some(_), _) => None,
    }
}
