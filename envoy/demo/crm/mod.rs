//! The demo's MCP server: the CRM as tools, over streamable HTTP, for the revisions with sessions and for the one without.
//!
//! It trusts whoever calls it and does whatever it is told, as such servers do; that nobody may but who should is what
//! countersign is for. Nothing is stored: a customer that was deleted is there again.

mod tools;

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use uuid::Uuid;

/// The newest revision with sessions, and the one without.
const SESSIONS: &str = "2025-11-25";
const STATELESS: &str = "2026-07-28";

/// Codes of JSON-RPC.
const NOT_JSON: i64 = -32700;
const NO_METHOD: i64 = -32601;

/// Builds the service.
pub(crate) fn router() -> Router {
    Router::new().fallback(serve)
}

async fn serve(method: Method, headers: HeaderMap, body: String) -> Response {
    match method {
        Method::POST => post(&headers, &body),
        // The end of a session, of which nothing was kept.
        Method::DELETE => StatusCode::NO_CONTENT.into_response(),
        // No stream of messages of the server's own.
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn post(headers: &HeaderMap, body: &str) -> Response {
    let Ok(message) = serde_json::from_str::<Value>(body) else {
        let unread = answer(&Value::Null, Err((NOT_JSON, "this is no JSON".to_owned())));
        return (StatusCode::BAD_REQUEST, unread).into_response();
    };
    let Some(id) = message.get("id") else {
        return StatusCode::ACCEPTED.into_response();
    };
    let method = text(&message, "/method");
    let outcome = carry_out(method, &message, headers);
    let answer = answer(id, outcome);
    if method == "initialize" {
        let session = Uuid::now_v7().to_string();
        return ([("mcp-session-id", session)], answer).into_response();
    }
    answer.into_response()
}

/// A result, or code and message of an error.
type Outcome = Result<Value, (i64, String)>;

fn answer(id: &Value, outcome: Outcome) -> Json<Value> {
    Json(match outcome {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err((code, message)) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
    })
}

fn carry_out(method: &str, message: &Value, headers: &HeaderMap) -> Outcome {
    let name = env!("CARGO_PKG_NAME");
    let server =
        json!({ "name": format!("{name}-demo-crm"), "version": env!("CARGO_PKG_VERSION") });
    match method {
        "initialize" => Ok(json!({
            "protocolVersion": SESSIONS, "capabilities": { "tools": {} }, "serverInfo": server,
        })),
        "server/discover" => Ok(json!({
            "supportedVersions": [STATELESS], "capabilities": { "tools": {} }, "serverInfo": server,
            "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
        })),
        "ping" => Ok(json!({})),
        "tools/list" => Ok(json!({
            "tools": tools::all(), "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
        })),
        "tools/call" => Ok(called(message, headers)),
        other => Err((NO_METHOD, format!("there is no method `{other}`"))),
    }
}

/// The result of a tool. What goes wrong in one is a result, too: the model is to read it.
fn called(message: &Value, headers: &HeaderMap) -> Value {
    let arguments = message.pointer("/params/arguments").unwrap_or(&Value::Null);
    let caller = tools::Caller::of(headers);
    let said = tools::call(text(message, "/params/name"), arguments, &caller);
    let failed = said.is_err();
    let said = said.unwrap_or_else(|wrong| wrong);
    json!({
        "content": [{ "type": "text", "text": said }], "isError": failed, "resultType": "complete",
    })
}

fn text<'a>(of: &'a Value, pointer: &str) -> &'a str {
    of.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(method: &str, params: &Value) -> Outcome {
        let mut headers = HeaderMap::new();
        headers.insert("x-user", "alice".parse().unwrap());
        headers.insert("x-actor", "crm-bot".parse().unwrap());
        carry_out(method, &json!({ "params": params }), &headers)
    }

    #[test]
    fn every_tool_that_is_listed_can_be_called() {
        let listed = outcome("tools/list", &json!({})).unwrap();
        let arguments = json!({ "segment": "eu", "rows": 10, "ids": ["c-7"] });
        for tool in listed["tools"].as_array().unwrap() {
            let params = json!({ "name": tool["name"], "arguments": arguments });
            let result = outcome("tools/call", &params).unwrap();
            assert_eq!(result["isError"], false, "{result}");
            let said = text(&result, "/content/0/text");
            assert!(said.contains("for alice, asked by crm-bot"), "{said}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_call_is_for_the_model_to_read() {
        let result = outcome("tools/call", &json!({ "name": "drop_tables" })).unwrap();
        assert_eq!(result["isError"], true);
        assert!(outcome("resources/list", &json!({})).is_err());
    }
}
