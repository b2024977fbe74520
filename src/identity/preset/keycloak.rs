//! Keycloak: access tokens of one realm; `issuer` is `https://host/realms/name`.
//!
//! Source: the server administration guide (service accounts, protocol mappers) and `ServiceAccountConstants` of the
//! server. All tokens of a realm are signed by one key and typed `JWT`; the *claim* `typ` tells them apart: `Bearer`,
//! `ID`, `Refresh`, `Logout`. A service account is a user whose name is `service-account-` and the client's id; because
//! people can be allowed to choose their own name, the claim `client_id`, which only the client credentials grant adds,
//! is asked for too. Groups are the claim `groups` where a mapper adds it, else the realm's roles.

use super::{LEGACY_TYPES, Preset, PresetClaim};
use crate::keys::Algorithm;

pub(super) const PRESET: Preset = Preset {
    algorithms: &[Algorithm::Rs256],
    types: LEGACY_TYPES,
    client: &["azp"],
    accepts: Some(r#"has(claims.typ) && claims.typ == "Bearer""#),
    id: r#"has(claims.client_id) && has(claims.preferred_username)
        && claims.preferred_username.startsWith("service-account-") ? claims.client_id : claims.sub"#,
    kind: Some(
        r#"has(claims.preferred_username) && claims.preferred_username.startsWith("service-account-")
        ? (has(claims.client_id) ? "service" : "unclear") : "human""#,
    ),
    groups: "has(claims.groups) ? claims.groups
        : has(claims.realm_access) && has(claims.realm_access.roles) ? claims.realm_access.roles : []",
    scope: r#"has(claims.scope) ? claims.scope : """#,
    claims: &[
        PresetClaim::optional("preferred_username", "string", &[]),
        PresetClaim::optional("email", "string", &[]),
        PresetClaim::optional("realm_roles", "list<string>", &["realm_access", "roles"]),
    ],
};

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::identity::spec::PresetName::Keycloak;
    use crate::identity::testing::{changed, preset_facts, preset_refusal};
    use crate::model::reason::Reason;

    fn person() -> Value {
        json!({
            "exp": 1_795_298_701, "iat": 1_795_298_401, "auth_time": 1_795_298_300,
            "jti": "onrtac:7f1b2c1e-8f0a-4b1e-9a55-0f6f3f2f8a10",
            "iss": "https://issuer.example", "aud": ["https://api.example.com", "account"],
            "sub": "f:1a2b3c4d-5e6f:alice", "typ": "Bearer", "azp": "web", "sid": "0d5f7d1e", "acr": "1",
            "allowed-origins": ["https://web.example.com"],
            "realm_access": { "roles": ["crm", "offline_access"] },
            "resource_access": { "account": { "roles": ["view-profile"] } },
            "scope": "openid email crm:read", "email_verified": true, "preferred_username": "alice",
            "email": "alice@example.com"
        })
    }

    fn service() -> Value {
        changed(
            &person(),
            json!({
                "sub": "8b1c0a57-2f1d-4f9e-9f57-0a3a4c2d1e0f", "azp": "CI-Bot", "client_id": "CI-Bot",
                "preferred_username": "service-account-ci-bot", "clientHost": "10.0.0.7", "clientAddress": "10.0.0.7",
                "sid": null, "auth_time": null, "email": null
            }),
        )
    }

    #[test]
    fn a_person_has_the_realms_roles_as_groups() {
        let facts = preset_facts(Keycloak, &person()).unwrap();
        assert_eq!(facts.who(), "human corp/f:1a2b3c4d-5e6f:alice by web");
        assert_eq!(facts.groups(), "crm offline_access");
        assert_eq!(facts.scope(), "openid email crm:read");
        assert_eq!(facts.claim("preferred_username"), "\"alice\"");
    }

    #[test]
    fn the_claim_groups_goes_before_roles() {
        let facts = preset_facts(
            Keycloak,
            &changed(&person(), json!({ "groups": ["/sales"] })),
        )
        .unwrap();
        assert_eq!(facts.groups(), "/sales");
    }

    #[test]
    fn a_service_account_is_its_client() {
        let facts = preset_facts(Keycloak, &service()).unwrap();
        assert_eq!(facts.who(), "service corp/CI-Bot by CI-Bot");
    }

    #[test]
    fn a_person_who_is_named_like_a_service_account_is_refused() {
        let payload = changed(
            &person(),
            json!({ "preferred_username": "service-account-ci-bot" }),
        );
        assert_eq!(preset_refusal(Keycloak, &payload), Reason::TokenClaims);
    }

    #[test]
    fn other_tokens_of_the_realm_are_refused() {
        for typ in ["ID", "Refresh", "Offline", "Logout", "bearer"] {
            let payload = changed(&person(), json!({ "typ": typ }));
            assert_eq!(
                preset_refusal(Keycloak, &payload),
                Reason::TokenType,
                "{typ}"
            );
        }
        let untyped = changed(&person(), json!({ "typ": null }));
        assert_eq!(preset_refusal(Keycloak, &untyped), Reason::TokenType);
    }
}
