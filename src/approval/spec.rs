//! The `approvals` section of the configuration.

use std::path::Path;

use serde::Deserialize;

use super::token::ApprovalTokenSpec;
use super::{NotifySpec, SignInSpec};
use crate::keys::secret::SecretSpec;
use crate::model::duration::HumanDuration;
use crate::model::list::OneOrMany;

/// How approvals are asked for and kept, as the user wrote it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalsSpec {
    /// Where people reach the admin listener to look at approvals and decide, as they write it in a browser.
    pub url: Option<String>,
    /// Providers whose credentials approvers present; those of `admin.access` unless said.
    pub providers: OneOrMany<String>,
    /// How many approvals one requester may wait for at once.
    pub pending_per_requester: u32,
    /// How long nothing is opened for the same call after a no.
    pub cooldown: HumanDuration,
    /// How approvals are signed, and whose signed ones are taken; none are unless this is there.
    pub token: Option<ApprovalTokenSpec>,
    /// How people sign in there; without it they show an access token that they have.
    pub sign_in: Option<SignInSpec>,
    /// Who is told what becomes of approvals.
    pub notify: Vec<NotifySpec>,
}

impl Default for ApprovalsSpec {
    fn default() -> Self {
        Self {
            url: None,
            providers: OneOrMany::default(),
            pending_per_requester: 20,
            cooldown: HumanDuration::from_secs(5 * 60),
            token: None,
            sign_in: None,
            notify: Vec::new(),
        }
    }
}

impl ApprovalsSpec {
    /// Reads relative files as seen from the configuration `file`.
    pub fn relative_to(&mut self, file: &Path) {
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        if let Some(sign_in) = &mut self.sign_in {
            sign_in.relative_to(file);
        }
        for target in &mut self.notify {
            if let SecretSpec::File(path) = &mut target.secret {
                *path = folder.join(&*path);
            }
        }
    }
}
