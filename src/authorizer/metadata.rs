//! The metadata of protected resources (RFC 9728): where a client that has no token for a route learns who issues them.
//! Anybody may read it, so it is answered before anybody is asked who they are.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;

use crate::action::{CompiledRoute, RouteTable};
use crate::identity::{AcceptedTokens, CheckedProviders, DpopSettings};
use crate::model::name::RouteId;
use crate::model::request::AccessRequest;
use crate::model::route::{Protocol, Route};

/// Size that a document stays below, so that Envoy's `max_denied_response_body_bytes` need not cut it.
const MAX_DOCUMENT: usize = 4096;

/// The documents of a snapshot's routes.
#[derive(Debug)]
pub struct Documents(HashMap<RouteId, Arc<str>>);

/// RFC 9728, section 2. Whether tokens may be bound to client certificates is left out: it depends on the Envoy.
#[derive(Serialize)]
struct Document<'a> {
    resource: &'a str,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    authorization_servers: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    scopes_supported: BTreeSet<&'a str>,
    bearer_methods_supported: &'static [&'static str],
    dpop_signing_alg_values_supported: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<&'a str>,
}

impl Documents {
    /// The documents of all routes that take tokens.
    pub fn new(routes: &RouteTable, providers: &CheckedProviders, dpop: &DpopSettings) -> Self {
        let documents = routes.iter().filter_map(|route| {
            let tokens = providers.accepted_tokens(route, dpop)?;
            Some((route.id.clone(), document(route, &tokens)))
        });
        Self(documents.collect())
    }

    /// The route whose document `request` asks for, and the document. What else the request says does not matter: it is the
    /// same for everybody.
    pub(super) fn find<'a>(
        &self,
        routes: &'a RouteTable,
        request: &AccessRequest,
    ) -> Option<(&'a Arc<CompiledRoute>, Arc<str>)> {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return None;
        }
        let route = routes.described(request)?;
        let document = self.0.get(&route.route.id)?;
        Some((route, Arc::clone(document)))
    }
}

fn document(route: &Route, tokens: &AcceptedTokens) -> Arc<str> {
    // Scopes tell what there is. Who may have it learns from a challenge which it takes.
    let hides = matches!(&route.protocol, Protocol::Mcp(mcp) if mcp.hide_existence);
    let actions = route.actions.iter().filter(|_| !hides);
    let scopes = actions.flat_map(|action| &action.scope);
    let whole = json(route, tokens, scopes.map(AsRef::as_ref).collect());
    // Clients ask for the scopes that a challenge names; a list of all of them is a convenience.
    if whole.len() < MAX_DOCUMENT {
        whole
    } else {
        json(route, tokens, BTreeSet::new())
    }
}

fn json(route: &Route, tokens: &AcceptedTokens, scopes: BTreeSet<&str>) -> Arc<str> {
    let AcceptedTokens {
        issuers,
        in_header,
        dpop,
    } = tokens;
    let document = Document {
        resource: &route.url,
        authorization_servers: issuers,
        scopes_supported: scopes,
        bearer_methods_supported: if *in_header { &["header"] } else { &[] },
        dpop_signing_alg_values_supported: dpop.split(' ').collect(),
        resource_name: match &route.protocol {
            Protocol::Http => None,
            Protocol::Mcp(mcp) => Some(&mcp.server),
        },
    };
    // Texts under fixed keys always serialise.
    let text = serde_json::to_string(&document).unwrap_or_else(|_error| String::from("{}"));
    Arc::from(text)
}
