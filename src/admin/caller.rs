//! A request to the admin listener as providers read requests: what carries a credential, and nothing of what is asked.

use std::collections::BTreeMap;

use axum::http::header;
use axum::http::header::HeaderName;
use axum::http::request::Parts;

use super::gate::Connection;
use crate::model::request::{AccessRequest, Body, Headers, Peer, Query};
use crate::model::time::Timestamp;

/// What a trusted proxy writes about a certificate. No proxy of the mesh stands in front of this listener, so here it is
/// only what somebody says.
const CLIENT_CERT: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

/// The request; without its `authorization` header unless it is `whole`.
pub(super) fn access_request(
    head: &Parts,
    connection: &Connection,
    now: Timestamp,
    whole: bool,
) -> AccessRequest {
    let kept = head
        .headers
        .iter()
        .filter(|(name, _)| whole || **name != header::AUTHORIZATION)
        .filter(|(name, _)| **name != CLIENT_CERT);
    // A byte that is no UTF-8 becomes a mark that no credential has.
    let headers = kept.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let host = head.headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let path = head.uri.path().to_owned();
    AccessRequest {
        now,
        id: None,
        method: head.method.as_str().to_owned(),
        host: host.to_ascii_lowercase(),
        raw_path: path.clone(),
        path,
        query: Query::default(),
        headers: Headers::new(headers),
        scheme: None,
        protocol: None,
        body: Body::Absent,
        // No certificate: those of the mesh and those of operators are verified by different authorities.
        source: Peer {
            ip: Some(connection.remote),
            ..Peer::default()
        },
        sni: None,
        context_extensions: BTreeMap::new(),
        metadata: BTreeMap::new(),
        route_metadata: BTreeMap::new(),
        gateway: None,
    }
}
