//! The `approvals` section, checked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::notify::Notify;
use super::spec::ApprovalsSpec;
use super::token::ApprovalTokens;
use crate::keys::KeySet;
use crate::model::approval::ApprovalId;
use crate::model::finding::{Finding, Severity};
use crate::model::name::ProviderName;
use crate::outbound::HttpUrl;
use crate::store::OpenLimits;

/// Longest time in which nothing is opened after a no.
const MAX_COOLDOWN: Duration = Duration::from_hours(24);
/// Most approvals that one requester may wait for.
const MAX_PENDING: u32 = 1_000;

/// How approvals are asked for.
#[derive(Debug)]
pub struct ApprovalSettings {
    /// Where people look at approvals, without a slash at the end; none where nobody said.
    url: Option<Arc<str>>,
    /// What holds for opening them.
    pub limits: OpenLimits,
    /// Signed approvals; none are made or taken without it.
    pub tokens: Option<ApprovalTokens>,
    notify: Vec<Notify>,
}

impl ApprovalSettings {
    /// Checks the section, and reports everything that is wrong with it, and what only looks wrong beside a sound one. Relative
    /// files of keys start at `base`; `files` looks at the secrets too.
    pub fn compile(spec: ApprovalsSpec, base: &Path, files: bool) -> (Option<Self>, Vec<Finding>) {
        let ApprovalsSpec {
            url,
            // They are those of the built-in route.
            providers: _,
            pending_per_requester,
            cooldown,
            token,
            // The page where people sign in checks it.
            sign_in: _,
            notify,
        } = spec;
        let mut findings = Vec::new();
        let url = url.map(|url| Arc::from(url.trim_end_matches('/')));
        findings.extend(url.as_deref().and_then(bad_url));
        if !(1..=MAX_PENDING).contains(&pending_per_requester) {
            let message = format!("`{pending_per_requester}` is not from 1 to {MAX_PENDING}");
            let finding = Finding::error("out-of-range", message);
            findings.push(finding.under("pending_per_requester"));
        }
        let cooldown = Duration::from(cooldown);
        if cooldown > MAX_COOLDOWN {
            let message = "the time after a no is `24h` at most";
            findings.push(Finding::error("out-of-range", message).under("cooldown"));
        }
        let tokens = token.and_then(|spec| {
            let (tokens, found) = ApprovalTokens::compile(spec, base);
            findings.extend(found.into_iter().map(|it| it.under("token")));
            tokens
        });
        let notify = Notify::compile(notify, files).unwrap_or_else(|found| {
            findings.extend(found);
            Vec::new()
        });
        let sound = !findings.iter().any(|it| it.severity == Severity::Error);
        let limits = OpenLimits {
            per_requester: pending_per_requester,
            cooldown,
        };
        let settings = sound.then_some(Self {
            url,
            limits,
            tokens,
            notify,
        });
        (settings, findings)
    }

    /// Gives other issuers of signed approvals their keys.
    #[must_use]
    pub fn with(self, sets: &BTreeMap<ProviderName, KeySet>) -> Self {
        let tokens = self.tokens.map(|tokens| tokens.with(sets));
        Self { tokens, ..self }
    }

    /// Who is told what becomes of approvals.
    pub fn notify(&self) -> &[Notify] {
        &self.notify
    }

    /// Where people look at an approval and decide. It holds nothing but the id, and opens nothing by itself.
    pub fn page(&self, id: &ApprovalId) -> Option<Arc<str>> {
        let url = self.url.as_deref()?;
        Some(Arc::from(format!("{url}/approvals/{id}")))
    }

    /// Where the caller may ask how it stands.
    pub fn status_page(&self, id: &ApprovalId) -> Option<Arc<str>> {
        let url = self.url.as_deref()?;
        Some(Arc::from(format!("{url}/approvals/{id}/status")))
    }
}

impl Default for ApprovalSettings {
    fn default() -> Self {
        let ApprovalsSpec {
            url: _,
            providers: _,
            pending_per_requester,
            cooldown,
            token: _,
            sign_in: _,
            notify: _,
        } = ApprovalsSpec::default();
        Self {
            url: None,
            tokens: None,
            notify: Vec::new(),
            limits: OpenLimits {
                per_requester: pending_per_requester,
                cooldown: cooldown.into(),
            },
        }
    }
}

fn bad_url(url: &str) -> Option<Finding> {
    let wrong = match HttpUrl::parse(url, false) {
        Ok(parsed) if parsed.has_query() => "it has a query".to_owned(),
        Ok(_) => return None,
        Err(error) => error.to_string(),
    };
    let message = format!("`{url}` is no place for people to go to: {wrong}");
    let finding = Finding::error("approvals-url", message).under("url");
    Some(finding.help("write where people reach the admin listener: `https://approve.example.com`"))
}
