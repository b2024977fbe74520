//! What whoever has to wait for an approval is told: by protocol, revision and what the client can do.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::approval::{ApprovalFacts, ApprovalId, Ticket};
use crate::model::decision::DpopFacts;
use crate::model::route::{DenyStyle, Mcp, Protocol};
use crate::model::rpc::{RpcFacts, RpcId, RpcKind};

const ID: &str = "apr_AAAAAAAAAAAAAAAAAAAAAA";
const URL: &str = "https://approve.example.com/approvals/apr_AAAAAAAAAAAAAAAAAAAAAA";
const STATUS_URL: &str = "https://admin.example.com/approvals/apr_AAAAAAAAAAAAAAAAAAAAAA";
const NEW: &str = "2026-07-28";
const OLD: &str = "2025-11-25";

fn ticket() -> Ticket {
    Ticket {
        id: Some(ApprovalId::parse(ID).unwrap()),
        rule: Some(RuleId::new("secret-rule").unwrap()),
        expires: Some(Timestamp::from_seconds(60)),
        url: Some(Arc::from(URL)),
        status_url: Some(Arc::from(STATUS_URL)),
    }
}

fn approval() -> Json {
    json!({
        "id": ID, "status_url": STATUS_URL, "url": URL,
        "expires": "1970-01-01T00:01:00.000Z", "retry_after": 30,
    })
}

fn data() -> Json {
    json!({ "reason": "approval_required", "decision_id": "0199-d", "approval": approval() })
}

fn call(revision: &str) -> RpcFacts {
    RpcFacts {
        kind: RpcKind::Request(RpcId::Number(7)),
        method: Some(Arc::from("tools/call")),
        name: Some(Arc::from("export")),
        revision: Some(Arc::from(revision)),
        elicits_url: false,
    }
}

fn able(rpc: RpcFacts) -> RpcFacts {
    RpcFacts {
        elicits_url: true,
        ..rpc
    }
}

fn waiting(rpc: RpcFacts, style: DenyStyle, elicits_url: bool) -> Decision {
    let mut decision = decision(Verdict::Pending(ticket()));
    let route = decision.route.as_mut().unwrap();
    route.protocol = Protocol::Mcp(Mcp {
        server: Arc::from("crm"),
        deny_style: style,
        hide_existence: true,
        elicits_url,
    });
    decision.rpc = Some(rpc);
    decision
}

/// Status, body, and `retry-after`.
fn told(decision: &Decision) -> (i32, Json, Option<String>) {
    let response = check_response(decision);
    assert_eq!(code(&response), 7);
    assert_eq!(
        response.status.as_ref().unwrap().message,
        "approval_required"
    );
    let denied = denied_part(&response);
    assert!(denied.body.len() < MAX_BODY);
    assert!(!format!("{denied:?}").contains("secret"));
    assert_eq!(header_of(denied, "www-authenticate"), None);
    assert_eq!(header_of(denied, "cache-control"), Some("no-store"));
    let body = serde_json::from_str(&denied.body).unwrap();
    let again = header_of(denied, "retry-after").map(ToOwned::to_owned);
    (denied.status.unwrap().code, body, again)
}

#[test]
fn a_client_of_an_api_reads_a_problem_that_says_where_and_when() {
    let (status, body, again) = told(&decision(Verdict::Pending(ticket())));
    assert_eq!((status, again.as_deref()), (403, Some("30")));
    let expected = json!({
        "type": "urn:countersign:reason:approval_required", "title": "This needs an approval", "status": 403,
        "reason": "approval_required", "decision_id": "0199-d", "approval": approval(),
    });
    assert_eq!(body, expected);
}

#[test]
fn a_grpc_caller_reads_which_approval_and_where() {
    let mut decision = decision(Verdict::Pending(ticket()));
    decision.grpc = true;
    let response = check_response(&decision);
    let denied = denied_part(&response);
    assert_eq!(denied.status.unwrap().code, 403);
    let line = format!(
        "This needs an approval (approval_required, decision 0199-d, approval {ID}): {URL}"
    );
    assert_eq!(denied.body, line);
}

#[test]
fn metadata_names_the_approval_that_is_waited_for_or_used() {
    let response = check_response(&decision(Verdict::Pending(ticket())));
    assert_eq!(text(&response, "verdict"), Some("pending"));
    assert_eq!(text(&response, "reason"), Some("approval_required"));
    assert_eq!(text(&response, "approval"), Some(ID));
    assert_eq!(text(&response, "rule"), Some("secret-rule"));
    let used = Verdict::Allow(Grant {
        permits: Vec::new(),
        constraints: Constraints::default(),
        approval: Some(ApprovalFacts {
            id: ApprovalId::parse(ID).unwrap(),
            uses_left: 0,
            approvers: Vec::new(),
        }),
    });
    assert_eq!(text(&check_response(&decision(used)), "approval"), Some(ID));
    let other = check_response(&decision(grant(Constraints::default())));
    assert_eq!(text(&other, "approval"), None);
}

#[test]
fn a_client_that_says_so_is_asked_to_send_somebody_there() {
    for method in ["tools/call", "prompts/get", "resources/read"] {
        for style in DenyStyle::ALL {
            let rpc = RpcFacts {
                method: Some(Arc::from(method)),
                ..able(call(NEW))
            };
            let (status, mut body, again) = told(&waiting(rpc, style, true));
            assert_eq!((status, again), (200, None), "{method} {style:?}");
            let params = body.pointer_mut("/result/inputRequests/authz_approval/params");
            let message = params.unwrap().as_object_mut().unwrap().remove("message");
            assert!(
                message
                    .unwrap()
                    .as_str()
                    .unwrap()
                    .starts_with("The call of `export` needs an approval.")
            );
            // Nothing that the client would have to bring back, and that would reach the server.
            let expected = json!({ "jsonrpc": "2.0", "id": 7, "result": {
                "resultType": "input_required",
                "inputRequests": { "authz_approval": {
                    "method": "elicitation/create", "params": { "mode": "url", "url": URL },
                } },
            } });
            assert_eq!(body, expected);
        }
    }
}

#[test]
fn nobody_else_is_asked_like_that() {
    let other = |method: &str| RpcFacts {
        method: Some(Arc::from(method)),
        ..able(call(NEW))
    };
    for (rpc, asks) in [
        (call(NEW), false),
        (able(call(OLD)), false),
        (able(call("2025-06-18")), false),
        (
            RpcFacts {
                revision: None,
                ..able(call(NEW))
            },
            false,
        ),
        (other("tools/list"), false),
        (other("completion/complete"), false),
        (other("resources/subscribe"), false),
        (able(call(NEW)), true),
    ] {
        let (_, body, _) = told(&waiting(rpc.clone(), DenyStyle::Http, false));
        let kind = body.pointer("/result/resultType");
        assert_eq!(kind == Some(&json!("input_required")), asks, "{rpc:?}");
        assert!(!body.to_string().contains("32042"));
    }
}

#[test]
fn an_older_client_is_asked_by_an_error_where_the_route_says_so() {
    for style in DenyStyle::ALL {
        let (status, mut body, again) = told(&waiting(call(OLD), style, true));
        assert_eq!((status, again), (200, None));
        let mut data_of = body["error"]["data"].take();
        let asked = data_of.as_object_mut().unwrap().remove("elicitations");
        let mut asked = asked.unwrap();
        let message = asked[0].as_object_mut().unwrap().remove("message");
        assert!(message.unwrap().is_string());
        assert_eq!(
            asked,
            json!([{ "mode": "url", "elicitationId": ID, "url": URL }])
        );
        assert_eq!(data_of, data());
        let error = json!({ "code": -32042, "message": "This needs an approval", "data": null });
        assert_eq!(body, json!({ "jsonrpc": "2.0", "id": 7, "error": error }));
    }
    // The newest revision has retired the code, and older ones never had it.
    for revision in [NEW, "2025-06-18", "2025-03-26", "2024-11-05"] {
        let (_, body, _) = told(&waiting(call(revision), DenyStyle::Http, true));
        assert_eq!(body["result"]["isError"], true, "{revision}");
    }
}

#[test]
fn a_model_reads_what_its_call_waits_for_in_every_style() {
    for style in DenyStyle::ALL {
        for revision in [NEW, OLD] {
            let (status, body, again) = told(&waiting(call(revision), style, false));
            assert_eq!((status, again), (200, None));
            let words = format!(
                "The call of `export` was not carried out: it waits for the approval {ID}. Tell the user that somebody who may \
                 approve it can do so at {URL} until 1970-01-01T00:01:00.000Z. Once it is approved, make exactly the same call \
                 again, not sooner than in 30 seconds; another call would need an approval of its own. (decision 0199-d)"
            );
            let expected = json!({ "jsonrpc": "2.0", "id": 7, "result": {
                "resultType": "complete", "isError": true,
                "content": [{ "type": "text", "text": words }], "structuredContent": data(),
            } });
            assert_eq!(body, expected);
        }
    }
}

#[test]
fn other_methods_are_told_in_the_style_of_their_route() {
    for style in DenyStyle::ALL {
        let rpc = RpcFacts {
            method: Some(Arc::from("resources/read")),
            ..call(NEW)
        };
        let (status, body, again) = told(&waiting(rpc, style, true));
        let (expected, after) = if style == DenyStyle::Http {
            (403, Some("30"))
        } else {
            (200, None)
        };
        assert_eq!((status, again.as_deref()), (expected, after));
        let error = json!({ "code": 40305, "message": "This needs an approval", "data": data() });
        assert_eq!(body, json!({ "jsonrpc": "2.0", "id": 7, "error": error }));
    }
}

#[test]
fn nobody_is_asked_by_an_answer_that_nobody_waits_for() {
    for style in DenyStyle::ALL {
        for (kind, id) in [
            (RpcKind::Notification, None),
            (
                RpcKind::Request(RpcId::Text(Arc::from("i".repeat(2000)))),
                Some(Json::Null),
            ),
        ] {
            let rpc = RpcFacts {
                kind,
                ..able(call(NEW))
            };
            let (status, body, again) = told(&waiting(rpc, style, true));
            assert_eq!((status, again.as_deref()), (403, Some("30")));
            assert_eq!(body.get("id"), id.as_ref());
            assert_eq!(body["error"]["data"], data());
        }
    }
}

#[test]
fn nobody_is_sent_anywhere_without_a_url() {
    let long = format!("https://approve.example.com/{}", "a".repeat(2000));
    let quoted = "https://approve.example.com/\"";
    for url in [None, Some(Arc::from(long)), Some(Arc::from(quoted))] {
        for (rpc, elicits) in [(able(call(NEW)), false), (call(OLD), true)] {
            let mut decision = waiting(rpc, DenyStyle::Http, elicits);
            decision.verdict = Verdict::Pending(Ticket {
                url: url.clone(),
                ..ticket()
            });
            let (_, body, _) = told(&decision);
            assert_eq!(body["result"]["isError"], true);
            let structured = &body["result"]["structuredContent"]["approval"];
            assert_eq!(
                (&structured["url"], &structured["id"]),
                (&Json::Null, &json!(ID))
            );
        }
    }
    // Nothing was opened: there is nothing to name.
    let mut decision = waiting(able(call(NEW)), DenyStyle::Http, true);
    decision.verdict = Verdict::Pending(Ticket {
        id: None,
        ..ticket()
    });
    let (_, body, _) = told(&decision);
    let text = body["result"]["content"][0]["text"].as_str().unwrap();
    assert!(
        text.ends_with("Make the same call again once it is approved. (decision 0199-d)"),
        "{text}"
    );
    assert_eq!(body["result"]["structuredContent"].get("approval"), None);
}

#[test]
fn an_answer_stays_short_and_needs_no_escaping_by_others() {
    let name = "é\u{1}\"".repeat(1000);
    for revision in [NEW, OLD] {
        let rpc = RpcFacts {
            kind: RpcKind::Request(RpcId::Text(Arc::from("\u{1}".repeat(160)))),
            name: Some(Arc::from(name.as_str())),
            ..able(call(revision))
        };
        let mut decision = waiting(rpc, DenyStyle::Http, true);
        let url: Arc<str> = Arc::from(format!("https://a.example/{}", "a".repeat(380)));
        let long = Ticket {
            url: Some(Arc::clone(&url)),
            status_url: Some(url),
            ..ticket()
        };
        decision.verdict = Verdict::Pending(long);
        let (status, body, _) = told(&decision);
        assert_eq!(status, 200);
        decision.rpc.as_mut().unwrap().elicits_url = false;
        let route = decision.route.as_mut().unwrap();
        let Protocol::Mcp(mcp) = &mut route.protocol else {
            panic!("the route speaks MCP")
        };
        mcp.elicits_url = false;
        assert_eq!(told(&decision).1["result"]["isError"], true);
        assert!(body["id"].is_string());
    }
}

#[test]
fn a_proof_that_was_presented_has_a_nonce_for_the_next_one() {
    let mut decision = waiting(able(call(NEW)), DenyStyle::Http, false);
    decision.dpop = Some(DpopFacts {
        presented: true,
        algorithms: Arc::from("ES256"),
        nonce: Some("n-1".into()),
    });
    let response = check_response(&decision);
    assert_eq!(header_of(denied_part(&response), "dpop-nonce"), Some("n-1"));
}

/// What else can be said about an approval, and about what is not good any more.
#[test]
fn what_is_refused_for_good_says_so_and_what_may_pass_later_says_when() {
    let of = |reason| {
        let response = check_response(&decision(Verdict::Deny(Denial::new(reason))));
        let denied = denied_part(&response);
        let header = |name| header_of(denied, name).map(ToOwned::to_owned);
        (
            denied.status.unwrap().code,
            header("retry-after"),
            header("www-authenticate"),
        )
    };
    assert_eq!(
        of(Reason::ApprovalLimit),
        (403, Some("60".to_owned()), None)
    );
    for reason in [
        Reason::ApprovalDenied,
        Reason::ApprovalInvalid,
        Reason::ApprovalTooLarge,
        Reason::IdentityRevoked,
    ] {
        assert_eq!(of(reason), (403, None, None), "{reason}");
    }
    let (status, again, challenge) = of(Reason::CredentialRevoked);
    assert_eq!((status, again), (401, None));
    let challenge = challenge.unwrap();
    assert!(
        challenge
            .contains(r#"error="invalid_token", error_description="The credential was revoked""#),
        "{challenge}"
    );
    let mut limited = waiting(call(OLD), DenyStyle::ToolError, false);
    limited.verdict = Verdict::Deny(Denial::new(Reason::ApprovalLimit));
    let response = check_response(&limited);
    let denied = denied_part(&response);
    assert_eq!(header_of(denied, "retry-after"), None);
    assert!(
        denied.body.contains("once one of the others is decided"),
        "{}",
        denied.body
    );
}
