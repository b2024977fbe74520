//! How people sign in at the page where they approve, as the user wrote it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::keys::secret::SecretSpec;

/// The client that the page is at an authorization server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInSpec {
    /// The provider that knows the people who sign in here.
    pub provider: String,
    /// Where a person is sent; `https`, or a loopback host.
    pub authorization_endpoint: String,
    /// Where codes are exchanged; `https`, or a loopback host.
    pub token_endpoint: String,
    /// The client's id.
    pub client_id: String,
    /// Its secret, read when it is used; without it, the client is a public one.
    #[serde(default)]
    pub client_secret: Option<SecretSpec>,
    /// The scopes that are asked for.
    #[serde(default = "openid")]
    pub scope: String,
    /// What else the person is sent with; without it `resource` (RFC 8707), the audience that tokens must have.
    #[serde(default)]
    pub parameters: Option<BTreeMap<String, String>>,
}

impl SignInSpec {
    /// Reads relative files as seen from the configuration `file`.
    pub fn relative_to(&mut self, file: &Path) {
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        if let Some(SecretSpec::File(path)) = &mut self.client_secret {
            *path = folder.join(&*path);
        }
    }
}

fn openid() -> String {
    "openid".to_owned()
}
