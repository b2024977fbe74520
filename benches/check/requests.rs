//! A check as Envoy sends it with raw headers on: what a browser's request through one gateway carries.

use envoy_types::pb::envoy::config::core::v3::address::Address as Kind;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{
    Address, HeaderMap, HeaderValue, Metadata, SocketAddress,
};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use serde_json::json;

/// The path of the request.
const TARGET: &str = "/v1/accounts/acc-20931?limit=50&cursor=eyJvIjo1MH0";
/// The revision of the tool call, and how many bytes its message has.
const REVISION: &str = "2026-07-28";
const MESSAGE: usize = 2048;

/// A check of a request that carries `token`.
pub(crate) fn check(token: &str) -> CheckRequest {
    let bearer = format!("Bearer {token}");
    let headers = [
        (":authority", "api.example.com"),
        (":method", "GET"),
        (":path", TARGET),
        ("accept", "application/json"),
        ("accept-encoding", "gzip, deflate, br"),
        ("accept-language", "en-GB,en;q=0.9"),
        ("authorization", bearer.as_str()),
        ("origin", "https://console.example.com"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
        ),
    ];
    let http = HttpRequest {
        method: "GET".to_owned(),
        path: TARGET.to_owned(),
        host: "api.example.com".to_owned(),
        size: -1,
        ..HttpRequest::default()
    };
    sent(http, &headers)
}

/// A check of a call of the tool `export_customers` that carries `token`: a message of 2 KB, as the official SDK's client of
/// revision 2026-07-28 sends it.
pub(crate) fn tool_call(token: &str) -> CheckRequest {
    let bearer = format!("Bearer {token}");
    let body = message();
    let length = body.len().to_string();
    let headers = [
        (":authority", "mcp.example.com"),
        (":method", "POST"),
        (":path", "/crm"),
        ("accept", "application/json, text/event-stream"),
        ("accept-encoding", "gzip, deflate"),
        ("authorization", bearer.as_str()),
        ("content-length", length.as_str()),
        ("content-type", "application/json"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "export_customers"),
        ("mcp-protocol-version", REVISION),
        ("user-agent", "python-httpx2/2.16.2"),
    ];
    let http = HttpRequest {
        method: "POST".to_owned(),
        path: "/crm".to_owned(),
        host: "mcp.example.com".to_owned(),
        size: i64::try_from(body.len()).unwrap_or(-1),
        raw_body: body.into_bytes(),
        ..HttpRequest::default()
    };
    sent(http, &headers)
}

/// The message, filled up to [`MESSAGE`] bytes with a note.
fn message() -> String {
    let of = |note: &str| {
        json!({
            "jsonrpc": "2.0", "id": 7, "method": "tools/call",
            "params": {
                "name": "export_customers",
                "arguments": { "segment": "eu", "rows": 500, "note": note },
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": REVISION,
                    "io.modelcontextprotocol/clientInfo": { "name": "mcp", "version": "2.3.0" },
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
            },
        })
        .to_string()
    };
    let rest = MESSAGE.saturating_sub(of("").len());
    let words = "for the quarterly review of the region, ";
    of(&words.chars().cycle().take(rest).collect::<String>())
}

/// What every request has in common.
fn sent(http: HttpRequest, headers: &[(&str, &str)]) -> CheckRequest {
    let common = [
        (":scheme", "https"),
        ("x-forwarded-for", "198.51.100.23"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "6f0c9c7e-4f1b-4c4e-8a55-0d0a5b1f5f0e"),
    ];
    let headers = headers.iter().chain(&common).copied();
    let http = HttpRequest {
        id: "8157431295174126233".to_owned(),
        scheme: "https".to_owned(),
        protocol: "HTTP/2".to_owned(),
        header_map: Some(HeaderMap {
            headers: headers.map(raw).collect(),
        }),
        ..http
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

pub(crate) fn raw((name, value): (&str, &str)) -> HeaderValue {
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
