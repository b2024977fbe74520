//! Forms, as they come in: they count only from this page, and in the session that they were written for.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use maud::html;

use super::form::Fields;
use super::sessions::Session;
use super::trouble;
use crate::admin::gate::Gate;
use crate::admin::json::bounded;
use crate::telemetry::AdminRefusal;

/// Largest form in bytes: a token, or a reason, and what is around it.
const MAX_BODY: usize = 16 * 1024;

/// Reads a form that a browser has sent for this page. Every browser says where a form comes from; that this is no page of others was
/// seen to before, and here that it is said at all.
pub(super) async fn read(gate: &Gate, request: Request) -> Result<(HeaderMap, Fields), Response> {
    let (head, body) = request.into_parts();
    if !head.headers.contains_key(header::ORIGIN) || !is_form(&head.headers) {
        return Err(foreign(gate, None));
    }
    let unfit = |words| trouble::plain(StatusCode::BAD_REQUEST, words, None);
    let bytes = bounded(body, MAX_BODY).await;
    let bytes = bytes.map_err(|_problem| unfit("The form did not come whole, or is too large."))?;
    let text = String::from_utf8(bytes).ok();
    let fields = text.and_then(|text| Fields::parse(&text));
    let fields = fields.ok_or_else(|| unfit("The form cannot be read."))?;
    Ok((head.headers, fields))
}

/// Whether the one `content-type` is that of forms.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else {
        return false;
    };
    let essence = kind.to_str().ok().and_then(|kind| kind.split(';').next());
    let form = "application/x-www-form-urlencoded";
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(form))
}

/// The answer to a form that this page did not write for this session; nothing was done.
pub(super) fn foreign(gate: &Gate, session: Option<&Session>) -> Response {
    gate.state.metrics.admin_refused(AdminRefusal::CrossSite);
    let body = html! {
        h1 { "Nothing was done" }
        p { "This form was not written for you by this page, or you have signed in again since. Load the page again, and look at it before you decide." }
        a.button.plain.wide href="/approvals" { "All approvals" }
    };
    trouble::page(StatusCode::FORBIDDEN, "Nothing was done", session, body)
}
