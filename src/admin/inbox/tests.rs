//! Pages as people read them, without a server.

use std::sync::Arc;
use std::time::Instant;

use axum::body::to_bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::html;

use super::begun::Next;
use super::list;
use super::one::{Told, View};
use super::sessions::{AccessToken, Session, Sessions};
use super::trouble;
use crate::approval::testing::{at, party, pending, voter};
use crate::model::approval::{Approval, Details, Status, Vote};
use crate::model::route::Resource;
use crate::model::verdict::StepUp;

const NOW: i64 = 1_800_000_300;

fn session() -> Session {
    let (sessions, now) = (Sessions::default(), Instant::now());
    let token = AccessToken::new("a.b.c").unwrap();
    let id = sessions.open(party("ana"), token, now).unwrap();
    sessions.find(&id, now).unwrap()
}

fn export(number: u32, arguments: &str) -> Approval {
    let mut approval = Arc::unwrap_or_clone(pending(number, NOW - 300));
    approval.details = Details {
        operation: Some(Arc::from("tools/call export_customers")),
        arguments: Some(Arc::from(arguments)),
        request: Some(Arc::from("POST mcp.example.com /crm")),
        workload: Some(Arc::from("spiffe://example.org/agents/crm-bot")),
        risk: Some(30),
        ..Details::default()
    };
    approval
}

async fn read(response: Response) -> (StatusCode, HeaderMap, String) {
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    (
        head.status,
        head.headers,
        String::from_utf8(bytes.to_vec()).unwrap(),
    )
}

async fn one(approval: &Approval, told: Option<Told<'_>>) -> String {
    let view = View {
        approval,
        before: &[],
        told,
        now: at(NOW),
    };
    read(view.page(&session())).await.2
}

#[tokio::test]
async fn what_waits_for_longest_is_first_and_what_is_over_is_last() {
    let mut over = export(1, "{}");
    over.status = Status::Denied;
    let (mut older, newer) = (export(2, "{}"), export(3, "{}"));
    older.created = at(NOW - 400);
    let all = [&newer, &over, &older].map(|it| Arc::new(it.clone()));
    let (_, _, page) = read(list::page(&session(), all.to_vec(), at(NOW))).await;
    let places = [&older, &newer, &over].map(|it| page.find(it.id.as_str()).unwrap());
    assert!(places.is_sorted(), "{page}");
    assert!(page.contains("2 requests wait for a decision"), "{page}");
    let (_, _, empty) = read(list::page(&session(), Vec::new(), at(NOW))).await;
    assert!(empty.contains("Nothing waits for a decision"), "{empty}");
}

#[tokio::test]
async fn one_says_who_asks_for_what_with_which_arguments() {
    let page = one(&export(1, r#"{"segment":"eu","rows":5000}"#), None).await;
    for text in [
        "crm-bot",
        "an agent, known to corp, owned by olga",
        "alice",
        "customers.export",
        "segment",
        "&quot;eu&quot;",
        "5000",
        "high",
        "30 of 100",
        "POST mcp.example.com /crm",
        "It calls",
        "tools/call export_customers",
        "First asked from",
        "spiffe://example.org/agents/crm-bot",
        "1 of human corp group crm-leads",
        "exports-are-approved",
        "in 10 min",
    ] {
        assert!(page.contains(text), "no `{text}`: {page}");
    }
    assert!(!page.contains("can be taken for others"), "{page}");
}

#[tokio::test]
async fn arguments_become_no_markup_and_hide_nothing() {
    let hostile = "{\"<script>alert(1)</script>\":\"\\\"><img src=x> p\u{430}y \u{202e}\"}";
    let page = one(&export(1, hostile), None).await;
    assert!(
        !page.contains("<script") && !page.contains("<img"),
        "{page}"
    );
    assert!(!page.contains('\u{202e}'), "{page}");
    assert!(page.contains("U+0430") && page.contains("U+202E"), "{page}");
    assert!(page.contains("can be taken for others"), "{page}");
}

#[tokio::test]
async fn what_a_caller_writes_begins_no_line_and_what_else_a_message_says_is_there() {
    let mut approval = export(1, r#"{"note":"a\nb"}"#);
    approval.resource = Some(Resource {
        kind: Arc::from("segment"),
        id: Arc::from("eu\nRisk\n0 of 100"),
    });
    approval.details.rest = Some(Arc::from(r#"{"task":{"ttl":60}}"#));
    let page = one(&approval, None).await;
    assert!(!page.contains("eu\n") && page.contains("U+000A"), "{page}");
    for text in ["Else in the message", "task", "{\n  &quot;ttl&quot;: 60\n}"] {
        assert!(page.contains(text), "no `{text}`: {page}");
    }
}

#[tokio::test]
async fn only_what_waits_can_be_decided_and_only_what_is_good_revoked() {
    let buttons = async |approval: &Approval| {
        let page = one(approval, None).await;
        ["/approve\"", "/deny\"", "/revoke\""].map(|it| page.contains(it))
    };
    let mut approval = export(1, "{}");
    assert_eq!(buttons(&approval).await, [true, true, false]);
    approval.status = Status::Approved;
    approval.valid_until = Some(at(NOW + 60));
    assert_eq!(buttons(&approval).await, [false, false, true]);
    approval.valid_until = Some(at(NOW - 60));
    assert_eq!(buttons(&approval).await, [false; 3], "expired");
    for over in [
        Status::Denied,
        Status::Cancelled,
        Status::Revoked,
        Status::Consumed,
    ] {
        approval.status = over;
        assert_eq!(buttons(&approval).await, [false; 3], "{over:?}");
    }
}

#[tokio::test]
async fn votes_and_what_went_wrong_are_shown_and_nothing_is_typed_twice() {
    let mut approval = export(1, "{}");
    approval.demand.reason_required = true;
    let vote = |id, approve, reason: &str| Vote {
        voter: voter(id, &["crm-leads"]),
        approve,
        at: at(NOW - 60),
        reason: Some(Arc::from(reason)),
    };
    approval.votes = vec![vote("ben", true, "agreed <b>"), vote("eva", false, "no")];
    let told = Told {
        status: StatusCode::FORBIDDEN,
        words: html! { "nobody approves what they ask for themselves" },
        reason: Some("typed </textarea>"),
    };
    let page = one(&approval, Some(told)).await;
    for text in [
        "agreed &lt;b&gt;",
        "has denied",
        "nobody approves what they ask",
        "typed &lt;/textarea&gt;",
        " required>",
    ] {
        assert!(page.contains(text), "no `{text}`: {page}");
    }
}

#[tokio::test]
async fn every_form_is_posted_to_this_page_and_marked() {
    let (session, next) = (session(), Next::List);
    let approval = export(1, "{}");
    let view = View {
        approval: &approval,
        before: &[],
        told: None,
        now: at(NOW),
    };
    let (_, _, page) = read(view.page(&session)).await;
    let forms = page.matches("<form").count();
    assert_eq!(forms, 2, "sign out and decide");
    assert_eq!(page.matches("method=\"post\"").count(), forms);
    assert_eq!(page.matches(&session.mark()).count(), forms);
    assert_eq!(
        page.matches("action=\"/approvals/").count(),
        forms + 1,
        "{page}"
    );
    let (_, _, page) = read(trouble::token_form(&next)).await;
    assert!(page.contains("type=\"password\""), "{page}");
}

#[tokio::test]
async fn a_browser_has_nothing_to_do_but_to_show_a_page() {
    let (status, headers, page) = read(list::page(&session(), Vec::new(), at(NOW))).await;
    assert_eq!(status, StatusCode::OK);
    let header = |name: &str| headers.get(name).map_or("", |it| it.to_str().unwrap());
    let policy = header("content-security-policy");
    for part in [
        "default-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "style-src 'sha256-",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains("script-src"),
        "{policy}"
    );
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert!(
        !page.contains("<script") && !page.contains("http"),
        "{page}"
    );
}

#[tokio::test]
async fn whoever_must_step_up_is_sent_away_with_what_is_demanded() {
    let id = export(1, "{}").id;
    let demand = StepUp {
        acr: vec![Arc::from("phr"), Arc::from("phrh")],
        max_age: Some(300),
    };
    let next = Next::One(id.clone());
    let (status, _, page) = read(trouble::step_up(&session(), &demand, &next)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let link = format!("/approvals/sign-in?next=/approvals/{id}&amp;acr=phr+phrh&amp;max_age=300");
    assert!(page.contains(&link), "{page}");
}
