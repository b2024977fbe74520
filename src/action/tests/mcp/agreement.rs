//! Headers, Envoy's metadata and the body: all that are there say the same.

use serde_json::{Value as Json, json};

use super::{
    FILTER, META_VERSION, SESSION, STATELESS, action, asked, call, headed, message, posted, rpc,
    say, shop, sound, tool,
};
use crate::model::reason::Reason;
use crate::model::reason::Reason::{InputIncomplete, MessageDisagrees, MessageMalformed};
use crate::model::request::{AccessRequest, Body, Fidelity};
use crate::model::rpc::{RpcId, RpcKind};

/// A call without sessions, with these headers beside the version.
fn stateless(version: &Json, headers: &[(&str, &str)]) -> Result<String, Reason> {
    let params = json!({ "name": "search", "_meta": { META_VERSION: version } });
    let body = call("tools/call", &params).to_string();
    action(&shop(), &posted(&body, STATELESS, headers))
}

#[test]
fn without_sessions_the_headers_say_what_the_message_is() {
    let method = ("mcp-method", "tools/call");
    let name = ("mcp-name", "search");
    let version = json!(STATELESS);
    assert_eq!(
        stateless(&version, &[method, name]).as_deref(),
        Ok("search")
    );
    for (version, headers, reason) in [
        (&version, vec![method], MessageDisagrees),
        (&version, vec![name], MessageDisagrees),
        (&version, vec![], MessageDisagrees),
        (
            &version,
            vec![("mcp-method", "tools/list"), name],
            MessageDisagrees,
        ),
        (
            &version,
            vec![("mcp-method", "Tools/Call"), name],
            MessageDisagrees,
        ),
        (
            &version,
            vec![("mcp-method", "tools/call,tools/call"), name],
            MessageDisagrees,
        ),
        (
            &version,
            vec![method, ("mcp-name", "list_customers")],
            MessageDisagrees,
        ),
        (
            &version,
            vec![method, ("mcp-name", "SEARCH")],
            MessageDisagrees,
        ),
        (
            &version,
            vec![method, ("mcp-name", "search,search")],
            MessageDisagrees,
        ),
        (&version, vec![method, ("mcp-name", "")], MessageDisagrees),
        (
            &version,
            vec![method, name, ("mcp-session-id", "x")],
            MessageMalformed,
        ),
        (&json!(SESSION), vec![method, name], MessageDisagrees),
        (&json!("2026-07-28 "), vec![method, name], MessageDisagrees),
        (&json!(20_260_728), vec![method, name], MessageMalformed),
    ] {
        assert_eq!(
            stateless(version, &headers),
            Err(reason),
            "{version} {headers:?}"
        );
    }
    let without_meta = posted(
        &tool("search", &json!({})).to_string(),
        STATELESS,
        &[method, name],
    );
    assert_eq!(action(&shop(), &without_meta), Err(MessageDisagrees));
}

#[test]
fn in_a_session_headers_need_not_be_there_and_may_not_lie() {
    let find = |revision, headers: &[(&str, &str)]| {
        let body = tool("search", &json!({})).to_string();
        action(&shop(), &posted(&body, revision, headers))
    };
    for revision in ["", SESSION, "2025-11-25"] {
        assert!(find(revision, &[]).is_ok());
        assert!(
            find(
                revision,
                &[("mcp-method", "tools/call"), ("mcp-name", "search")]
            )
            .is_ok()
        );
        assert_eq!(
            find(revision, &[("mcp-method", "tools/list")]),
            Err(MessageDisagrees)
        );
        assert_eq!(
            find(revision, &[("mcp-name", "export_customers")]),
            Err(MessageDisagrees)
        );
    }
    for revision in ["2026-01-01", "2025-6-18", "draft", "2025-06-18, 2025-11-25"] {
        assert_eq!(
            find(revision, &[]),
            Err(Reason::ProtocolVersion),
            "{revision}"
        );
    }
    let meta = json!({ "name": "search", "_meta": { META_VERSION: STATELESS } });
    let body = call("tools/call", &meta).to_string();
    for revision in ["", SESSION] {
        let found = action(&shop(), &posted(&body, revision, &[]));
        assert_eq!(
            found,
            Err(MessageDisagrees),
            "the message says that it is of another revision"
        );
    }
    let listed = posted(
        &call("tools/list", &json!({})).to_string(),
        SESSION,
        &[("mcp-name", "x")],
    );
    assert_eq!(action(&shop(), &listed), Err(MessageDisagrees));
}

#[test]
fn a_header_may_wrap_what_is_no_plain_text() {
    let find = |name: &str, header: &str| {
        let body = call("prompts/get", &json!({ "name": name }));
        action(
            &shop(),
            &posted(&body.to_string(), SESSION, &[("mcp-name", header)]),
        )
    };
    assert_eq!(
        find("\u{e9}t\u{e9}", "=?base64?w6l0w6k=?=").as_deref(),
        Ok("mcp.prompts.get")
    );
    assert_eq!(find("a,b", "a,b").as_deref(), Ok("mcp.prompts.get"));
    for (name, header) in [
        ("\u{e9}t\u{e9}", "=?BASE64?w6l0w6k=?="),
        ("\u{e9}t\u{e9}", "=?Base64?w6l0w6k=?="),
        ("\u{e9}t\u{e9}", "=?base64?w6l0w6k?="),
        ("\u{e9}t\u{e9}", "=?base64?w6l0w6k="),
        ("x", "=?base64?/w==?="),
        ("=?BASE64?eA==?=", "=?BASE64?eA==?="),
        ("x", "=?base64?eA==?=,=?base64?eA==?="),
    ] {
        assert_eq!(find(name, header), Err(MessageDisagrees), "{header}");
    }
    assert_eq!(find("x", "=?base64?eQ==?="), Err(MessageDisagrees));
}

#[test]
fn headers_that_repeat_arguments_agree_with_them() {
    let find = |arguments: &Json, headers: &[(&str, &str)]| {
        action(
            &shop(),
            &posted(&tool("search", arguments).to_string(), SESSION, headers),
        )
    };
    let arguments = json!({ "region": "eu", "Rows": 7, "dry": true, "share": 0.5, "a": "1", "A": "1", "none": null });
    for header in [
        ("mcp-param-region", "eu"),
        ("mcp-param-region", "=?base64?ZXU=?="),
        ("mcp-param-rows", "7"),
        ("mcp-param-dry", "true"),
    ] {
        assert_eq!(
            find(&arguments, &[header]).as_deref(),
            Ok("search"),
            "{header:?}"
        );
    }
    for header in [
        ("mcp-param-region", "us"),
        ("mcp-param-region", "EU"),
        ("mcp-param-region", "eu,eu"),
        ("mcp-param-rows", "7.0"),
        ("mcp-param-rows", "07"),
        ("mcp-param-dry", "false"),
        ("mcp-param-share", "0.5"),
        ("mcp-param-a", "1"),
        ("mcp-param-none", "null"),
        ("mcp-param-missing", "x"),
        ("mcp-param-", ""),
    ] {
        assert_eq!(
            find(&arguments, &[header]),
            Err(MessageDisagrees),
            "{header:?}"
        );
    }
    let listed = call("tools/list", &json!({})).to_string();
    let listed = posted(&listed, SESSION, &[("mcp-param-region", "eu")]);
    assert_eq!(action(&shop(), &listed), Err(MessageDisagrees));
}

/// A tool call of `search` about which Envoy says this.
fn said(fields: &Json) -> AccessRequest {
    let mut request = message(&tool("search", &json!({ "q": 1 })));
    say(&mut request, FILTER, fields);
    request
}

/// Both shapes in which a name can stand.
fn shapes(name: &str) -> [Json; 2] {
    let nested = sound("tools/call", &json!({ "name": name }));
    let mut flat = nested.clone();
    flat.as_object_mut().unwrap().remove("params");
    flat["params.name"] = json!(name);
    [nested, flat]
}

fn changed(mut fields: Json, key: &str, value: Json) -> Json {
    fields[key] = value;
    fields
}

#[test]
fn what_envoy_says_agrees_with_the_body() {
    for fields in shapes("search") {
        assert_eq!(action(&shop(), &said(&fields)).as_deref(), Ok("search"));
        for (key, value) in [
            ("method", json!("tools/list")),
            ("id", json!(2.0)),
            ("id", json!("1")),
        ] {
            let fields = changed(fields.clone(), key, value);
            assert_eq!(
                action(&shop(), &said(&fields)),
                Err(MessageDisagrees),
                "{fields}"
            );
        }
    }
    for fields in shapes("export_customers") {
        assert_eq!(
            action(&shop(), &said(&fields)),
            Err(MessageDisagrees),
            "{fields}"
        );
        let mut request = message(&tool("search", &json!({})));
        say(&mut request, "mcp_proxy", &fields);
        assert_eq!(action(&shop(), &request), Err(MessageDisagrees));
    }
    let response = sound("__jsonrpc_response", &json!({}));
    assert_eq!(action(&shop(), &said(&response)), Err(MessageDisagrees));
    let mut answered = message(&json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    say(&mut answered, FILTER, &response);
    assert_eq!(action(&shop(), &answered).as_deref(), Ok("mcp.respond"));
}

/// What makes metadata worthless: it is neither believed, nor does it contradict a body that was read.
fn unsound(name: &str) -> Vec<Json> {
    let fields = || sound("tools/call", &json!({ "name": name }));
    let without = |key: &str| {
        let mut fields = fields();
        fields.as_object_mut().unwrap().remove(key);
        fields
    };
    vec![
        json!({}),
        json!("mcp_ok"),
        without("status"),
        without("is_mcp_request"),
        without("jsonrpc"),
        without("method"),
        changed(fields(), "status", json!("mcp_duplicate_keys")),
        changed(fields(), "status", json!("mcp_body_too_large")),
        changed(fields(), "is_mcp_request", json!(false)),
        changed(fields(), "is_mcp_request", json!("true")),
        changed(fields(), "passthrough_reason", json!("mcp_duplicate_keys")),
        changed(fields(), "passthrough_reason", json!("")),
        changed(fields(), "is_exceeding_limit", json!(true)),
        changed(fields(), "is_exceeding_limit", json!("false")),
        changed(fields(), "jsonrpc", json!("1.0")),
        changed(fields(), "id", json!(1.5)),
        changed(fields(), "id", json!(9_007_199_254_740_992.0)),
        changed(fields(), "id", json!(null)),
        changed(fields(), "params", json!("name")),
        changed(fields(), "params", json!({ "name": 1 })),
        changed(fields(), "params.name", json!("other")),
    ]
}

#[test]
fn metadata_with_a_stain_is_worthless() {
    for fields in unsound("search") {
        let mut alone = headed("POST", SESSION, &[]);
        say(&mut alone, FILTER, &fields);
        assert_eq!(action(&shop(), &alone), Err(InputIncomplete), "{fields}");
        assert_eq!(rpc(&alone), None);
    }
    for fields in unsound("export_customers") {
        assert_eq!(
            action(&shop(), &said(&fields)).as_deref(),
            Ok("search"),
            "{fields}"
        );
    }
}

#[test]
fn metadata_alone_is_enough_for_names() {
    for fidelity in [None, Some(Fidelity::Partial), Some(Fidelity::Sanitised)] {
        let find = |fields: &Json, headers: &[(&str, &str)]| {
            let mut request = headed("POST", SESSION, headers);
            if let Some(fidelity) = fidelity {
                let bytes = (*br#"{"method":"tools/list"}"#).into();
                request.body = Body::Sent { bytes, fidelity };
            }
            say(&mut request, FILTER, fields);
            asked(&shop(), &request).map(|asked| {
                assert!(asked.args.is_empty() && asked.arguments_digest.is_none());
                asked.action.id.to_string()
            })
        };
        for fields in shapes("search") {
            assert_eq!(find(&fields, &[]).as_deref(), Ok("search"));
            assert_eq!(
                find(&fields, &[("mcp-name", "search")]).as_deref(),
                Ok("search")
            );
            assert_eq!(
                find(&fields, &[("mcp-name", "export_customers")]),
                Err(MessageDisagrees)
            );
            assert_eq!(
                find(&fields, &[("mcp-method", "tools/list")]),
                Err(MessageDisagrees)
            );
            assert_eq!(find(&fields, &[("mcp-param-q", "1")]), Err(InputIncomplete));
        }
        // Its arguments are declared, all of them optional: the others have to be refused.
        assert_eq!(
            find(
                &sound("tools/call", &json!({ "name": "list_customers" })),
                &[]
            ),
            Err(InputIncomplete)
        );
        assert_eq!(
            find(&sound("tools/call", &json!({ "name": "unknown" })), &[]),
            Err(Reason::NoAction)
        );
        assert_eq!(
            find(&sound("tools/call", &json!({})), &[]),
            Err(InputIncomplete)
        );
        assert_eq!(
            find(&sound("prompts/get", &json!({ "name": "summarise" })), &[]),
            Err(InputIncomplete)
        );
        let stream = sound("subscriptions/listen", &json!({}));
        assert_eq!(find(&stream, &[]), Err(InputIncomplete));
        assert_eq!(
            find(&sound("tools/list", &json!({})), &[]).as_deref(),
            Ok("mcp.list_tools")
        );
        let read = sound("resources/read", &json!({ "uri": "file:///reports/q1" }));
        assert_eq!(find(&read, &[]).as_deref(), Ok("reports"));
    }
}

#[test]
fn metadata_alone_is_held_to_what_a_message_is() {
    let fields = sound("tools/call", &json!({ "name": "search" }));
    let mut without_id = fields.clone();
    without_id.as_object_mut().unwrap().remove("id");
    let mut request = headed("POST", SESSION, &[]);
    say(&mut request, FILTER, &without_id);
    assert_eq!(action(&shop(), &request), Err(MessageMalformed));

    say(&mut request, FILTER, &fields);
    assert_eq!(
        rpc(&request).unwrap().kind,
        RpcKind::Request(RpcId::Number(1))
    );
    say(&mut request, "mcp_proxy", &shapes("export_customers")[0]);
    assert_eq!(action(&shop(), &request), Err(MessageDisagrees));
    request.metadata.remove(FILTER);
    assert_eq!(
        action(&shop(), &request),
        Err(InputIncomplete),
        "another proxy's word is no message"
    );

    for content_type in ["application/json; charset=utf-16", "text/json"] {
        let mut request = headed("POST", SESSION, &[]);
        request.headers = crate::model::request::Headers::new([(
            "content-type".to_owned(),
            content_type.to_owned(),
        )]);
        say(&mut request, FILTER, &fields);
        assert_eq!(
            action(&shop(), &request),
            Err(Reason::BodyType),
            "{content_type}"
        );
    }
    // What Envoy read as it came is another document once it is decompressed.
    for encoding in ["br", "identity, br"] {
        let mut request = headed("POST", SESSION, &[("content-encoding", encoding)]);
        say(&mut request, FILTER, &fields);
        assert_eq!(
            action(&shop(), &request),
            Err(InputIncomplete),
            "{encoding}"
        );
    }
    let stated = json!({ "name": "search", "_meta": { META_VERSION: STATELESS } });
    let mut request = headed("POST", SESSION, &[]);
    say(&mut request, FILTER, &sound("tools/call", &stated));
    assert_eq!(action(&shop(), &request), Err(MessageDisagrees));
}
