//! From a described call to the request that a client would send.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value, json};

use crate::authorizer::Snapshot;
use crate::config::{CallSpec, GivenSpec};
use crate::ext_authz::DescribedRequest;
use crate::model::route::{Protocol, Route, RouteMatch};

const JSON: &str = "application/json";
/// What a client of a streamable HTTP server accepts.
const ANSWERS: &str = "application/json, text/event-stream";
/// The newest revision of MCP that has sessions.
const REVISION: &str = "2025-11-25";
const INITIALIZE: &str = "initialize";

/// The request of a call; a route that is named is called at its first host.
pub(super) fn request(
    call: &CallSpec,
    given: &GivenSpec,
    snapshot: &Snapshot,
) -> Result<DescribedRequest> {
    let mut context_extensions = call.context.clone();
    let (host, route) = match (&call.route, &call.host) {
        (_, Some(host)) => (host.clone(), None),
        (Some(id), None) => {
            let known = snapshot.routes.iter().find(|known| known.id.as_str() == id);
            let route = known.ok_or_else(|| anyhow!("there is no route `{id}`"))?;
            if route.matches == RouteMatch::Extension {
                context_extensions.insert(crate::action::EXTENSION_KEY.to_owned(), id.clone());
            }
            (host_of(route), Some(route))
        }
        (None, None) => bail!("a call names a `route` or a `host`"),
    };
    let Said {
        method,
        target,
        headers,
        body,
    } = match call.message() {
        Some(key) => message(call, key, route)?,
        None => plain(call)?,
    };
    Ok(DescribedRequest {
        method,
        host,
        target,
        headers: over(headers, &call.headers),
        body,
        context_extensions,
        workload: given.workload.clone(),
    })
}

/// What a call says, whatever host it goes to.
struct Said {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: Option<Vec<u8>>,
}

fn host_of(route: &Route) -> String {
    match &route.matches {
        RouteMatch::Host { hosts, .. } => hosts.first().cloned().unwrap_or_default(),
        RouteMatch::Extension => "localhost".to_owned(),
    }
}

/// Headers that go with the call, and over them those that it names itself.
fn over(
    mut headers: BTreeMap<String, String>,
    named: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let named = named.iter();
    headers.extend(named.map(|(name, value)| (name.to_lowercase(), value.clone())));
    headers
}

/// An HTTP request or a gRPC call.
fn plain(call: &CallSpec) -> Result<Said> {
    let (method, target) = match (&call.http, &call.grpc) {
        (Some(http), None) => {
            let parts = http.split_once(' ');
            let (method, target) =
                parts.with_context(|| format!("`{http}` is no request: write `GET /path`"))?;
            (method, target.to_owned())
        }
        (None, Some(grpc)) => ("POST", format!("/{}", grpc.trim_start_matches('/'))),
        _ => bail!("a call has one of `http` and `grpc`"),
    };
    let body = call.body.as_ref().map(Value::to_string);
    let typed = body
        .as_ref()
        .map(|_| ("content-type".to_owned(), JSON.to_owned()));
    Ok(Said {
        method: method.to_owned(),
        target,
        headers: typed.into_iter().collect(),
        body: body.map(String::into_bytes),
    })
}

/// The POST of a JSON-RPC message to the endpoint of its route.
fn message(call: &CallSpec, key: &str, route: Option<&Route>) -> Result<Said> {
    let route = route.with_context(|| format!("`{key}` needs a route, not a host"))?;
    if !matches!(route.protocol, Protocol::Mcp(_)) {
        bail!(
            "`{key}` is for MCP routes, and `{}` is none: write `http`, with a `body`",
            route.id
        );
    }
    let target = match &route.matches {
        RouteMatch::Host { prefix, .. } => prefix.clone(),
        RouteMatch::Extension => "/".to_owned(),
    };
    let (method, params) = asked(call)?;
    let mut headers = BTreeMap::from([
        ("content-type".to_owned(), JSON.to_owned()),
        ("accept".to_owned(), ANSWERS.to_owned()),
    ]);
    // Before that, the two have not agreed on a revision.
    if method != INITIALIZE {
        headers.insert("mcp-protocol-version".to_owned(), REVISION.to_owned());
    }
    Ok(Said {
        method: "POST".to_owned(),
        target,
        headers,
        body: Some(rpc(method, params).to_string().into_bytes()),
    })
}

/// The method of the message and its `params`.
fn asked(call: &CallSpec) -> Result<(&str, Option<Value>)> {
    let named = |method, name: &str| {
        let mut params = Map::from_iter([("name".to_owned(), json!(name))]);
        let args = call.args.clone().map(Value::Object);
        params.extend(args.map(|args| ("arguments".to_owned(), args)));
        (method, Some(Value::Object(params)))
    };
    Ok(match (&call.tool, &call.prompt, &call.uri, &call.mcp) {
        (Some(tool), None, None, None) => named("tools/call", tool),
        (None, Some(prompt), None, None) => named("prompts/get", prompt),
        (None, None, Some(uri), None) => ("resources/read", Some(json!({ "uri": uri }))),
        (None, None, None, Some(method)) => {
            let params = call.params.clone().or_else(|| usual(method));
            (method, params.map(Value::Object))
        }
        _ => bail!("a call has one of `tool`, `prompt`, `uri` and `mcp`"),
    })
}

/// What a client sends with a method whose `params` are always alike.
fn usual(method: &str) -> Option<Map<String, Value>> {
    let hello = json!({
        "protocolVersion": REVISION,
        "capabilities": {},
        "clientInfo": { "name": "client", "version": "1" },
    });
    let hello = hello.as_object().cloned();
    hello.filter(|_| method == INITIALIZE)
}

/// The message; nobody waits for an answer to a notification.
fn rpc(method: &str, params: Option<Value>) -> Value {
    let mut message = Map::from_iter([
        ("jsonrpc".to_owned(), json!("2.0")),
        ("method".to_owned(), json!(method)),
    ]);
    if !method.starts_with("notifications/") {
        message.insert("id".to_owned(), json!(1));
    }
    message.extend(params.map(|params| ("params".to_owned(), params)));
    Value::Object(message)
}
