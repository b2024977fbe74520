//! What every page has around it: a head, who is signed in, and headers that leave a browser nothing to do but show it.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::sessions::Session;
use super::shown;
use crate::admin::problem::HEADERS;
use crate::keys::{base64url, sha256};

/// All that pages look like; nothing is loaded from anywhere.
const STYLE: &str = include_str!("style.css");

/// Nothing runs, nothing is loaded, forms go nowhere else, and no page has this one inside (Content Security Policy Level 3). The one
/// style is named by its digest.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = base64url::encode(&sha256(STYLE.as_bytes()));
    let digest = digest.replace('-', "+").replace('_', "/");
    format!(
        "default-src 'none'; style-src 'sha256-{digest}='; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// Headers of every page. A browser tells a form's origin only to a page that may know where it comes from, so referrers are kept from
/// others and not from us.
const PAGE_HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::VARY, HeaderValue::from_static("accept, cookie")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// A page before it is sent.
pub(super) struct Page<'a> {
    pub(super) status: StatusCode,
    pub(super) title: &'a str,
    /// Who is signed in.
    pub(super) session: Option<&'a Session>,
    pub(super) body: Markup,
}

impl IntoResponse for Page<'_> {
    fn into_response(self) -> Response {
        let Page {
            status,
            title,
            session,
            body,
        } = self;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex";
                    // Without it, browsers ask for a picture that there is not.
                    link rel="icon" href="data:,";
                    title { (title) " · countersign" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        a.home href="/approvals" { "Approvals" }
                        @if let Some(session) = session { (signed_in(session)) }
                    }
                    main { (body) }
                }
            }
        };
        let mut headers = HeaderMap::new();
        headers.extend(HEADERS.into_iter().chain(PAGE_HEADERS));
        if let Ok(policy) = HeaderValue::from_str(&POLICY) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        (status, headers, page.into_string()).into_response()
    }
}

fn signed_in(session: &Session) -> Markup {
    html! {
        span.me { (shown::text(&session.person.id)) }
        form method="post" action="/approvals/sign-out" {
            (mark(session))
            button { "Sign out" }
        }
    }
}

/// What makes a form one of this session.
pub(super) fn mark(session: &Session) -> Markup {
    html! { input type="hidden" name="mark" value=(session.mark()); }
}
