//! A check as Envoy sends it with raw headers on: what a browser's request through one gateway carries.

use envoy_types::pb::envoy::config::core::v3::address::Address as Kind;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{
    Address, HeaderMap, HeaderValue, Metadata, SocketAddress,
};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};

/// The path of the request.
const TARGET: &str = "/v1/accounts/acc-20931?limit=50&cursor=eyJvIjo1MH0";

/// A check of a request that carries `token`.
pub(crate) fn check(token: &str) -> CheckRequest {
    let bearer = format!("Bearer {token}");
    let headers = [
        (":authority", "api.example.com"),
        (":method", "GET"),
        (":path", TARGET),
        (":scheme", "https"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip, deflate, br"),
        ("accept-language", "en-GB,en;q=0.9"),
        ("authorization", bearer.as_str()),
        ("origin", "https://console.example.com"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
        ),
        ("x-forwarded-for", "198.51.100.23"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "6f0c9c7e-4f1b-4c4e-8a55-0d0a5b1f5f0e"),
    ];
    let http = HttpRequest {
        id: "8157431295174126233".to_owned(),
        method: "GET".to_owned(),
        path: TARGET.to_owned(),
        host: "api.example.com".to_owned(),
        scheme: "https".to_owned(),
        protocol: "HTTP/2".to_owned(),
        size: -1,
        header_map: Some(HeaderMap {
            headers: headers.into_iter().map(raw).collect(),
        }),
        ..HttpRequest::default()
    };
    CheckRequest {
        attributes: Some(AttributeContext {
            source: Some(peer("198.51.100.23", 51_422)),
            destination: Some(peer("10.0.0.4", 8443)),
            request: Some(Request {
                time: None,
                http: Some(http),
            }),
            metadata_context: Some(Metadata::default()),
            route_metadata_context: Some(Metadata::default()),
            ..AttributeContext::default()
        }),
    }
}

fn raw((name, value): (&str, &str)) -> HeaderValue {
    HeaderValue {
        key: name.to_owned(),
        value: String::new(),
        raw_value: value.as_bytes().to_vec(),
    }
}

fn peer(ip: &str, port: u32) -> Peer {
    let address = SocketAddress {
        address: ip.to_owned(),
        port_specifier: Some(PortSpecifier::PortValue(port)),
        ..SocketAddress::default()
    };
    Peer {
        address: Some(Address {
            address: Some(Kind::SocketAddress(address)),
        }),
        ..Peer::default()
    }
}
