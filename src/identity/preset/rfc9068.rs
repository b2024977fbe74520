//! The JWT profile for OAuth access tokens (RFC 9068). Every issuer must offer `RS256` (section 2.1);
//! `ES256` and `EdDSA` are what issuers offer beside it.

use super::Preset;
use crate::keys::Algorithm;

pub(super) const PRESET: Preset = Preset {
    algorithms: &[Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa],
    types: &["at+jwt"],
    client: &["client_id", "azp"],
    accepts: None,
    id: "claims.sub",
    kind: None,
    groups: "has(claims.groups) ? claims.groups : []",
    scope: r#"has(claims.scope) ? claims.scope : """#,
    claims: &[],
};
