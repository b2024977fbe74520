//! Whole answers, for decisions of every kind.

mod allow;
mod approvals;
mod mcp;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use envoy_types::pb::google::protobuf::value::Kind;
use proptest::prelude::*;

use super::*;
use crate::model::approval::{ApprovalId, Ticket};
use crate::model::decision::{DecisionId, RouteFacts, Schemes, Spent};
use crate::model::lifecycle::{Check, Level, Raised};
use crate::model::name::{ActionId, ProviderName, RouteId, RuleId};
use crate::model::party::{Kind as PartyKind, Parties, Party, PartyId};
use crate::model::reason::Reason;
use crate::model::route::Tier;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::model::verdict::{Constraints, Remedy, StepUp};

fn decision(verdict: Verdict) -> Decision {
    let party = |kind, id| {
        let provider = ProviderName::new("corp").unwrap();
        Party::bare(kind, PartyId::new(provider, id))
    };
    Decision {
        id: DecisionId::new("0199-d"),
        at: Timestamp::from_seconds(0),
        verdict,
        request: None,
        route: Some(RouteFacts {
            id: RouteId::new("api").unwrap(),
            url: Arc::from("https://api.example.com"),
            schemes: Schemes {
                tokens: true,
                api_keys: false,
            },
            protocol: crate::model::route::Protocol::Http,
        }),
        rpc: None,
        document: None,
        action: Some((ActionId::new("releases.approve").unwrap(), Tier::Critical)),
        arguments: None,
        risk: None,
        parties: Some(Parties {
            subject: party(PartyKind::Human, "alice"),
            actor: Some(party(PartyKind::Agent, "crm-bot")),
            depth: 1,
            prior: Vec::new(),
        }),
        credential: None,
        workload: crate::model::spiffe::SpiffeId::parse("spiffe://example.org/ci/runner"),
        lifecycle: Vec::new(),
        grpc: false,
        gateway: None,
        dpop: None,
        policy_version: Arc::from("v1"),
        spent: Spent::default(),
    }
}

fn grant(constraints: Constraints) -> Verdict {
    Verdict::Allow(Grant {
        approval: None,
        permits: vec![RuleId::new("releasers").unwrap()],
        constraints,
    })
}

fn code(response: &CheckResponse) -> i32 {
    response.status.as_ref().unwrap().code
}

fn denied_part(response: &CheckResponse) -> &DeniedHttpResponse {
    let Some(HttpResponse::DeniedResponse(denied)) = &response.http_response else {
        panic!("{response:?}");
    };
    denied
}

fn header_of<'a>(denied: &'a DeniedHttpResponse, name: &str) -> Option<&'a str> {
    let mut headers = denied.headers.iter().filter_map(|it| it.header.as_ref());
    headers
        .find(|it| it.key == name)
        .map(|it| it.value.as_str())
}

fn text<'a>(response: &'a CheckResponse, key: &str) -> Option<&'a str> {
    let field = response.dynamic_metadata.as_ref()?.fields.get(key)?;
    let Some(Kind::StringValue(text)) = &field.kind else {
        panic!("{field:?}");
    };
    Some(text)
}

#[test]
fn a_grant_is_code_zero_with_metadata() {
    let constraints = Constraints {
        metadata: BTreeMap::from([(Arc::from("budget"), Value::Int(3))]),
        ..Constraints::default()
    };
    let response = check_response(&decision(grant(constraints)));
    assert_eq!(code(&response), 0);
    assert!(matches!(
        response.http_response,
        Some(HttpResponse::OkResponse(_))
    ));
    for (key, value) in [
        ("decision_id", "0199-d"),
        ("verdict", "allow"),
        ("reason", "permitted"),
        ("rule", "releasers"),
        ("route", "api"),
        ("action", "releases.approve"),
        ("subject", "corp/alice"),
        ("actor", "corp/crm-bot"),
        ("workload", "spiffe://example.org/ci/runner"),
        ("policy_version", "v1"),
    ] {
        assert_eq!(text(&response, key), Some(value));
    }
    let fields = &response.dynamic_metadata.unwrap().fields;
    assert!(matches!(fields["grant"].kind, Some(Kind::StructValue(_))));
}

#[test]
fn a_grant_that_cannot_be_carried_out_is_a_fault() {
    let constraints = Constraints {
        headers: BTreeMap::from([(Arc::from("x-user"), "a\r\nx-admin: true".into())]),
        ..Constraints::default()
    };
    let response = check_response(&decision(grant(constraints)));
    assert_eq!(code(&response), 14);
    assert_eq!(denied_part(&response).status.unwrap().code, 503);
    assert_eq!(text(&response, "verdict"), Some("fault"));
    assert_eq!(text(&response, "reason"), Some("constraint_failed"));
    assert_eq!(text(&response, "rule"), None);
}

#[test]
fn a_denial_is_a_problem_with_a_challenge() {
    let missing = vec![Arc::from("crm:read")];
    let denial = Denial::new(Reason::InsufficientScope).with(Remedy::Scope {
        needed: missing.clone(),
        missing,
    });
    let response = check_response(&decision(Verdict::Deny(denial)));
    assert_eq!(code(&response), 7);
    let denied = denied_part(&response);
    assert_eq!(denied.status.unwrap().code, 403);
    assert_eq!(
        header_of(denied, "content-type"),
        Some("application/problem+json")
    );
    assert_eq!(header_of(denied, "cache-control"), Some("no-store"));
    assert_eq!(header_of(denied, "x-decision-id"), Some("0199-d"));
    assert_eq!(
        header_of(denied, "www-authenticate"),
        Some(concat!(
            r#"Bearer realm="https://api.example.com", "#,
            r#"resource_metadata="https://api.example.com/.well-known/oauth-protected-resource", "#,
            r#"error="insufficient_scope", error_description="The access token lacks a scope", scope="crm:read""#
        ))
    );
    assert_eq!(text(&response, "verdict"), Some("deny"));
}

#[test]
fn rule_and_cause_never_reach_the_client() {
    let rule = RuleId::new("secret-rule").unwrap();
    let denial = Denial::new(Reason::Forbidden)
        .by(&rule)
        .because("secret-cause");
    let response = check_response(&decision(Verdict::Deny(denial)));
    assert_eq!(text(&response, "rule"), Some("secret-rule"));
    let told = format!("{:?} {:?}", denied_part(&response), response.status);
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn unknown_facts_are_left_out() {
    let mut decision = decision(Verdict::Deny(Denial::new(Reason::NoRoute)));
    decision.route = None;
    decision.action = None;
    decision.parties = None;
    decision.workload = None;
    let fields = check_response(&decision).dynamic_metadata.unwrap().fields;
    let keys: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
    let expected = ["decision_id", "policy_version", "reason", "verdict"];
    assert_eq!(keys, BTreeSet::from(expected));
}

#[test]
fn statuses_follow_the_reason() {
    for (reason, http, grpc) in [
        (Reason::NoHttp, 400, 7),
        (Reason::PathDotSegment, 400, 7),
        (Reason::ParameterInvalid, 400, 7),
        (Reason::TokenExpired, 401, 16),
        (Reason::AuthenticationRequired, 401, 16),
        (Reason::StepUpRequired, 401, 16),
        (Reason::NoRoute, 403, 7),
        (Reason::Forbidden, 403, 7),
        (Reason::InsufficientScope, 403, 7),
    ] {
        let response = check_response(&decision(Verdict::Deny(Denial::new(reason))));
        let status = denied_part(&response).status.unwrap().code;
        assert_eq!((status, code(&response)), (http, grpc), "{reason}");
    }
}

#[test]
fn every_401_has_a_challenge() {
    for reason in Reason::ALL {
        let response = check_response(&decision(Verdict::Deny(Denial::new(*reason))));
        let denied = denied_part(&response);
        let challenged = header_of(denied, "www-authenticate").is_some();
        assert!(challenged || denied.status.unwrap().code != 401, "{reason}");
    }
}

#[test]
fn every_fault_is_an_explicit_503() {
    for fault in FaultCode::ALL {
        let verdict = Verdict::Fault(Fault::new(*fault, "secret-cause"));
        let response = check_response(&decision(verdict));
        assert_eq!(code(&response), 14);
        let denied = denied_part(&response);
        assert_eq!(denied.status.unwrap().code, 503);
        assert_eq!(header_of(denied, "retry-after"), Some("1"));
        assert_eq!(text(&response, "reason"), Some(fault.as_str()));
        assert!(!denied.body.contains("secret"));
    }
}

fn texts() -> impl Strategy<Value = Vec<Arc<str>>> {
    proptest::collection::vec(any::<String>().prop_map(Arc::from), 0..8)
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    let entries = || proptest::collection::btree_map("[a-z:]{0,4}", "[ -~é\r\n]{0,6}", 0..4);
    let names = || proptest::collection::btree_set("[a-z:]{0,4}".prop_map(Arc::from), 0..4);
    let shared = |map: BTreeMap<String, String>| -> BTreeMap<Arc<str>, String> {
        map.into_iter().map(|(k, v)| (Arc::from(k), v)).collect()
    };
    let allow = (entries(), names(), entries(), names(), entries());
    let allow = allow.prop_map(move |(headers, strip, query, strip_query, response)| {
        grant(Constraints {
            headers: shared(headers),
            strip,
            query: shared(query),
            strip_query,
            response_headers: shared(response),
            metadata: BTreeMap::new(),
            ..Constraints::default()
        })
    });
    let remedy = prop_oneof![
        Just(None),
        Just(Some(Remedy::Authenticate)),
        texts().prop_map(|missing| Some(Remedy::Scope {
            needed: missing.clone(),
            missing
        })),
        (texts(), any::<Option<u64>>())
            .prop_map(|(acr, max_age)| Some(Remedy::StepUp(StepUp { acr, max_age }))),
    ];
    let deny = (proptest::sample::select(Reason::ALL), remedy).prop_map(|(reason, remedy)| {
        Verdict::Deny(Denial {
            remedy,
            ..Denial::new(reason)
        })
    });
    let fault = proptest::sample::select(FaultCode::ALL)
        .prop_map(|code| Verdict::Fault(Fault::new(code, "cause")));
    let wait = (any::<bool>(), proptest::option::of(any::<String>())).prop_map(|(opened, url)| {
        let id = opened.then(|| ApprovalId::parse("apr_AAAAAAAAAAAAAAAAAAAAAA").unwrap());
        let url: Option<Arc<str>> = url.map(Arc::from);
        Verdict::Pending(Ticket {
            id,
            rule: None,
            expires: None,
            status_url: url.clone(),
            url,
        })
    });
    prop_oneof![allow, deny, wait, fault]
}

/// Names that are set, and names that are removed.
fn names_of(response: &CheckResponse) -> Option<(Vec<String>, Vec<String>)> {
    match response.http_response.as_ref()? {
        HttpResponse::OkResponse(ok) => {
            let set = ok.headers.iter().filter_map(|it| it.header.as_ref());
            let set = set.map(|header| header.key.clone()).collect();
            Some((set, ok.headers_to_remove.clone()))
        }
        HttpResponse::DeniedResponse(_) | HttpResponse::ErrorResponse(_) => None,
    }
}

proptest! {
    #[test]
    fn code_zero_comes_from_allow_alone(verdict in verdicts()) {
        let allow = matches!(verdict, Verdict::Allow(_));
        let response = check_response(&decision(verdict));
        let ok = matches!(response.http_response, Some(HttpResponse::OkResponse(_)));
        prop_assert_eq!(code(&response) == 0, ok);
        prop_assert!(allow || !ok);
        let is_error = matches!(response.http_response, Some(HttpResponse::ErrorResponse(_)));
        prop_assert!(!is_error);
    }

    #[test]
    fn a_refusal_is_valid_json_and_visible_ascii(verdict in verdicts()) {
        let response = check_response(&decision(verdict));
        if let Some(HttpResponse::DeniedResponse(denied)) = &response.http_response {
            prop_assert!(denied.body.len() < 4096);
            let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
            prop_assert_eq!(&body["decision_id"], "0199-d");
            prop_assert_eq!(&body["status"], denied.status.unwrap().code);
            for header in denied.headers.iter().filter_map(|it| it.header.as_ref()) {
                prop_assert!(header.value.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            }
        }
    }

    #[test]
    fn set_and_removed_are_disjoint_and_unique(verdict in verdicts()) {
        if let Some((set, removed)) = names_of(&check_response(&decision(verdict))) {
            let distinct: BTreeSet<&String> = set.iter().chain(&removed).collect();
            prop_assert_eq!(distinct.len(), set.len() + removed.len());
        }
    }
}

#[test]
fn warnings_of_lives_are_listed_once_each() {
    let raised = |check, level, id: &str| Raised {
        check,
        level,
        id: PartyId::new(ProviderName::new("corp").unwrap(), id),
    };
    let mut decision = decision(grant(Constraints::default()));
    decision.lifecycle = vec![
        raised(Check::Unregistered, Level::Warn, "a"),
        raised(Check::Unregistered, Level::Warn, "b"),
        raised(Check::Browser, Level::Warn, "b"),
        raised(Check::Offboarded, Level::Deny, "b"),
    ];
    let response = check_response(&decision);
    let listed = &response.dynamic_metadata.as_ref().unwrap().fields["warnings"];
    let Some(Kind::ListValue(list)) = &listed.kind else {
        panic!("{listed:?}");
    };
    let codes: Vec<_> = list.values.iter().map(|code| code.kind.clone()).collect();
    let text = |code: &str| Some(Kind::StringValue(code.to_owned()));
    assert_eq!(codes, [text("nhi1-unregistered"), text("nhi10-browser")]);
}

#[test]
fn a_grpc_caller_reads_one_line_under_a_status_that_says_the_same() {
    let of = |verdict| {
        let mut decision = decision(verdict);
        decision.grpc = true;
        let response = check_response(&decision);
        let denied = denied_part(&response);
        assert_eq!(header_of(denied, "content-type"), None);
        assert_eq!(header_of(denied, "x-decision-id"), Some("0199-d"));
        (denied.status.unwrap().code, denied.body.clone())
    };
    for reason in Reason::ALL {
        let (status, line) = of(Verdict::Deny(Denial::new(*reason)));
        let unauthenticated = status::class(*reason) == status::Class::Unauthenticated;
        let expected = if unauthenticated { 401 } else { 403 };
        assert_eq!(status, expected, "{reason}");
        let words = format!("{} ({reason}, decision 0199-d)", reason.title());
        assert_eq!(line, words);
        assert!(line.is_ascii() && line.len() < 200, "{line}");
    }
    let (status, line) = of(Verdict::Fault(Fault::new(FaultCode::Overloaded, "secret")));
    assert_eq!(status, 503);
    assert_eq!(
        line,
        "Too many requests at once (overloaded, decision 0199-d)"
    );
}

#[test]
fn a_document_is_public_and_ends_the_request() {
    let mut decision = decision(Verdict::Deny(Denial::new(Reason::Metadata)));
    decision.document = Some(Arc::from(r#"{"resource":"https://api.example.com"}"#));
    let response = check_response(&decision);
    assert_eq!(code(&response), 7);
    assert_eq!(text(&response, "reason"), Some("metadata"));
    let denied = denied_part(&response);
    assert_eq!(denied.status.unwrap().code, 200);
    assert_eq!(denied.body, decision.document.as_deref().unwrap());
    for (name, value) in [
        ("content-type", "application/json"),
        ("cache-control", "public, max-age=300"),
        ("access-control-allow-origin", "*"),
        ("x-decision-id", "0199-d"),
    ] {
        assert_eq!(header_of(denied, name), Some(value));
    }
    assert_eq!(denied.headers.len(), 4);
}
