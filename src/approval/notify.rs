//! Who is told when something becomes of an approval, without asking.

use std::path::Path;

use serde::Deserialize;

use crate::keys::secret::{Secret, SecretSpec};
use crate::keys::{WebhookKey, sha256};
use crate::model::approval::{Approval, Status};
use crate::model::finding::{Finding, Step};
use crate::model::time::Timestamp;
use crate::outbound::HttpUrl;

/// Most who are told: each costs a request for every event.
const MAX_TARGETS: usize = 16;

/// Somebody who is told, as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifySpec {
    /// Where messages are posted; `https`, or a loopback host.
    pub url: String,
    /// What they are signed with: `whsec_` and 24 to 64 bytes in base64. It is read for every message.
    pub secret: SecretSpec,
    /// What they are about; all of it unless said.
    #[serde(default)]
    pub events: Option<Vec<Event>>,
}

/// Something that became of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// Somebody waits for it.
    Opened,
    /// It can be used.
    Approved,
    /// An approver said no.
    Denied,
    /// It was taken back before it was decided.
    Cancelled,
    /// It was approved, and is no good any more.
    Revoked,
    /// It was used as often as it can be.
    Consumed,
}

impl Event {
    /// What became of an approval last.
    pub const fn of(approval: &Approval) -> Self {
        match approval.status {
            Status::Pending => Self::Opened,
            Status::Approved => Self::Approved,
            Status::Denied => Self::Denied,
            Status::Cancelled => Self::Cancelled,
            Status::Revoked => Self::Revoked,
            Status::Consumed => Self::Consumed,
        }
    }

    /// The word that messages use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::Revoked => "revoked",
            Self::Consumed => "consumed",
        }
    }
}

/// Somebody who is told, checked.
#[derive(Clone, Debug)]
pub struct Notify {
    /// Where messages are posted.
    pub url: HttpUrl,
    /// What they are signed with, read for every message.
    pub secret: SecretSpec,
    events: Option<Vec<Event>>,
}

impl Notify {
    /// Checks a list, whose files are no longer relative; `files` looks at the secrets too.
    pub(super) fn compile(specs: Vec<NotifySpec>, files: bool) -> Result<Vec<Self>, Vec<Finding>> {
        let mut findings = Vec::new();
        if specs.len() > MAX_TARGETS {
            let message = format!(
                "there are {} to tell; {MAX_TARGETS} are the most",
                specs.len()
            );
            findings.push(Finding::error("too-many", message).under("notify"));
        }
        let mut checked = Vec::new();
        for (index, spec) in specs.into_iter().enumerate() {
            let NotifySpec {
                url,
                secret,
                events,
            } = spec;
            let under = |finding: Finding, member: &'static str| {
                finding
                    .under(member)
                    .under(Step::Index(index))
                    .under("notify")
            };
            if files && let Err(message) = usable(&secret) {
                findings.push(under(Finding::error("invalid-secret", message), "secret"));
            }
            match HttpUrl::parse(&url, false) {
                Ok(url) => checked.push(Self {
                    url,
                    secret,
                    events,
                }),
                Err(error) => {
                    let message = format!("nobody can be told there: {error}");
                    findings.push(under(Finding::error("invalid-url", message), "url"));
                }
            }
        }
        if findings.is_empty() {
            Ok(checked)
        } else {
            Err(findings)
        }
    }

    /// Whether this one wants to be told.
    pub fn wants(&self, event: Event) -> bool {
        self.events
            .as_ref()
            .is_none_or(|events| events.contains(&event))
    }

    /// What names the message about this event to this one: the same on every replica, and at every attempt.
    pub fn claim(&self, approval: &Approval, event: Event) -> [u8; 32] {
        let text = format!(
            "approval-notice/v1\0{}\0{}\0{}",
            approval.id,
            event.as_str(),
            self.url.as_str()
        );
        sha256(text.as_bytes())
    }
}

/// When an approval became what it is, where that is written down.
pub fn since(approval: &Approval) -> Option<Timestamp> {
    match approval.status {
        Status::Pending => Some(approval.created),
        Status::Approved | Status::Denied => approval.decided,
        Status::Consumed => approval.spent.last().map(|spent| spent.at),
        Status::Cancelled | Status::Revoked => None,
    }
}

fn usable(secret: &SecretSpec) -> Result<(), String> {
    let secret = Secret::load(secret, Path::new("")).map_err(|error| error.to_string())?;
    let key = WebhookKey::read(&secret);
    key.map(|_key| ()).map_err(|error| error.to_string())
}
