//! Which route and which action a request is, with which parameters; and what cannot be loaded.

mod asking;
mod loading;
mod mcp;
mod routing;

use serde_json::{Value as Json, json};

use super::spec::{ActionSpec, RouteSpec};
use super::{CompiledRoute, RouteTable, compile_route};
use crate::model::finding::Finding;
use crate::model::name::RouteId;
use crate::model::reason::Reason;
use crate::model::request::{AccessRequest, Body, Headers, Peer, Query};
use crate::model::route::Asked;
use crate::model::time::Timestamp;

/// A request for `method` and `target`, which is a decoded path and query without escapes.
pub(super) fn request(method: &str, host: &str, target: &str) -> AccessRequest {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    AccessRequest {
        now: Timestamp::from_seconds(1_800_000_000),
        id: None,
        method: method.into(),
        host: host.into(),
        path: path.into(),
        raw_path: path.into(),
        query: Query::new(pairs.map(|(k, v)| (k.into(), v.into())).collect()),
        headers: Headers::default(),
        scheme: None,
        protocol: None,
        body: Body::Absent,
        source: Peer::default(),
        sni: None,
        context_extensions: std::collections::BTreeMap::new(),
        metadata: std::collections::BTreeMap::new(),
        route_metadata: std::collections::BTreeMap::new(),
        gateway: None,
    }
}

/// Compiles a route that matches as `matches` says, with these actions.
fn compile(id: &str, spec: &Json, actions: &Json) -> Result<CompiledRoute, Vec<Finding>> {
    let spec: RouteSpec = serde_json::from_value(spec.clone()).unwrap();
    let actions: Vec<(String, ActionSpec)> = actions
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, spec)| (name.clone(), serde_json::from_value(spec.clone()).unwrap()))
        .collect();
    compile_route(&RouteId::new(id).unwrap(), &spec, &actions)
}

/// A route on `api.test` with these actions.
fn route(actions: &Json) -> CompiledRoute {
    let spec = json!({ "match": { "host": "api.test" }, "url": "https://api.test" });
    compile("api", &spec, actions).unwrap()
}

fn table(routes: &[(&str, Json)]) -> RouteTable {
    let compiled = routes.iter().map(|(id, matches)| {
        let spec = json!({ "match": matches, "url": "https://api.test" });
        compile(id, &spec, &json!({})).unwrap()
    });
    RouteTable::build(compiled.collect(), |_| false).unwrap()
}

fn ask(route: &CompiledRoute, method: &str, target: &str) -> Result<Asked, Reason> {
    let request = request(method, "api.test", target);
    let found = route.find(&request, &route.read(&request));
    found.map_err(|denial| denial.reason)
}

/// The id of the action that is asked for.
fn action(route: &CompiledRoute, method: &str, target: &str) -> Result<String, Reason> {
    ask(route, method, target).map(|asked| asked.action.id.to_string())
}
