//! The `hooks` section of the configuration: as the user wrote it, and checked.

use std::path::Path;

use serde::Deserialize;

use crate::keys::WebhookKey;
use crate::keys::secret::{Secret, SecretSpec};
use crate::model::finding::Finding;

/// Messages that other systems may send to the admin listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HooksSpec {
    /// Messages that set conditions.
    pub conditions: Option<HookSpec>,
}

/// Messages of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookSpec {
    /// What they are signed with: `whsec_` and 24 to 64 bytes in base64.
    pub secret: SecretSpec,
}

/// Which messages are taken, checked.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    /// The secret of messages that set conditions; read for every one of them.
    pub(in crate::admin) conditions: Option<SecretSpec>,
}

impl HooksSpec {
    /// Reads relative files as seen from the configuration `file`.
    pub fn relative_to(&mut self, file: &Path) {
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        if let Some(HookSpec {
            secret: SecretSpec::File(path),
        }) = &mut self.conditions
        {
            *path = folder.join(&*path);
        }
    }
}

impl Hooks {
    /// Checks the section, whose files are no longer relative; `files` looks at the secrets too.
    pub fn compile(spec: HooksSpec, files: bool) -> Result<Self, Finding> {
        let HooksSpec { conditions } = spec;
        let conditions = conditions.map(|HookSpec { secret }| secret);
        if let Some(secret) = conditions.as_ref().filter(|_| files) {
            usable(secret).map_err(|message| {
                Finding::error("invalid-secret", message)
                    .help("make one with `echo \"whsec_$(openssl rand -base64 32)\"`")
                    .under("secret")
                    .under("conditions")
            })?;
        }
        Ok(Self { conditions })
    }
}

fn usable(secret: &SecretSpec) -> Result<(), String> {
    let secret = Secret::load(secret, Path::new("")).map_err(|error| error.to_string())?;
    let key = WebhookKey::read(&secret).map_err(|error| error.to_string());
    key.map(|_usable| ())
}
