//! What is a message, and what only looks like one.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{action, asked, call, headed, message, posted, rpc, shop, tool};
use crate::model::reason::Reason;
use crate::model::request::{Body, Fidelity};
use crate::model::rpc::{RpcId, RpcKind};
use crate::model::value::Value;

#[test]
fn a_tool_call_is_an_action_with_typed_arguments() {
    let arguments = json!({ "segment": "eu", "rows": 10 });
    let found = asked(&shop(), &message(&tool("export_customers", &arguments))).unwrap();
    assert_eq!(found.action.id.as_str(), "export");
    assert_eq!(found.args.get("rows"), Some(&Value::Int(10)));
    assert_eq!(found.resource.unwrap().id.as_ref(), "eu");
    assert!(found.arguments_digest.is_some());
}

#[test]
fn arguments_are_those_that_are_declared() {
    for (arguments, reason) in [
        (json!({ "segment": "eu" }), Reason::ArgumentInvalid),
        (
            json!({ "segment": "eu", "rows": "10" }),
            Reason::ArgumentInvalid,
        ),
        (
            json!({ "segment": "eu", "rows": 1.5 }),
            Reason::ArgumentInvalid,
        ),
        (
            json!({ "segment": "eu", "rows": null }),
            Reason::ArgumentInvalid,
        ),
        (
            json!({ "segment": "eu", "rows": 1, "Rows": 9 }),
            Reason::ArgumentUndeclared,
        ),
        (
            json!({ "segment": "eu", "rows": 1, "x": 9 }),
            Reason::ArgumentUndeclared,
        ),
        (json!("eu"), Reason::MessageMalformed),
        (Json::Null, Reason::MessageMalformed),
    ] {
        let found = action(&shop(), &message(&tool("export_customers", &arguments)));
        assert_eq!(found, Err(reason), "{arguments}");
    }
    let none = call("tools/call", &json!({ "name": "export_customers" }));
    assert_eq!(
        action(&shop(), &message(&none)),
        Err(Reason::ArgumentInvalid)
    );
    let none = call("tools/call", &json!({ "name": "list_customers" }));
    assert_eq!(action(&shop(), &message(&none)).unwrap(), "list");
    let other = tool("search", &json!({ "anything": [1, 2] }));
    assert_eq!(action(&shop(), &message(&other)).unwrap(), "search");
}

/// Every document here is one that some reader takes for a call of a tool that is declared.
#[test]
fn what_could_be_read_differently_is_no_message() {
    use Reason::{BatchRefused, BodyMalformed, MessageMalformed, NoAction};
    for (body, reason) in [
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#,
            BatchRefused,
        ),
        ("[]", BatchRefused),
        (r#""tools/list""#, MessageMalformed),
        ("null", MessageMalformed),
        ("{}", MessageMalformed),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}{}"#,
            BodyMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}"#,
            BodyMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","n\u0061me":"x"}}"#,
            BodyMalformed,
        ),
        (
            r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":2.0,"id":1,"method":"tools/list"}"#,
            MessageMalformed,
        ),
        (r#"{"id":1,"method":"tools/list"}"#, MessageMalformed),
        (
            r#"{"jsonrpc":"2.0","method":"tools/list"}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1.0,"method":"tools/list"}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1e3,"method":"tools/list"}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":9007199254740992,"method":"tools/list"}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":{},"method":"tools/list"}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"notifications/"}"#,
            NoAction,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"Tools/list"}"#,
            NoAction,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list "}"#,
            NoAction,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"GET"}"#, NoAction),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a response"}"#,
            NoAction,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"notifications/*"}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":["tools/list"]}"#,
            MessageMalformed,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, MessageMalformed),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":null}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","Params":{}}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"ping"}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","x":1}"#,
            MessageMalformed,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","result":{}}"#,
            MessageMalformed,
        ),
    ] {
        assert_eq!(
            action(&shop(), &posted(body, "", &[])),
            Err(reason),
            "{body}"
        );
    }
}

#[test]
fn parameters_are_those_of_the_method() {
    for (method, params) in [
        ("tools/call", json!({})),
        ("tools/call", json!({ "name": 1 })),
        ("tools/call", json!({ "name": "" })),
        ("tools/call", json!({ "name": "a\nb" })),
        (
            "tools/call",
            json!({ "name": "search", "Name": "export_customers" }),
        ),
        (
            "tools/call",
            json!({ "name": "search", "NAME": "export_customers" }),
        ),
        ("tools/call", json!({ "name": "search", "Arguments": {} })),
        (
            "tools/call",
            json!({ "name": "search", "argument\u{17f}": {} }),
        ),
        (
            "tools/call",
            json!({ "name": "search", "uri": "file:///x" }),
        ),
        ("tools/call", json!({ "name": "search", "task": true })),
        (
            "tools/call",
            json!({ "name": "search", "inputResponses": [] }),
        ),
        (
            "tools/call",
            json!({ "name": "search", "requestState": {} }),
        ),
        ("tools/call", json!({ "name": "search", "_meta": [] })),
        ("tools/call", json!({ "name": "search", "_Meta": {} })),
        (
            "tools/call",
            json!({ "name": "search", "_meta": { "ProgressToken": 1 } }),
        ),
        (
            "tools/call",
            json!({ "name": "search", "_meta": { "progressToken": [] } }),
        ),
        ("tools/list", json!({ "cursor": 1 })),
        ("tools/list", json!({ "name": "x" })),
        ("resources/read", json!({ "name": "x" })),
        ("resources/read", json!({ "uri": [] })),
        ("prompts/get", json!({ "uri": "x" })),
        (
            "prompts/get",
            json!({ "name": "summarise", "arguments": [] }),
        ),
        ("logging/setLevel", json!({})),
        ("completion/complete", json!({ "ref": "x", "argument": {} })),
        ("completion/complete", json!({ "ref": {} })),
        ("tasks/get", json!({ "taskid": "x" })),
        (
            "initialize",
            json!({ "protocolVersion": 1, "capabilities": {}, "clientInfo": {} }),
        ),
        ("initialize", json!({})),
        ("ping", json!({ "x": 1 })),
    ] {
        let found = action(&shop(), &message(&call(method, &params)));
        assert_eq!(found, Err(Reason::MessageMalformed), "{method} {params}");
    }
    for params in [
        json!({ "name": "search", "_meta": { "progressToken": 7, "example.com/x": {} } }),
        json!({ "name": "search", "task": { "ttl": 1000 } }),
        json!({ "name": "search", "inputResponses": { "a": {} }, "requestState": "s" }),
    ] {
        let found = action(&shop(), &message(&call("tools/call", &params)));
        assert_eq!(found.as_deref(), Ok("search"), "{params}");
    }
}

#[test]
fn an_answer_to_the_server_has_one_result_or_error() {
    let response = |more: Json| {
        let mut body = json!({ "jsonrpc": "2.0", "id": 1 });
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        action(&shop(), &message(&body))
    };
    assert_eq!(response(json!({ "result": {} })).unwrap(), "mcp.respond");
    assert_eq!(
        response(json!({ "error": { "code": 1, "message": "" } })).unwrap(),
        "mcp.respond"
    );
    for more in [
        json!({ "result": {}, "error": {} }),
        json!({ "result": [] }),
        json!({ "result": null }),
        json!({ "result": {}, "params": {} }),
        json!({ "result": {}, "method": "tools/list" }),
    ] {
        assert_eq!(
            response(more.clone()),
            Err(Reason::MessageMalformed),
            "{more}"
        );
    }
    let without_id = json!({ "jsonrpc": "2.0", "result": {} });
    assert_eq!(
        action(&shop(), &message(&without_id)),
        Err(Reason::MessageMalformed)
    );
}

#[test]
fn an_answer_can_name_the_message_even_if_it_is_wrong() {
    let id = |body: &str| rpc(&posted(body, "", &[])).map(|facts| facts.kind);
    let number = Some(RpcKind::Request(RpcId::Number(7)));
    assert_eq!(
        id(r#"{"jsonrpc":"2.0","id":7,"method":"nobody/knows"}"#),
        number
    );
    assert_eq!(
        id(r#"{"jsonrpc":"1.0","id":7,"method":"tools/list"}"#),
        number
    );
    assert_eq!(
        id(r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"Name":"x"}}"#),
        number
    );
    let text = Some(RpcKind::Request(RpcId::Text("a".into())));
    assert_eq!(
        id(r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#),
        text
    );
    let notified = id(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!(notified, Some(RpcKind::Notification));
    assert_eq!(
        id(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#),
        Some(RpcKind::Response)
    );
    for ambiguous in [
        r#"{"jsonrpc":"2.0","id":7,"id":8,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":7,"ID":8,"method":"tools/list"}"#,
        r#"[{"jsonrpc":"2.0","id":7,"method":"tools/list"}]"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"} "#.trim_end_matches("} "),
    ] {
        assert_eq!(id(ambiguous), None, "{ambiguous}");
    }
    let unsupported = posted(
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"search"}}"#,
        "2030-01-01",
        &[],
    );
    let facts = rpc(&unsupported).unwrap();
    assert_eq!(
        (facts.method.as_deref(), facts.name.as_deref()),
        (Some("tools/call"), Some("search"))
    );
    assert_eq!(action(&shop(), &unsupported), Err(Reason::ProtocolVersion));
}

#[test]
fn a_body_that_is_not_whole_is_not_read() {
    let body = tool("search", &json!({}));
    for fidelity in [Fidelity::Partial, Fidelity::Sanitised] {
        let mut request = message(&body);
        request.body = Body::Sent {
            bytes: Arc::from(body.to_string().as_bytes()),
            fidelity,
        };
        assert_eq!(action(&shop(), &request), Err(Reason::InputIncomplete));
        assert_eq!(rpc(&request), None);
    }
    assert_eq!(
        action(&shop(), &headed("POST", "", &[])),
        Err(Reason::InputIncomplete)
    );
    let packed = posted(&body.to_string(), "", &[("content-encoding", "gzip")]);
    assert_eq!(action(&shop(), &packed), Err(Reason::InputIncomplete));
}

#[test]
fn the_server_has_one_path_and_no_query() {
    let body = tool("search", &json!({}));
    let mut request = message(&body);
    for path in ["/crm/", "/crm/x", "/CRM", "/"] {
        request.path = path.into();
        assert_eq!(action(&shop(), &request), Err(Reason::NoAction), "{path}");
        assert_eq!(rpc(&request), None);
    }
    let mut request = message(&body);
    request.query = crate::model::request::Query::new(vec![("a".into(), "b".into())]);
    assert_eq!(action(&shop(), &request), Err(Reason::ParameterInvalid));
    for method in ["PUT", "PATCH", "OPTIONS", "HEAD", "post"] {
        let mut request = message(&body);
        request.method = method.into();
        assert_eq!(action(&shop(), &request), Err(Reason::NoAction), "{method}");
    }
}
