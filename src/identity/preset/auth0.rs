//! Auth0: access tokens of one tenant for an API; `issuer` is `https://tenant.region.auth0.com/`, with the slash.
//!
//! Source: Auth0's documentation of access token profiles. The tenant's own profile is typed `JWT` and names the client
//! in `azp`; the RFC 9068 profile is typed `at+jwt` and names it in `client_id`. The subject of a person is
//! `connection|id`, that of a client is its id and `@clients`. `permissions` are what the API's access control gives the
//! subject, whatever the token's scope: write `map: { scope: claims.permissions }` to decide by them instead.

use super::{LEGACY_TYPES, Preset, PresetClaim};
use crate::keys::Algorithm;

pub(super) const PRESET: Preset = Preset {
    algorithms: &[Algorithm::Rs256],
    types: LEGACY_TYPES,
    client: &["azp", "client_id"],
    accepts: None,
    id: r#"claims.sub.contains("|") ? claims.sub
        : has(claims.azp) ? claims.azp : has(claims.client_id) ? claims.client_id : """#,
    kind: Some(
        r#"claims.sub.contains("|") ? "human" : claims.sub.endsWith("@clients") ? "service" : "unclear""#,
    ),
    groups: "[]",
    scope: r#"has(claims.scope) ? claims.scope : """#,
    claims: &[
        PresetClaim::optional("permissions", "list<string>", &[]),
        PresetClaim::optional("org_id", "string", &[]),
    ],
};

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::identity::spec::PresetName::Auth0;
    use crate::identity::testing::{changed, preset_facts, preset_refusal};
    use crate::model::reason::Reason;

    fn person() -> Value {
        json!({
            "iss": "https://issuer.example", "sub": "auth0|64f1c0ffee1234567890abcd",
            "aud": ["https://api.example.com", "https://tenant.eu.auth0.com/userinfo"],
            "iat": 1_795_298_401, "exp": 1_795_298_701, "azp": "my-spa-id", "scope": "openid profile crm:read",
            "permissions": ["crm:read", "crm:write"]
        })
    }

    #[test]
    fn a_person_has_scopes_and_no_groups() {
        let facts = preset_facts(Auth0, &person()).unwrap();
        assert_eq!(
            facts.who(),
            "human corp/auth0|64f1c0ffee1234567890abcd by my-spa-id"
        );
        assert_eq!(
            (facts.groups(), facts.scope()),
            (String::new(), "openid profile crm:read".into())
        );
        assert_eq!(facts.claim("permissions"), r#"["crm:read", "crm:write"]"#);
    }

    #[test]
    fn a_machine_is_its_client_in_both_profiles() {
        let machine =
            json!({ "sub": "m2m-id@clients", "azp": "m2m-id", "gty": "client-credentials" });
        let facts = preset_facts(Auth0, &changed(&person(), machine)).unwrap();
        assert_eq!(facts.who(), "service corp/m2m-id by m2m-id");
        let machine =
            json!({ "sub": "m2m-id@clients", "azp": null, "client_id": "m2m-id", "jti": "x" });
        let facts = preset_facts(Auth0, &changed(&person(), machine)).unwrap();
        assert_eq!(facts.who(), "service corp/m2m-id by m2m-id");
    }

    #[test]
    fn a_person_of_a_database_of_ones_own_cannot_pose_as_a_client() {
        let payload = changed(
            &person(),
            json!({ "sub": "auth0|m2m-id@clients", "azp": "m2m-id" }),
        );
        let facts = preset_facts(Auth0, &payload).unwrap();
        assert_eq!(facts.who(), "human corp/auth0|m2m-id@clients by m2m-id");
    }

    #[test]
    fn a_subject_of_no_known_shape_is_refused() {
        let payload = changed(&person(), json!({ "sub": "alice" }));
        assert_eq!(preset_refusal(Auth0, &payload), Reason::TokenClaims);
    }
}
