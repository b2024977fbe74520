//! Google Cloud: identity tokens that service accounts get for themselves; `issuer` is `https://accounts.google.com`.
//!
//! Source: Google Cloud's documentation of the types of tokens and of verifying identity tokens. Google's access tokens are
//! opaque; the tokens that can be verified are identity tokens, which a workload asks for with the audience of the service
//! that it calls. Those of people are for the application that signed them in, never for an API, so that only those of
//! service accounts are accepted. Ask for the `full` format: without `email` nothing tells them apart.

use super::{LEGACY_TYPES, Preset, PresetClaim};
use crate::keys::Algorithm;

pub(super) const PRESET: Preset = Preset {
    algorithms: &[Algorithm::Rs256],
    types: LEGACY_TYPES,
    client: &["azp"],
    accepts: Some(
        r#"has(claims.email) && has(claims.email_verified) && claims.email_verified == true
        && claims.email.endsWith(".gserviceaccount.com")"#,
    ),
    id: "claims.sub",
    kind: Some(r#""service""#),
    groups: "[]",
    scope: r#""""#,
    claims: &[PresetClaim::required("email", "string", &[])],
};

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::identity::spec::PresetName::Google;
    use crate::identity::testing::{changed, preset_facts, preset_refusal};
    use crate::model::reason::Reason;

    fn account() -> Value {
        json!({
            "aud": "https://api.example.com", "azp": "112010400000000710080", "email": "ci@project.iam.gserviceaccount.com",
            "email_verified": true, "exp": 1_795_298_701, "iat": 1_795_298_401, "iss": "https://issuer.example",
            "sub": "112010400000000710080"
        })
    }

    #[test]
    fn a_service_account_is_its_number() {
        let facts = preset_facts(Google, &account()).unwrap();
        assert_eq!(
            facts.who(),
            "service corp/112010400000000710080 by 112010400000000710080"
        );
        assert_eq!(
            facts.claim("email"),
            "\"ci@project.iam.gserviceaccount.com\""
        );
    }

    #[test]
    fn a_person_is_refused() {
        for change in [
            json!({ "email": "alice@example.com", "hd": "example.com" }),
            json!({ "email": "ci@project.iam.gserviceaccount.com.example.com" }),
            json!({ "email": null }),
            json!({ "email_verified": false }),
            json!({ "email_verified": null }),
        ] {
            assert_eq!(
                preset_refusal(Google, &changed(&account(), change)),
                Reason::TokenType
            );
        }
        let hashed = changed(&account(), json!({ "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q" }));
        assert_eq!(preset_refusal(Google, &hashed), Reason::TokenType);
    }
}
