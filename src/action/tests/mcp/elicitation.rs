//! Whether a message says that its client sends people to a URL: only in the words of the protocol, and only for itself.

use serde_json::{Value as Json, json};

use super::{FILTER, STATELESS, call, headed, posted, rpc, say, sound};
use crate::model::request::Body;

const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// What is read of a call with these capabilities, and with these answers to what was asked before.
fn declared(capabilities: &Json, responses: Option<Json>) -> bool {
    let mut params = json!({ "name": "export_customers", "_meta": { CAPABILITIES: capabilities } });
    if let Some(responses) = responses {
        params["inputResponses"] = responses;
    }
    let body = call("tools/call", &params).to_string();
    rpc(&posted(&body, STATELESS, &[])).unwrap().elicits_url
}

#[test]
fn only_the_capability_itself_declares_it() {
    for (capabilities, expected) in [
        (json!({ "elicitation": { "url": {} } }), true),
        (
            json!({ "elicitation": { "form": {}, "url": { "x": 1 } } }),
            true,
        ),
        (json!({ "elicitation": {} }), false),
        (json!({ "elicitation": { "form": {} } }), false),
        (json!({ "elicitation": { "url": true } }), false),
        (json!({ "elicitation": { "url": null } }), false),
        (json!({ "elicitation": { "url": [] } }), false),
        (json!({ "elicitation": { "URL": {} } }), false),
        (json!({ "elicitation": "url" }), false),
        (json!({ "Elicitation": { "url": {} } }), false),
        (json!({ "url": {} }), false),
        (json!([]), false),
        (Json::Null, false),
    ] {
        assert_eq!(declared(&capabilities, None), expected, "{capabilities}");
    }
    // Elsewhere in the message it says nothing.
    let params = json!({ "name": "a", "arguments": { "_meta": { CAPABILITIES: { "elicitation": { "url": {} } } } } });
    let body = call("tools/call", &params).to_string();
    assert!(!rpc(&posted(&body, STATELESS, &[])).unwrap().elicits_url);
    assert!(
        !rpc(&posted(&call("ping", &json!({})).to_string(), "", &[]))
            .unwrap()
            .elicits_url
    );
}

#[test]
fn nobody_is_asked_again_who_has_refused() {
    let able = json!({ "elicitation": { "url": {} } });
    for (responses, expected) in [
        (json!({}), true),
        (json!({ "other": { "action": "decline" } }), true),
        (json!({ "authz_approval": { "action": "accept" } }), true),
        (json!({ "authz_approval": { "action": "decline" } }), false),
        (json!({ "authz_approval": { "action": "cancel" } }), false),
        (json!({ "authz_approval": { "action": "Accept" } }), false),
        (json!({ "authz_approval": {} }), false),
        (json!({ "authz_approval": null }), false),
    ] {
        assert_eq!(
            declared(&able, Some(responses.clone())),
            expected,
            "{responses}"
        );
    }
}

#[test]
fn what_only_envoy_says_declares_nothing() {
    let mut request = headed("POST", STATELESS, &[]);
    request.body = Body::Absent;
    let meta = json!({ CAPABILITIES: { "elicitation": { "url": {} } } });
    say(
        &mut request,
        FILTER,
        &sound("tools/call", &json!({ "name": "search", "_meta": meta })),
    );
    assert!(!rpc(&request).unwrap().elicits_url);
}
