//! The `token` section below `approvals`.

use serde::Deserialize;

use crate::keys::{Algorithm, KeySourceSpec};
use crate::model::list::OneOrMany;

/// How approvals are signed, and whose are taken, as the user wrote it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalTokenSpec {
    /// The `iss` of this server's tokens.
    pub issuer: String,
    /// Whom tokens are for; the issuer unless said.
    pub audience: Option<String>,
    /// PEM files with one private key each, seen from this file: the first signs, all verify.
    pub keys: OneOrMany<String>,
    /// Others whose tokens are taken.
    #[serde(default)]
    pub accept: Vec<AcceptedSpec>,
}

/// Another issuer whose approvals are taken, as the user wrote it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedSpec {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// Whom its tokens are for; that of this server's own unless said.
    pub audience: Option<String>,
    /// Where its keys come from.
    pub keys: KeySourceSpec,
    /// What it may sign with; ES256 and `EdDSA` unless said.
    pub algorithms: Option<OneOrMany<Algorithm>>,
}
