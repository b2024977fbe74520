//! Refusals on routes that speak MCP: every style, every kind of message, every reason.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::decision::DpopFacts;
use crate::model::identity::Proof;
use crate::model::route::{DenyStyle, Mcp, Protocol};
use crate::model::rpc::{Revision, RpcFacts, RpcId, RpcKind};

/// A decision about a message on an MCP route.
struct Case {
    style: DenyStyle,
    hide: bool,
    rpc: Option<RpcFacts>,
    verdict: Verdict,
}

fn rpc(method: &str, name: Option<&str>) -> RpcFacts {
    RpcFacts {
        kind: RpcKind::Request(RpcId::Number(7)),
        method: Some(Arc::from(method)),
        name: name.map(Arc::from),
        revision: Some(Arc::from("2025-11-25")),
        elicits_url: false,
    }
}

fn call(verdict: Verdict) -> Case {
    Case {
        style: DenyStyle::Http,
        hide: false,
        rpc: Some(rpc("tools/call", Some("export"))),
        verdict,
    }
}

fn deny(reason: Reason) -> Verdict {
    Verdict::Deny(Denial::new(reason))
}

impl Case {
    fn style(mut self, style: DenyStyle) -> Self {
        self.style = style;
        self
    }

    fn rpc(mut self, rpc: Option<RpcFacts>) -> Self {
        self.rpc = rpc;
        self
    }

    fn kind(mut self, kind: RpcKind) -> Self {
        self.rpc.as_mut().unwrap().kind = kind;
        self
    }

    fn revision(mut self, revision: Option<&str>) -> Self {
        self.rpc.as_mut().unwrap().revision = revision.map(Arc::from);
        self
    }

    fn hidden(mut self) -> Self {
        self.hide = true;
        self
    }

    fn decision(self) -> Decision {
        let Self {
            style,
            hide,
            rpc,
            verdict,
        } = self;
        let mut decision = decision(verdict);
        let route = decision.route.as_mut().unwrap();
        route.protocol = Protocol::Mcp(Mcp {
            server: Arc::from("crm"),
            deny_style: style,
            hide_existence: hide,
            elicits_url: false,
        });
        decision.rpc = rpc;
        decision
    }

    /// Status and body.
    fn answer(self) -> (i32, Json) {
        let (status, body, _) = told(&self.decision());
        (status, body)
    }
}

/// What goes to the client: status, body, headers.
fn told(decision: &Decision) -> (i32, Json, BTreeMap<String, String>) {
    let response = check_response(decision);
    assert_ne!(code(&response), 0);
    let denied = denied_part(&response);
    let headers = denied.headers.iter().filter_map(|it| it.header.clone());
    let headers: BTreeMap<_, _> = headers.map(|it| (it.key, it.value)).collect();
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-decision-id"], "0199-d");
    let body = serde_json::from_str(&denied.body).unwrap();
    (denied.status.unwrap().code, body, headers)
}

#[test]
fn a_refused_call_is_told_in_the_style_of_its_route() {
    let verdict = || {
        let missing = vec![Arc::from("crm:export"), Arc::from("crm:read")];
        Verdict::Deny(Denial::new(Reason::InsufficientScope).with(Remedy::Scope {
            needed: missing.clone(),
            missing,
        }))
    };
    let error = json!({
        "jsonrpc": "2.0", "id": 7,
        "error": {
            "code": 40302, "message": "The access token lacks a scope",
            "data": {
                "reason": "insufficient_scope", "decision_id": "0199-d",
                "remedy": { "kind": "scope", "scope": ["crm:export", "crm:read"] },
            },
        },
    });
    let (status, body, headers) = told(&call(verdict()).decision());
    assert_eq!((status, &body), (403, &error));
    assert_eq!(
        headers["www-authenticate"],
        concat!(
            r#"Bearer realm="https://api.example.com", "#,
            r#"resource_metadata="https://api.example.com/.well-known/oauth-protected-resource", "#,
            r#"error="insufficient_scope", error_description="The access token lacks a scope", scope="crm:export crm:read""#
        )
    );
    let (status, body, headers) = told(&call(verdict()).style(DenyStyle::JsonRpc).decision());
    assert_eq!((status, &body), (200, &error));
    assert!(!headers.contains_key("www-authenticate"));
    let tool = call(verdict()).style(DenyStyle::ToolError);
    let (status, body, headers) = told(&tool.decision());
    assert_eq!(status, 200);
    assert!(!headers.contains_key("www-authenticate"));
    assert_eq!(
        body,
        json!({
            "jsonrpc": "2.0", "id": 7,
            "result": {
                "resultType": "complete", "isError": true,
                "content": [{ "type": "text", "text": concat!(
                    "The call of `export` was refused: The access token lacks a scope. It needs an access token that has ",
                    "the scope `crm:export crm:read` too. (decision 0199-d)"
                ) }],
                "structuredContent": error["error"]["data"],
            },
        })
    );
    let list = call(verdict()).rpc(Some(rpc("tools/list", None)));
    assert_eq!(list.style(DenyStyle::ToolError).answer(), (200, error));
}

#[test]
fn an_id_comes_back_as_it_was_or_the_answer_is_an_http_error() {
    let text = |id: &str| RpcId::Text(Arc::from(id));
    for style in DenyStyle::ALL {
        let ok = if style == DenyStyle::Http { 403 } else { 200 };
        for (kind, status, id) in [
            (
                RpcKind::Request(text("a\"\u{1}é")),
                ok,
                Some(json!("a\"\u{1}é")),
            ),
            (RpcKind::Request(text("7")), ok, Some(json!("7"))),
            (RpcKind::Request(RpcId::Number(-3)), ok, Some(json!(-3))),
            (
                RpcKind::Request(text(&"i".repeat(4000))),
                403,
                Some(Json::Null),
            ),
            (
                RpcKind::Request(text(&"\u{1}".repeat(400))),
                403,
                Some(Json::Null),
            ),
            (RpcKind::Notification, 403, None),
            (RpcKind::Response, 403, None),
        ] {
            let case = call(deny(Reason::NotPermitted)).kind(kind.clone());
            let (told, body) = case.style(style).answer();
            assert_eq!((told, body.get("id")), (status, id.as_ref()), "{kind:?}");
        }
        let unread = call(deny(Reason::NotPermitted)).rpc(None).style(style);
        let (status, body) = unread.answer();
        assert_eq!((status, &body["id"]), (403, &Json::Null));
        assert_eq!(body["error"]["code"], 40301);
    }
}

/// What is not about the call has its HTTP status in every style: a client logs in at 401, and tries again at 503.
#[test]
fn every_reason_has_its_status_in_every_style() {
    for style in DenyStyle::ALL {
        // Metadata has a document instead.
        for reason in Reason::ALL.iter().filter(|it| **it != Reason::Metadata) {
            let (status, body) = call(deny(*reason)).style(style).answer();
            let class = status::class(*reason).http() as i32;
            let of_call = matches!(
                reason,
                Reason::NoAction
                    | Reason::ParameterInvalid
                    | Reason::ArgumentInvalid
                    | Reason::ArgumentUndeclared
                    | Reason::StepUpRequired
                    | Reason::ProofRequired
            ) || class == 403;
            let expected = if of_call && style != DenyStyle::Http {
                200
            } else if *reason == Reason::NoAction {
                400
            } else {
                class
            };
            assert_eq!(status, expected, "{reason} {style:?}");
            let result = body.pointer("/result/isError");
            let as_result = style == DenyStyle::ToolError && of_call;
            assert_eq!(result, as_result.then_some(&json!(true)), "{reason}");
            assert_eq!(body["id"], 7);
        }
        for fault in FaultCode::ALL {
            let verdict = Verdict::Fault(Fault::new(*fault, "secret-cause"));
            let (status, body, headers) = told(&call(verdict).style(style).decision());
            assert_eq!((status, &body["error"]["code"]), (503, &json!(50301)));
            assert_eq!(headers["retry-after"], "1");
            assert_eq!(body["error"]["data"]["reason"], fault.as_str());
            assert!(!body.to_string().contains("secret"));
        }
    }
}

/// Each case has this status, code and message.
fn expect(cases: impl IntoIterator<Item = (Case, i32, i32, &'static str)>) {
    for (case, status, code, message) in cases {
        let (told, body) = case.answer();
        let error = &body["error"];
        assert_eq!(
            (told, &error["code"], &error["message"]),
            (status, &json!(code), &json!(message))
        );
    }
}

fn stateless(reason: Reason) -> Case {
    call(deny(reason)).revision(Some("2026-07-28"))
}

#[test]
fn what_the_protocol_defines_has_its_codes() {
    let of = stateless;
    expect([
        (
            of(Reason::BodyMalformed),
            400,
            -32700,
            "The request's body is not unambiguous JSON",
        ),
        (
            of(Reason::BatchRefused),
            400,
            -32600,
            "Batches of messages are not accepted",
        ),
        (
            of(Reason::MessageDisagrees),
            400,
            -32020,
            "The request's headers and its body contradict each other",
        ),
        (
            of(Reason::MessageDisagrees).revision(Some("2025-11-25")),
            400,
            -32600,
            "The request's headers and its body contradict each other",
        ),
        (
            of(Reason::ArgumentInvalid),
            400,
            -32602,
            "An argument is missing or has the wrong type",
        ),
    ]);
    let (status, body) = of(Reason::ProtocolVersion)
        .revision(Some("2099-01-01"))
        .answer();
    let data = &body["error"]["data"];
    assert_eq!((status, &body["error"]["code"]), (400, &json!(-32022)));
    assert_eq!(
        data["supported"],
        json!(Revision::ALL.map(Revision::as_str))
    );
    assert_eq!(data["requested"], "2099-01-01");
}

#[test]
fn what_is_not_there_has_the_code_of_its_kind() {
    let of = stateless;
    expect([
        (of(Reason::NoAction), 400, -32602, "Unknown tool: export"),
        (
            of(Reason::NoAction).rpc(Some(rpc("tools/call", None))),
            400,
            -32602,
            "Unknown tool",
        ),
        (
            of(Reason::NoAction).rpc(Some(rpc("prompts/get", Some("p")))),
            400,
            -32602,
            "Unknown prompt: p",
        ),
        (
            of(Reason::NoAction).rpc(Some(rpc("resources/read", Some("file:///x")))),
            400,
            -32002,
            "Unknown resource: file:///x",
        ),
        (
            of(Reason::NoAction)
                .rpc(Some(rpc("resources/read", Some("file:///x"))))
                .revision(Some("2026-07-28")),
            400,
            -32602,
            "Unknown resource: file:///x",
        ),
        (
            of(Reason::NoAction).rpc(Some(rpc("x/y", None))),
            400,
            -32601,
            "Method not found: x/y",
        ),
        (
            of(Reason::NoAction)
                .rpc(Some(rpc("x/y", None)))
                .revision(None),
            400,
            -32601,
            "Method not found: x/y",
        ),
        (
            of(Reason::NoAction)
                .rpc(Some(rpc("x/y", None)))
                .revision(Some("2026-07-28")),
            404,
            -32601,
            "Method not found: x/y",
        ),
        (
            of(Reason::NoAction).rpc(None),
            404,
            -32601,
            "Method not found",
        ),
    ]);
}

#[test]
fn what_has_no_message_is_a_method_that_is_not_allowed() {
    for method in ["GET", "DELETE", "PUT"] {
        let mut decision = call(deny(Reason::NoAction)).rpc(None).decision();
        decision.request = Some(crate::model::decision::RequestFacts {
            id: None,
            method: method.to_owned(),
            host: "a.test".to_owned(),
            path: "/crm".to_owned(),
        });
        let (status, _, headers) = told(&decision);
        assert_eq!((status, headers["allow"].as_str()), (405, "POST"));
    }
}

/// Everything that a client sees, for a reason that depends on what there is.
fn seen(case: Case, anonymous: bool) -> (i32, Json, BTreeMap<String, String>) {
    let mut decision = case.hidden().decision();
    if anonymous {
        decision.parties = Some(Parties::alone(Party::anonymous()));
        decision.credential = None;
    }
    decision.dpop = Some(DpopFacts {
        presented: false,
        algorithms: Arc::from("ES256"),
        nonce: Some("n".into()),
    });
    let told = told(&decision);
    let response = check_response(&decision);
    assert_eq!(text(&response, "reason"), Some(decision.verdict.reason()));
    told
}

const REVEALING: [Reason; 12] = [
    Reason::NoAction,
    Reason::Forbidden,
    Reason::NotPermitted,
    Reason::GuardUnmet,
    Reason::WorkloadRequired,
    Reason::RequirementUnmet,
    Reason::ArgumentInvalid,
    Reason::ArgumentUndeclared,
    Reason::ParameterInvalid,
    Reason::ProofMissing,
    Reason::InputIncomplete,
    Reason::BodyMalformed,
];

#[test]
fn what_is_forbidden_looks_like_what_is_not_there() {
    for style in DenyStyle::ALL {
        for message in [
            rpc("tools/call", Some("export")),
            rpc("prompts/get", Some("p")),
            rpc("resources/read", Some("file:///x")),
            rpc("tools/list", None),
            rpc("x/y", None),
        ] {
            let of = |reason, anonymous| {
                let denial = Denial::new(reason).because("secret");
                let denial = denial.by(&RuleId::new("secret").unwrap());
                let case = call(Verdict::Deny(denial)).rpc(Some(message.clone()));
                seen(case.style(style), anonymous)
            };
            let unknown = of(Reason::NoAction, false);
            let nobody = of(Reason::NoAction, true);
            for reason in REVEALING {
                assert_eq!(of(reason, false), unknown, "{reason} {style:?}");
                assert_eq!(of(reason, true), nobody, "{reason} {style:?}");
            }
            let text = unknown.1.to_string();
            assert!(
                !text.contains("reason") && !text.contains("secret"),
                "{text}"
            );
            assert!(!unknown.2.contains_key("www-authenticate"));
            // Nobody is asked who they are, whether there is such a thing or not.
            assert_eq!(nobody.0, 401);
            assert_eq!(
                nobody.1["error"]["data"]["reason"],
                "authentication_required"
            );
            let asked = Denial::new(Reason::AuthenticationRequired).with(Remedy::Authenticate);
            let asked = call(Verdict::Deny(asked)).rpc(Some(message.clone()));
            assert_eq!(seen(asked.style(style), true), nobody);
        }
    }
}

#[test]
fn whoever_has_permits_is_told_what_is_missing() {
    let step_up = StepUp {
        acr: vec![Arc::from("phr")],
        max_age: Some(60),
    };
    for (reason, remedy, words) in [
        (
            Reason::InsufficientScope,
            Remedy::Scope {
                missing: vec![Arc::from("a:b")],
                needed: vec![Arc::from("a:b")],
            },
            "the scope `a:b`",
        ),
        (
            Reason::StepUpRequired,
            Remedy::StepUp(step_up),
            "authenticate again in one of these ways: `phr`, not more than 60 seconds before",
        ),
        (
            Reason::ProofRequired,
            Remedy::Proof(vec![Proof::Dpop]),
            "proof of having the key: `dpop`",
        ),
    ] {
        let denial = Denial::new(reason).with(remedy);
        let case = call(Verdict::Deny(denial)).style(DenyStyle::ToolError);
        let (_, body, _) = seen(case, false);
        let text = body["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(words), "{text}");
        assert_eq!(
            body["result"]["structuredContent"]["reason"],
            reason.as_str()
        );
    }
}

#[test]
fn a_refusal_stays_short() {
    let long = "é\u{1}".repeat(3000);
    let missing: Vec<Arc<str>> = (0..400)
        .map(|it| Arc::from(format!("scope-{it}")))
        .collect();
    for style in DenyStyle::ALL {
        for reason in [Reason::InsufficientScope, Reason::NoAction] {
            let missing = missing.clone();
            let denial = Denial::new(reason).with(Remedy::Scope {
                needed: missing.clone(),
                missing,
            });
            let case = call(Verdict::Deny(denial)).rpc(Some(rpc("tools/call", Some(&long))));
            let decision = case.style(style).decision();
            let response = check_response(&decision);
            let body = &denied_part(&response).body;
            assert!(body.len() < MAX_BODY, "{}", body.len());
            let body: Json = serde_json::from_str(body).unwrap();
            assert_eq!(body["id"], 7);
        }
    }
}
