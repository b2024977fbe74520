//! Approvals, newest first, page by page.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

use super::super::gate::{Connection, Gate};
use super::super::json::pretty;
use super::super::problem::Problem;
use super::ask::{Act, Caller, permitted};
use super::shown::brief;
use super::unavailable;
use crate::model::approval::{Approval, Place, State as Standing, Status};
use crate::model::name::ProviderName;
use crate::model::party::PartyId;
use crate::store::{ApprovalFilter, MAX_LISTED};

/// Approvals on a page if nothing is said.
const PAGE: usize = 50;
/// Most pages of approvals that are read to find those that wait.
const MAX_PAGES: usize = 8;
/// Longest id in a filter, in bytes.
const MAX_ID: usize = 512;

/// Which approvals are asked for.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::admin) struct Listing {
    /// Only these.
    pub(in crate::admin) state: Option<Standing>,
    /// Only those whose subject or actor this is.
    pub(in crate::admin) requester: Option<PartyId>,
    /// Only those that stand behind this place.
    pub(in crate::admin) before: Option<Place>,
    /// How many are looked at.
    pub(in crate::admin) limit: usize,
}

/// Some approvals, and where the rest begins.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Page {
    pub(in crate::admin) approvals: Vec<Arc<Approval>>,
    /// What `before` is for the next page; none on the last.
    pub(in crate::admin) next: Option<Place>,
}

pub(super) async fn list(
    State(gate): State<Arc<Gate>>,
    Extension(connection): Extension<Connection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let listing = match Listing::parse(query.as_deref().unwrap_or_default()) {
        Ok(listing) => listing,
        Err(problem) => return problem.into_response(),
    };
    let caller = Caller {
        headers: &headers,
        connection: &connection,
    };
    if let Err(refused) = permitted(&gate, Act::List, None, caller).await {
        return refused.answer(&gate);
    }
    match page(&gate, listing).await {
        Ok(Page { approvals, next }) => {
            let now = (gate.state.clock)();
            let approvals: Vec<Json> = approvals.iter().map(|it| brief(it, now)).collect();
            let next = next.map(|place| place.to_string());
            pretty(
                StatusCode::OK,
                &json!({ "approvals": approvals, "next": next }),
            )
        }
        Err(problem) => problem.into_response(),
    }
}

/// A page of approvals; whoever asks may list them.
pub(in crate::admin) async fn page(gate: &Gate, listing: Listing) -> Result<Page, Problem> {
    let Listing {
        state,
        requester,
        before,
        limit,
    } = listing;
    let status = match state {
        Some(Standing::Is(status)) => Some(status),
        // What is over is not written: the clock says so.
        Some(Standing::Expired) | None => None,
    };
    let filter = ApprovalFilter {
        status,
        requester,
        before,
        limit,
    };
    let found = gate.state.store.approvals(filter).await;
    let mut approvals = found.map_err(|error| unavailable(&error))?;
    let last = approvals.last().filter(|_| approvals.len() >= limit);
    let next = last.map(|last| last.place());
    let now = (gate.state.clock)();
    approvals.retain(|it| state.is_none_or(|state| it.state(now) == state));
    Ok(Page { approvals, next })
}

/// Those that wait for a decision, at most so many: who has waited for longest is among them, however many others there are and
/// whatever has become of those.
pub(in crate::admin) async fn waiting(
    gate: &Gate,
    limit: usize,
) -> Result<Vec<Arc<Approval>>, Problem> {
    let (mut waiting, mut before) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let listing = Listing {
            state: Some(Standing::Is(Status::Pending)),
            requester: None,
            before,
            limit: MAX_LISTED,
        };
        let Page { approvals, next } = page(gate, listing).await?;
        waiting.extend(approvals);
        before = next;
        if before.is_none() {
            break;
        }
    }
    let newest = waiting.len().saturating_sub(limit);
    Ok(waiting.split_off(newest))
}

impl Listing {
    /// Reads a query: `status`, `requester`, `before` and `limit`, each at most once.
    pub(in crate::admin) fn parse(query: &str) -> Result<Self, Problem> {
        let mut listing = Self {
            state: None,
            requester: None,
            before: None,
            limit: PAGE,
        };
        let mut seen = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| wrong(pair))?;
            if seen.contains(&name) {
                return Err(wrong(name));
            }
            seen.push(name);
            listing.set(name, value).ok_or_else(|| wrong(name))?;
        }
        Ok(listing)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "status" => {
                self.state = Some(match value {
                    "expired" => Standing::Expired,
                    word => Standing::Is(Status::parse(word)?),
                });
            }
            "requester" => self.requester = Some(party(&decoded(value)?)?),
            "before" => self.before = Some(Place::parse(value)?),
            "limit" => {
                let limit = value.parse().ok();
                self.limit = limit.filter(|limit| (1..=MAX_LISTED).contains(limit))?;
            }
            _ => return None,
        }
        Some(())
    }
}

/// `corp/crm-bot`: a provider, and an id that may have slashes.
fn party(text: &str) -> Option<PartyId> {
    let (issuer, id) = text.split_once('/')?;
    let issuer = ProviderName::new(issuer).ok()?;
    (!id.is_empty()).then(|| PartyId::new(issuer, id))
}

/// Percent-decoded, and UTF-8.
fn decoded(text: &str) -> Option<String> {
    if text.len() > MAX_ID * 3 {
        return None;
    }
    let (mut bytes, mut out) = (text.bytes(), Vec::new());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            _ => byte,
        });
    }
    String::from_utf8(out).ok()
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

fn wrong(name: &str) -> Problem {
    const KNOWN: [&str; 4] = ["status", "requester", "before", "limit"];
    let known = KNOWN.into_iter().find(|known| *known == name);
    let detail = match known {
        Some("status") => "`status` is `pending`, `approved`, `denied`, `cancelled`, `revoked`, `consumed` or `expired`, once".to_owned(),
        Some("requester") => "`requester` is an issuer and an id, `corp/crm-bot`, once".to_owned(),
        Some("before") => "`before` is what the page before calls `next`, once".to_owned(),
        Some(_) => format!("`limit` is a number from 1 to {MAX_LISTED}, once"),
        None => "the query has `status`, `requester`, `before` and `limit`".to_owned(),
    };
    Problem::new(StatusCode::BAD_REQUEST, "query_invalid", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_strictly() {
        let parse = |query| Listing::parse(query).ok();
        let listing = parse("status=pending&requester=corp%2Fcrm-bot%40x&limit=7").unwrap();
        assert_eq!(listing.state, Some(Standing::Is(Status::Pending)));
        assert_eq!(listing.requester.unwrap().to_string(), "corp/crm-bot@x");
        assert_eq!(listing.limit, 7);
        let place = "1800000000000.apr_0123456789012345678901";
        let query = format!("before={place}");
        let before = parse(&query).unwrap().before.unwrap();
        assert_eq!(before.to_string(), place);
        assert_eq!(
            parse("status=expired").unwrap().state,
            Some(Standing::Expired)
        );
        assert_eq!(parse("").unwrap().limit, PAGE);
        for wrong in [
            "status=open",
            "status",
            "status=pending&status=pending",
            "limit=0",
            "limit=501",
            "before=apr_1",
            "before=apr_0123456789012345678901",
            "before=1.apr_1",
            "requester=crm-bot",
            "requester=corp/",
            "requester=corp/%f",
            "requester=corp/%ff",
            "offset=1",
        ] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
