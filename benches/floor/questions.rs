//! What is asked: checks as Envoy sends them, encoded before anything is measured.

use anyhow::{Context as _, Result};
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use prost::Message as _;

use super::connection::Connection;
use super::frames::Heads;
use super::load::Bodies;
use super::requests;
use super::socket::Address;
use super::speech::Speech;

/// Where checks go.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// How long Envoy waits where the recommended configuration is used, and how long it does not matter.
pub(crate) const HASTY: &str = "250m";
pub(crate) const PATIENT: &str = "60S";

/// A connection for checks, with the headers that Envoy's own client of gRPC sends, and as long as it waits.
pub(crate) fn connect(address: &Address, timeout: &str) -> Result<Connection> {
    let heads = Heads::new(&[
        (":method", "POST"),
        (":path", CHECK),
        (":authority", "countersign"),
        (":scheme", "http"),
        ("te", "trailers"),
        ("grpc-timeout", timeout),
        ("content-type", "application/grpc"),
        ("x-envoy-internal", "true"),
        ("x-forwarded-for", "10.0.0.4"),
    ]);
    Connection::open(address, Speech::Check, heads)
}

/// Checks of plain requests with these tokens.
pub(crate) fn plain(tokens: &[String]) -> Bodies {
    Bodies::new(
        tokens
            .iter()
            .map(|token| framed(&requests::check(token)))
            .collect(),
    )
}

/// Checks of a tool call with 2 KB of arguments.
pub(crate) fn tool(token: &str) -> Bodies {
    Bodies::new(vec![framed(&requests::tool_call(token))])
}

/// A check of another request than the usual one.
pub(crate) fn other(
    token: &str,
    method: &str,
    host: &str,
    path: &str,
    body: &str,
) -> Result<Bodies> {
    let mut check = requests::check(token);
    let http = http(&mut check).context("no request")?;
    method.clone_into(&mut http.method);
    host.clone_into(&mut http.host);
    path.clone_into(&mut http.path);
    body.as_bytes().clone_into(&mut http.raw_body);
    let length = body.len().to_string();
    let headers = http.header_map.as_mut().context("no headers")?;
    headers.headers.retain(|header| header.key != "origin");
    for header in &mut headers.headers {
        let value = match header.key.as_str() {
            ":method" => method,
            ":authority" => host,
            ":path" => path,
            _ => continue,
        };
        value.as_bytes().clone_into(&mut header.raw_value);
    }
    if !body.is_empty() {
        http.size = i64::try_from(body.len())?;
        headers
            .headers
            .push(requests::raw(("content-length", &length)));
    }
    Ok(Bodies::new(vec![framed(&check)]))
}

fn http(check: &mut CheckRequest) -> Option<&mut HttpRequest> {
    let request = check.attributes.as_mut()?.request.as_mut()?;
    request.http.as_mut()
}

/// A message as gRPC sends it: not compressed, its length, and itself.
fn framed(check: &CheckRequest) -> Vec<u8> {
    let message = check.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], length.to_be_bytes().as_slice(), &message].concat()
}
