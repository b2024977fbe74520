//! What each kind of event does here. One that does nothing is accepted all the same (RFC 8935, section 2.2), and counted.

use serde_json::{Map, Value};

use super::refused::Refused;

const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";
const SSF: &str = "https://schemas.openid.net/secevent/ssf/event-type/";

/// What an event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// What was issued until then is not good any more.
    Cut(Scope),
    /// Somebody is out until they are let in again.
    Block,
    /// Somebody is let in again.
    Lift,
    /// It shows that the stream is alive.
    Verify,
    /// It means nothing here.
    Ignore,
}

/// Of what the credentials are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Of the smallest thing that is named: a token or a session, else everything of the user.
    Named,
    /// Everything of the user, where one is named.
    User,
}

impl Effect {
    /// Whether it depends on whom the event is about.
    pub(super) const fn is_about_somebody(self) -> bool {
        match self {
            Self::Cut(_) | Self::Block | Self::Lift => true,
            Self::Verify | Self::Ignore => false,
        }
    }
}

/// What the event of this type does, and what records call it.
pub(super) fn effect(
    name: &str,
    payload: &Map<String, Value>,
) -> Result<(&'static str, Effect), Refused> {
    if let Some(kind) = name.strip_prefix(CAEP) {
        return caep(kind, payload);
    }
    if let Some(kind) = name.strip_prefix(RISC) {
        return Ok(risc(kind));
    }
    Ok(match name.strip_prefix(SSF) {
        Some("verification") => ("ssf verification", Effect::Verify),
        Some("stream-updated") => ("ssf stream-updated", Effect::Ignore),
        Some(_) | None => ("an unknown event", Effect::Ignore),
    })
}

fn caep(kind: &str, payload: &Map<String, Value>) -> Result<(&'static str, Effect), Refused> {
    let cut_if = |is: bool, scope: Scope| {
        if is {
            Effect::Cut(scope)
        } else {
            Effect::Ignore
        }
    };
    Ok(match kind {
        "session-revoked" => ("caep session-revoked", Effect::Cut(Scope::Named)),
        "token-claims-change" => ("caep token-claims-change", Effect::Cut(Scope::Named)),
        "credential-change" => {
            let change = member(payload, "change_type")?;
            let is_over = matches!(change, "revoke" | "delete");
            ("caep credential-change", cut_if(is_over, Scope::User))
        }
        "assurance-level-change" => {
            // Without a direction it may have become less.
            let change = payload.get("change_direction").and_then(Value::as_str);
            let is_less = change != Some("increase");
            ("caep assurance-level-change", cut_if(is_less, Scope::Named))
        }
        "device-compliance-change" => {
            let is_out = member(payload, "current_status")? != "compliant";
            ("caep device-compliance-change", cut_if(is_out, Scope::User))
        }
        "risk-level-change" => {
            let (level, of) = (
                member(payload, "current_level")?,
                member(payload, "principal")?,
            );
            let scope = match of {
                "USER" | "DEVICE" => Some(Scope::User),
                "SESSION" => Some(Scope::Named),
                // Whole groups are no business of a single event.
                _ => None,
            };
            let scope = scope.filter(|_| level == "HIGH");
            let effect = scope.map_or(Effect::Ignore, Effect::Cut);
            ("caep risk-level-change", effect)
        }
        "session-established" => ("caep session-established", Effect::Ignore),
        "session-presented" => ("caep session-presented", Effect::Ignore),
        _ => ("an unknown caep event", Effect::Ignore),
    })
}

fn risc(kind: &str) -> (&'static str, Effect) {
    match kind {
        "account-disabled" => ("risc account-disabled", Effect::Block),
        "account-purged" => ("risc account-purged", Effect::Block),
        "account-enabled" => ("risc account-enabled", Effect::Lift),
        "credential-compromise" => ("risc credential-compromise", Effect::Cut(Scope::User)),
        "account-credential-change-required" => (
            "risc account-credential-change-required",
            Effect::Cut(Scope::User),
        ),
        "sessions-revoked" => ("risc sessions-revoked", Effect::Cut(Scope::User)),
        // They name addresses and numbers, which are nobody's id here.
        "identifier-changed" => ("risc identifier-changed", Effect::Ignore),
        "identifier-recycled" => ("risc identifier-recycled", Effect::Ignore),
        _ => ("an unknown risc event", Effect::Ignore),
    }
}

/// A member that the event's specification requires.
fn member<'a>(payload: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refused> {
    let value = payload.get(name).and_then(Value::as_str);
    value.ok_or(Refused::Request(
        "the event lacks a member that its specification requires",
    ))
}
