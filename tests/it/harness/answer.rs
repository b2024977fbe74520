//! What the server answered, taken apart.

use envoy_types::pb::envoy::config::core::v3::HeaderValueOption;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{
    CheckResponse, DeniedHttpResponse, OkHttpResponse,
};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value as ProtoValue};
use serde_json::{Map, Value, json};

/// One `CheckResponse`.
#[derive(Clone, Debug)]
pub(crate) struct Answer(pub(crate) CheckResponse);

impl Answer {
    /// The gRPC code; 0 and nothing else means that Envoy forwards the request.
    pub(crate) fn code(&self) -> i32 {
        self.0.status.as_ref().expect("a status").code
    }

    /// Whether Envoy forwards the request.
    pub(crate) fn allows(&self) -> bool {
        self.code() == 0
    }

    /// The HTTP status that the client gets; 200 stands for a request that is forwarded.
    pub(crate) fn status(&self) -> i32 {
        if self.allows() {
            return 200;
        }
        self.denied().status.as_ref().expect("an HTTP status").code
    }

    /// The grant's mutations.
    pub(crate) fn ok(&self) -> &OkHttpResponse {
        match &self.0.http_response {
            Some(HttpResponse::OkResponse(ok)) => ok,
            other => panic!("not allowed: {other:?}"),
        }
    }

    /// The refusal.
    pub(crate) fn denied(&self) -> &DeniedHttpResponse {
        match &self.0.http_response {
            Some(HttpResponse::DeniedResponse(denied)) => denied,
            other => panic!("not denied: {other:?}"),
        }
    }

    /// A header of the refusal.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        value_of(&self.denied().headers, name)
    }

    /// A header that the upstream gets.
    pub(crate) fn sets(&self, name: &str) -> Option<String> {
        value_of(&self.ok().headers, name)
    }

    /// The problem document of a refusal (RFC 9457).
    pub(crate) fn problem(&self) -> Value {
        serde_json::from_str(&self.denied().body)
            .unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The dynamic metadata, for Envoy's access log.
    pub(crate) fn metadata(&self) -> Value {
        let metadata = self.0.dynamic_metadata.as_ref().expect("dynamic metadata");
        object(metadata)
    }

    /// A text in the dynamic metadata.
    pub(crate) fn told(&self, name: &str) -> String {
        let value = self.metadata()[name].clone();
        value.as_str().map(str::to_owned).unwrap_or_default()
    }

    /// The reason code, from the dynamic metadata.
    pub(crate) fn reason(&self) -> String {
        self.told("reason")
    }

    /// What a decision is, apart from the id that every one has of its own.
    pub(crate) fn essence(&self) -> String {
        let id = self.told("decision_id");
        let mut response = self.0.clone();
        response.dynamic_metadata = None;
        let mut metadata = self.metadata();
        metadata["decision_id"] = Value::Null;
        format!("{response:?} {metadata}").replace(&id, "ID")
    }

    /// `allow`, or `deny 403 not_permitted`, or `fault 503 overloaded`: what tests compare.
    pub(crate) fn outcome(&self) -> String {
        if self.allows() {
            return "allow".to_owned();
        }
        format!(
            "{} {} {}",
            self.told("verdict"),
            self.status(),
            self.reason()
        )
    }
}

fn value_of(options: &[HeaderValueOption], name: &str) -> Option<String> {
    let mut found = options
        .iter()
        .filter_map(|option| option.header.as_ref())
        .filter(|it| it.key == name);
    let value = found.next().map(|header| header.value.clone());
    assert!(found.next().is_none(), "`{name}` is set twice");
    value
}

fn object(members: &Struct) -> Value {
    let mut names: Vec<_> = members.fields.iter().collect();
    names.sort_by_key(|(name, _)| name.as_str());
    let members: Map<String, Value> = names
        .into_iter()
        .map(|(name, value)| (name.clone(), of(value)))
        .collect();
    Value::Object(members)
}

fn of(value: &ProtoValue) -> Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => json!(value),
        Some(Kind::NumberValue(value)) => json!(value),
        Some(Kind::StringValue(value)) => json!(value),
        Some(Kind::ListValue(list)) => list.values.iter().map(of).collect(),
        Some(Kind::StructValue(members)) => object(members),
    }
}
