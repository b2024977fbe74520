//! The `token` section of the configuration.

use serde::Deserialize;

use crate::model::list::OneOrMany;

/// The header of the draft (section 5).
pub(super) const HEADER: &str = "txn-token";

/// With what tokens are minted, as the user wrote it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// The `iss` of minted tokens.
    pub issuer: String,
    /// PEM files with one private key each, seen from this file: the first signs, all are published.
    pub keys: OneOrMany<String>,
    /// The request header that a token is put into.
    #[serde(default = "header")]
    pub header: String,
}

impl TokenSpec {
    /// The header where the section does not say another.
    pub const fn default_header() -> &'static str {
        HEADER
    }
}

fn header() -> String {
    HEADER.to_owned()
}
