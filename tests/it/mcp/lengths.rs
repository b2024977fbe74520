//! Bodies at the bound of what Envoy sends: whole and decided on, or refused; never decided on by their beginning.

use std::sync::LazyLock;

use h2::client::handshake;
use serde_json::json;
use tokio::net::TcpStream;
use tonic::codegen::http;

use super::HOST;
use super::peers::Style;
use super::stage::{BARE, Before, McpStage, SESSIONS, changes, cut_from_shipped};
use crate::envoy::client::Request;
use crate::envoy::process::Change;
use crate::harness::{SOON, eventually};

/// Envoy's `max_request_bytes` in `envoy.yaml`.
const LIMIT: usize = 65_536;

/// The header with which the MCP server signs its answers.
const SIGNED: &str = "x-answered-by";

/// Nothing but `ext_authz` holds bodies, and it sends the beginning of those that are too long.
static PARTIAL: LazyLock<McpStage> = LazyLock::new(|| McpStage::with(&partial(&[]), Style::Single));
/// The same, as text.
static TEXT: LazyLock<McpStage> = LazyLock::new(|| {
    let text = ("pack_as_bytes: true", "pack_as_bytes: false".to_owned());
    McpStage::with(&partial(&[text]), Style::Single)
});

fn partial(more: &[Change]) -> Vec<Change> {
    let buffer = cut_from_shipped("          - name: envoy.filters.http.buffer\n");
    let own = [
        (buffer, String::new()),
        (
            "allow_partial_message: false",
            "allow_partial_message: true".to_owned(),
        ),
    ];
    [&changes(Before::Nothing)[..], &own, more].concat()
}

/// A call of exactly this many bytes; `filler` fills it.
fn call(length: usize, filler: &str) -> Vec<u8> {
    let with = |note: &str| {
        let params = json!({ "name": "export_customers", "arguments": { "segment": "eu", "rows": 1, "note": note } });
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
            .to_string()
            .into_bytes()
    };
    let rest = length - with("").len();
    with(&filler.repeat(rest / filler.len()))
}

/// How a body is sent.
#[derive(Clone, Copy, Debug)]
enum Framing {
    /// HTTP/1.1 with its length.
    Length,
    /// HTTP/1.1 in chunks.
    Chunked,
    /// HTTP/2 with its length.
    Http2Length,
    /// HTTP/2 without.
    Http2,
}
use Framing::{Chunked, Http2, Http2Length, Length};

const ALL: [Framing; 4] = [Length, Chunked, Http2Length, Http2];

/// `allow` if exactly this body has reached the server; else the status, and the reason if countersign gave one.
async fn fate(stage: &'static McpStage, framing: Framing, body: &[u8]) -> String {
    let before = reached(stage, body);
    let Told {
        status,
        decision,
        server,
    } = match framing {
        Length | Chunked => {
            let request = Request::post(HOST, "/desk")
                .bearer(&stage.token("desk", &["desk"]))
                .header("accept", "application/json, text/event-stream")
                .header("mcp-protocol-version", "2025-11-25")
                .header("content-type", "application/json");
            let request = match framing {
                Chunked => request.chunked(body, 9000),
                _ => request.body(body),
            };
            let answer = tokio::task::spawn_blocking(move || stage.send(&request))
                .await
                .unwrap();
            Told {
                status: answer.status,
                decision: answer.header("x-decision-id").map(str::to_owned),
                server: answer.header(SIGNED).is_some(),
            }
        }
        Http2Length => over_http2(stage, body, true).await,
        Http2 => over_http2(stage, body, false).await,
    };
    // What has passed is told of in a moment, whatever the server says to it: it knows no session of this call.
    if server {
        let arrived = || (reached(stage, body) > before).then_some(());
        tokio::task::block_in_place(|| eventually(SOON, "a call at the server", arrived));
    }
    if reached(stage, body) > before {
        return "allow".to_owned();
    }
    match decision {
        None => format!("{status} by Envoy"),
        Some(decision) => {
            let reason = stage.stage.record(&decision)["reason"].clone();
            format!("{status} {}", reason.as_str().unwrap())
        }
    }
}

/// What came back.
struct Told {
    status: u16,
    decision: Option<String>,
    /// Whether it is the MCP server's own answer.
    server: bool,
}

fn reached(stage: &McpStage, body: &[u8]) -> usize {
    stage.tools.seen(|seen| seen.body == body).len()
}

async fn over_http2(stage: &McpStage, body: &[u8], length: bool) -> Told {
    let stream = TcpStream::connect(stage.stage.envoy.plain).await.unwrap();
    let (sender, connection) = handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = http::Request::post(format!("http://{HOST}/desk"))
        .header(
            "authorization",
            format!("Bearer {}", stage.token("desk", &["desk"])),
        )
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .header("content-type", "application/json");
    if length {
        request = request.header("content-length", body.len());
    }
    let mut sender = sender.ready().await.unwrap();
    let (response, mut into) = sender
        .send_request(request.body(()).unwrap(), false)
        .unwrap();
    let mut rest = body.to_vec();
    while !rest.is_empty() {
        into.reserve_capacity(rest.len());
        // Envoy may answer and close before it has read everything.
        let Some(Ok(room)) = std::future::poll_fn(|context| into.poll_capacity(context)).await
        else {
            break;
        };
        let after = rest.split_off(room.min(rest.len()));
        if into.send_data(rest.into(), after.is_empty()).is_err() {
            break;
        }
        rest = after;
    }
    let response = response.await.unwrap();
    connection.abort();
    let header = |name: &str| {
        let value = response.headers().get(name);
        value.map(|value| value.to_str().unwrap())
    };
    Told {
        status: response.status().as_u16(),
        decision: header("x-decision-id").map(str::to_owned),
        server: header(SIGNED).is_some(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn up_to_the_limit_a_call_is_decided_on_however_it_is_framed() {
    for framing in ALL {
        for length in [LIMIT - 1, LIMIT] {
            let body = call(length, "x");
            assert_eq!(body.len(), length);
            assert_eq!(
                fate(&BARE, framing, &body).await,
                "allow",
                "{framing:?} {length}"
            );
        }
        let body = call(LIMIT + 1, "x");
        assert_eq!(
            fate(&BARE, framing, &body).await,
            "413 by Envoy",
            "{framing:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_envoys_mcp_filter_it_is_the_same_but_for_the_status() {
    for framing in ALL {
        let body = call(LIMIT - 1, "y");
        assert_eq!(
            fate(&SESSIONS, framing, &body).await,
            "allow",
            "{framing:?}"
        );
        let body = call(LIMIT + 1, "y");
        assert_eq!(
            fate(&SESSIONS, framing, &body).await,
            "400 by Envoy",
            "{framing:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beginning_of_a_call_is_never_decided_on() {
    for framing in [Length, Http2Length] {
        for length in [1000, LIMIT - 1, LIMIT] {
            let body = call(length, "z");
            assert_eq!(
                fate(&PARTIAL, framing, &body).await,
                "allow",
                "{framing:?} {length}"
            );
        }
        let body = call(LIMIT + 1, "z");
        assert_eq!(
            fate(&PARTIAL, framing, &body).await,
            "400 input_incomplete",
            "{framing:?}"
        );
    }
    for framing in [Chunked, Http2] {
        for length in [1000, LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 9000] {
            let body = call(length, "z");
            assert_eq!(
                fate(&PARTIAL, framing, &body).await,
                "400 input_incomplete",
                "{framing:?} {length}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_in_which_a_byte_may_be_another_is_not_decided_on() {
    for framing in ALL {
        for filler in ["!", "w"] {
            let body = call(1000, filler);
            let fate = fate(&TEXT, framing, &body).await;
            assert_eq!(fate, "400 input_incomplete", "{framing:?} {filler}");
        }
    }
    let mut torn = call(1000, "w");
    let middle = torn.iter().position(|byte| *byte == b'w').unwrap();
    torn[middle] = 0xff;
    assert_eq!(fate(&PARTIAL, Length, &torn).await, "400 body_malformed");
    assert_eq!(fate(&TEXT, Length, &torn).await, "400 input_incomplete");
}
