//! A request that is described in words instead of sent by Envoy, for `test` and `explain`. It becomes a check request
//! first, so that it goes the same way as every other.

use std::collections::{BTreeMap, HashMap};

use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use super::request::access_request;
use crate::model::request::AccessRequest;
use crate::model::time::Timestamp;
use crate::model::verdict::Denial;

/// A request in words.
#[derive(Clone, Debug, Default)]
pub struct DescribedRequest {
    /// Method.
    pub method: String,
    /// Host, as a client would send it.
    pub host: String,
    /// Path and query, as a client would send them.
    pub target: String,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// Its body, byte by byte; none if it has none.
    pub body: Option<Vec<u8>>,
    /// Envoy's context extensions.
    pub context_extensions: BTreeMap<String, String>,
    /// SPIFFE ID of the peer certificate that Envoy verified.
    pub workload: Option<String>,
}

impl DescribedRequest {
    /// The canonical request, or why there is none.
    pub fn access_request(&self, now: Timestamp) -> Result<AccessRequest, Denial> {
        access_request(&self.check_request(), now)
    }

    /// The check that Envoy would send.
    fn check_request(&self) -> CheckRequest {
        let Self {
            method,
            host,
            target,
            headers,
            body,
            context_extensions,
            workload,
        } = self;
        let pairs = |map: &BTreeMap<String, String>| -> HashMap<String, String> {
            map.iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        let mut sent: HashMap<String, String> = headers
            .iter()
            .map(|(name, value)| (name.to_lowercase(), value.clone()))
            .collect();
        if let Some(body) = body {
            // As clients send it: without its length a body is not certainly whole.
            let length = || body.len().to_string();
            sent.entry("content-length".to_owned())
                .or_insert_with(length);
        }
        let http = HttpRequest {
            method: method.clone(),
            host: host.clone(),
            path: target.clone(),
            headers: sent,
            scheme: "https".to_owned(),
            protocol: "HTTP/1.1".to_owned(),
            size: body
                .as_ref()
                .map_or(-1, |body| i64::try_from(body.len()).unwrap_or(i64::MAX)),
            raw_body: body.clone().unwrap_or_default(),
            ..HttpRequest::default()
        };
        let source = workload.as_ref().map(|id| Peer {
            principal: id.clone(),
            ..Peer::default()
        });
        let attributes = AttributeContext {
            source,
            request: Some(Request {
                time: None,
                http: Some(http),
            }),
            context_extensions: pairs(context_extensions),
            ..AttributeContext::default()
        };
        CheckRequest {
            attributes: Some(attributes),
        }
    }
}
