//! What a person asks for, presented as the person's own token presents it: the same question, and the same answer, as for programs.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::begun::Next;
use super::sessions::{AccessToken, Session};
use super::trouble;
use crate::admin::approvals::{self, Act, Caller, Refused};
use crate::admin::gate::{Connection, Gate};
use crate::model::approval::ApprovalId;
use crate::model::decision::Decision;
use crate::model::party::{Kind, Parties, PartyId};
use crate::model::verdict::{Remedy, Verdict};

/// A token, and where it came in.
#[derive(Clone, Copy)]
pub(super) struct Presented<'a> {
    pub(super) token: &'a AccessToken,
    pub(super) connection: &'a Connection,
}

/// Asks whether the person may.
pub(super) async fn permitted(
    gate: &Gate,
    act: Act,
    id: Option<&ApprovalId>,
    presented: Presented<'_>,
) -> Result<Parties, Refused> {
    let mut headers = HeaderMap::new();
    let text = format!("Bearer {}", presented.token.expose());
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    let caller = Caller {
        headers: &headers,
        connection: presented.connection,
    };
    approvals::permitted(gate, act, id, caller).await
}

/// Whose token it is, whatever they may do; or the page that says why nobody's.
pub(super) async fn person(
    gate: &Gate,
    presented: Presented<'_>,
    next: &Next,
) -> Result<PartyId, Response> {
    match permitted(gate, Act::List, None, presented).await {
        Ok(parties) => Ok(parties.subject.id),
        Err(refused) => match known(&refused) {
            Some(parties) => Ok(parties.subject.id.clone()),
            None => Err(stranger(&refused, next)),
        },
    }
}

/// Who it is that was refused, where that is known.
fn known(refused: &Refused) -> Option<&Parties> {
    let Refused::Decision(decision) = refused else {
        return None;
    };
    let parties = decision.parties.as_ref();
    parties.filter(|parties| parties.subject.kind != Kind::Anonymous)
}

/// The page for somebody whose token is not good, or not good enough to know who it is.
fn stranger(refused: &Refused, next: &Next) -> Response {
    match refused {
        Refused::NotConfigured => {
            let words = "Nobody can sign in here yet: `admin.url` is not set, or no provider is listed in `approvals.providers`.";
            trouble::plain(StatusCode::FORBIDDEN, words, None)
        }
        Refused::Ambiguous => unfit("credential_ambiguous", next),
        Refused::Decision(decision) => match &decision.verdict {
            Verdict::Fault(_) => unsure(None),
            Verdict::Deny(_) | Verdict::Pending(_) | Verdict::Allow(_) => {
                unfit(decision.verdict.reason(), next)
            }
        },
    }
}

fn unfit(code: &'static str, next: &Next) -> Response {
    let words = format!("Your sign-in is not good here, or not any more ({code}).");
    trouble::sign_in(StatusCode::UNAUTHORIZED, &words, next)
}

fn unsure(session: Option<&Session>) -> Response {
    let words = "This cannot be decided now. Try again in a moment.";
    trouble::plain(StatusCode::SERVICE_UNAVAILABLE, words, session)
}

/// The page for somebody who may not, and whether the session is of no use any more.
pub(super) fn refused(session: &Session, refused: &Refused, next: &Next) -> (Response, bool) {
    let (Some(_), Refused::Decision(decision)) = (known(refused), refused) else {
        return (stranger(refused, next), is_over(refused));
    };
    let page = match &decision.verdict {
        Verdict::Deny(denial) => match &denial.remedy {
            Some(Remedy::StepUp(demand)) => trouble::step_up(session, demand, next),
            Some(Remedy::Authenticate | Remedy::Proof(_) | Remedy::Scope { .. }) | None => {
                forbidden(session, decision, denial.reason.title())
            }
        },
        Verdict::Pending(_) => forbidden(
            session,
            decision,
            "The policy wants an approval for this, too",
        ),
        Verdict::Fault(_) => unsure(Some(session)),
        Verdict::Allow(_) => forbidden(session, decision, "Nobody known asks"),
    };
    (page, false)
}

/// A credential that was judged, and is nobody's any more. What cannot be judged now may be good again.
fn is_over(refused: &Refused) -> bool {
    match refused {
        Refused::NotConfigured | Refused::Ambiguous => true,
        Refused::Decision(decision) => !matches!(decision.verdict, Verdict::Fault(_)),
    }
}

fn forbidden(session: &Session, decision: &Decision, title: &str) -> Response {
    let words = format!(
        "You may not do this. {title}. The decision is recorded as {}.",
        decision.id
    );
    trouble::plain(StatusCode::FORBIDDEN, &words, Some(session))
}
