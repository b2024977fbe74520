//! How a caller can come back with a better credential (RFC 6750, section 3; RFC 9470, section 3; RFC 9449, section 7.1).

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use crate::model::decision::Decision;
use crate::model::identity::Proof;
use crate::model::reason::Reason;
use crate::model::verdict::{Denial, Remedy};

/// Longest list of scopes or classes in bytes; a list that is longer is left out.
const MAX_LIST: usize = 2048;

/// What is added to an answer.
pub(super) struct Challenge {
    text: String,
    /// What the next proof has to repeat (RFC 9449, section 8).
    nonce: Option<Box<str>>,
}

/// The challenge of a denial.
pub(super) fn challenge(decision: &Decision, denial: &Denial) -> Challenge {
    let proofs = decision.dpop.as_ref();
    let wanted =
        matches!(&denial.remedy, Some(Remedy::Proof(kinds)) if kinds.contains(&Proof::Dpop));
    let dpop = proofs.filter(|proofs| proofs.presented || wanted);
    let mut text = String::from(if dpop.is_some() { "DPoP" } else { "Bearer" });
    text.push_str(" realm=\"countersign\"");
    if let Some(error) = error(denial, dpop.is_some()) {
        push(&mut text, "error", error);
    }
    match &denial.remedy {
        Some(Remedy::Scope { needed, missing: _ }) => push_list(&mut text, "scope", needed),
        Some(Remedy::StepUp(step_up)) => {
            push_list(&mut text, "acr_values", &step_up.acr);
            if let Some(seconds) = step_up.max_age {
                push(&mut text, "max_age", &seconds.to_string());
            }
        }
        Some(Remedy::Authenticate | Remedy::Proof(_)) | None => {}
    }
    if let Some(proofs) = dpop {
        push(&mut text, "algs", &proofs.algorithms);
    }
    let nonce = proofs.and_then(|proofs| proofs.nonce.clone());
    Challenge { text, nonce }
}

fn error(denial: &Denial, dpop: bool) -> Option<&'static str> {
    match &denial.remedy {
        Some(Remedy::Authenticate) => None,
        Some(Remedy::Scope { .. }) => Some("insufficient_scope"),
        Some(Remedy::StepUp(_)) => Some("insufficient_user_authentication"),
        Some(Remedy::Proof(_)) | None => Some(match denial.reason {
            Reason::DpopNonce => "use_dpop_nonce",
            reason if dpop && reason.as_str().starts_with("dpop_") => "invalid_dpop_proof",
            _ => "invalid_token",
        }),
    }
}

fn push(text: &mut String, name: &str, value: &str) {
    text.push_str(", ");
    text.push_str(name);
    text.push_str("=\"");
    // A quoted string (RFC 9110, section 5.6.4) of visible ASCII and spaces.
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            ' '..='~' => text.push(c),
            _ => text.push('?'),
        }
    }
    text.push('"');
}

fn push_list(text: &mut String, name: &str, items: &[std::sync::Arc<str>]) {
    let list = items.join(" ");
    if (1..=MAX_LIST).contains(&list.len()) {
        push(text, name, &list);
    }
}

impl Challenge {
    pub(super) fn attach(self, mut response: Response) -> Response {
        let Self { text, nonce } = self;
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        };
        set(header::WWW_AUTHENTICATE, &text);
        if let Some(nonce) = nonce {
            set(HeaderName::from_static("dpop-nonce"), &nonce);
        }
        response
    }
}
