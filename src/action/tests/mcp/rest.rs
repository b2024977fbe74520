//! What a message says beside its arguments, for whoever approves it.

use serde_json::{Value as Json, json};

use super::{STATELESS, asked, call, message, posted, shop};
use crate::model::route::Said;

/// What else is said by a message of this body.
fn said(body: &Json) -> Said {
    asked(&shop(), &message(body)).unwrap().said.unwrap()
}

/// What else is said by a call of a tool with these members of `params`.
fn rest(others: &Json) -> Option<Json> {
    let mut params = json!({ "name": "search", "arguments": { "q": 1 } });
    let members = others.as_object().unwrap().clone();
    params.as_object_mut().unwrap().extend(members);
    let said = said(&call("tools/call", &params));
    assert!(!said.without_digest);
    said.rest.map(|text| serde_json::from_str(&text).unwrap())
}

#[test]
fn what_comes_anew_with_every_attempt_is_no_part_of_it() {
    for others in [
        json!({}),
        json!({ "_meta": {} }),
        json!({ "_meta": { "progressToken": 7, "traceparent": "00-a", "tracestate": "a=b", "baggage": "a=b",
                           "io.modelcontextprotocol/clientInfo": { "name": "x" }, "io.modelcontextprotocol/clientCapabilities": {},
                           "io.modelcontextprotocol/logLevel": "debug" } }),
        json!({ "inputResponses": { "authz_approval": { "action": "accept" } } }),
        json!({ "inputResponses": { "authz_approval": { "action": "cancel", "content": null } } }),
        json!({ "inputResponses": { "authz_approval": { "action": "decline", "content": {} } } }),
    ] {
        assert_eq!(rest(&others), None, "{others}");
    }
}

#[test]
fn everything_else_counts() {
    let ours = |answer: Json| json!({ "inputResponses": { "authz_approval": answer } });
    for others in [
        json!({ "task": { "ttl": 1 } }),
        json!({ "requestState": "s" }),
        json!({ "_meta": { "example.com/x": 1 } }),
        json!({ "_meta": { "traceparent": { "x": 1 } } }),
        json!({ "inputResponses": { "confirm": { "action": "accept" } } }),
        ours(json!({ "action": "accept", "content": { "segment": "all" } })),
        ours(json!({ "action": "accept", "content": [] })),
        ours(json!({ "action": "accept", "segment": "all" })),
        ours(json!({ "action": "all" })),
        ours(json!({})),
        ours(json!("accept")),
    ] {
        assert_eq!(rest(&others), Some(others.clone()));
    }
    let mixed = json!({ "_meta": { "progressToken": 7, "x": 1 }, "inputResponses": {
        "authz_approval": { "action": "accept" }, "confirm": { "action": "accept" } } });
    let left =
        json!({ "_meta": { "x": 1 }, "inputResponses": { "confirm": { "action": "accept" } } });
    assert_eq!(rest(&mixed), Some(left));
}

#[test]
fn every_message_is_known_by_its_method_and_by_what_it_holds() {
    let completes = json!({ "ref": { "type": "ref/prompt", "name": "p" }, "argument": { "name": "x", "value": "y" } });
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    let answered = json!({ "jsonrpc": "2.0", "id": 1, "result": { "action": "accept" } });
    for (body, method, rest) in [
        (
            call("completion/complete", &completes),
            "completion/complete",
            Some(completes.clone()),
        ),
        (
            told,
            "notifications/cancelled",
            Some(json!({ "requestId": 1 })),
        ),
        (
            answered,
            "a response",
            Some(json!({ "result": { "action": "accept" } })),
        ),
        (
            call("resources/read", &json!({ "uri": "file:///reports/a" })),
            "resources/read",
            None,
        ),
        (call("ping", &json!({})), "ping", None),
    ] {
        let said = said(&body);
        assert_eq!(&*said.method, method);
        let found = said.rest.map(|text| serde_json::from_str(&text).unwrap());
        assert_eq!(found, rest, "{method}");
    }
    // A stream that tells the changes of a resource is a subscription, and stays known by what it is.
    let watches = json!({ "notifications": { "resourceSubscriptions": ["file:///a"], "toolsListChanged": true },
                          "_meta": { "io.modelcontextprotocol/protocolVersion": STATELESS } });
    let body = call("subscriptions/listen", &watches).to_string();
    let headers = [("mcp-method", "subscriptions/listen")];
    let said = asked(&shop(), &posted(&body, STATELESS, &headers))
        .unwrap()
        .said
        .unwrap();
    assert_eq!(&*said.method, "subscriptions/listen");
    assert!(said.rest.unwrap().contains("toolsListChanged"));
}

#[test]
fn what_readers_read_differently_has_no_form() {
    let said = said(&call(
        "tools/call",
        &json!({ "name": "search", "task": { "ttl": 9_007_199_254_740_993_i64 } }),
    ));
    assert!(said.without_digest && said.rest.is_none());
}
