//! Microsoft Entra: access tokens of one tenant for an API of yours; `issuer` is
//! `https://login.microsoftonline.com/{tenant}/v2.0` (version 2.0, which the API's registration asks for with
//! `accessTokenAcceptedVersion: 2`) or `https://sts.windows.net/{tenant}/` (version 1.0).
//!
//! Source: Microsoft's access token claims reference. Only access tokens have `azpacr` (`appidacr` in version 1.0), how
//! the client authenticated. Only tokens with a user have `scp`; the optional claim `idtyp`, where it is there, has to
//! agree. A person is `oid`, which stays the same for all applications; an application is its client id. Groups are
//! the `roles` of the application, which have names and are never too many; `groups` has ids, and is left out when
//! there are too many of them, so that a rule that forbids a group would not see it.

use super::{LEGACY_TYPES, Preset, PresetClaim};
use crate::keys::Algorithm;

pub(super) const PRESET: Preset = Preset {
    algorithms: &[Algorithm::Rs256],
    types: LEGACY_TYPES,
    client: &["azp", "appid"],
    accepts: Some("has(claims.azpacr) || has(claims.appidacr)"),
    id: r#"has(claims.scp) ? (has(claims.oid) ? claims.oid : "")
        : has(claims.azp) ? claims.azp : has(claims.appid) ? claims.appid : """#,
    kind: Some(
        r#"has(claims.scp) ? (has(claims.idtyp) && claims.idtyp != "user" ? "unclear" : "human")
        : has(claims.idtyp) && claims.idtyp != "app" ? "unclear" : "service""#,
    ),
    groups: "has(claims.roles) ? claims.roles : []",
    scope: r#"has(claims.scp) ? claims.scp : """#,
    claims: &[
        PresetClaim::required("tid", "string", &[]),
        PresetClaim::optional("preferred_username", "string", &[]),
        PresetClaim::optional("roles", "list<string>", &[]),
    ],
};

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::identity::spec::PresetName::Entra;
    use crate::identity::testing::{changed, preset_facts, preset_refusal};
    use crate::model::reason::Reason;

    fn person() -> Value {
        json!({
            "aud": "https://api.example.com", "iss": "https://issuer.example", "iat": 1_795_298_401,
            "nbf": 1_795_298_401, "exp": 1_795_298_701, "aio": "AXQAi/8IAAAA", "azp": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
            "azpacr": "0", "name": "Alice Example", "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
            "preferred_username": "alice@example.com", "rh": "I", "scp": "crm.read crm.write", "roles": ["crm"],
            "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ", "tid": "72f988bf-86f1-41af-91ab-2d7cd011db47",
            "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0"
        })
    }

    fn application() -> Value {
        changed(
            &person(),
            json!({
                "scp": null, "name": null, "preferred_username": null, "azpacr": "2", "roles": ["Crm.Read.All"],
                "sub": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "idtyp": "app"
            }),
        )
    }

    #[test]
    fn a_person_is_the_object_id() {
        let facts = preset_facts(Entra, &person()).unwrap();
        assert_eq!(
            facts.who(),
            "human corp/690222be-ff1a-4d56-abd1-7e4f7d38e474 by 6e74172b-be56-4843-9ff4-e66a39bb12e3"
        );
        assert_eq!(
            (facts.groups(), facts.scope()),
            ("crm".into(), "crm.read crm.write".into())
        );
        assert_eq!(
            facts.claim("tid"),
            "\"72f988bf-86f1-41af-91ab-2d7cd011db47\""
        );
    }

    #[test]
    fn an_application_is_its_client_id_in_both_versions() {
        for idtyp in [json!("app"), json!(null)] {
            let facts =
                preset_facts(Entra, &changed(&application(), json!({ "idtyp": idtyp }))).unwrap();
            assert_eq!(
                facts.who(),
                "service corp/6e74172b-be56-4843-9ff4-e66a39bb12e3 by 6e74172b-be56-4843-9ff4-e66a39bb12e3"
            );
        }
        let version_1 = json!({ "azp": null, "azpacr": null, "appid": "6e74172b", "appidacr": "1", "ver": "1.0" });
        let facts = preset_facts(Entra, &changed(&application(), version_1)).unwrap();
        assert_eq!(facts.who(), "service corp/6e74172b by 6e74172b");
    }

    #[test]
    fn a_token_that_contradicts_itself_is_refused() {
        for (payload, idtyp) in [
            (person(), "app"),
            (person(), "device"),
            (application(), "user"),
            (application(), "device"),
        ] {
            let payload = changed(&payload, json!({ "idtyp": idtyp }));
            assert_eq!(
                preset_refusal(Entra, &payload),
                Reason::TokenClaims,
                "{idtyp}"
            );
        }
    }

    #[test]
    fn an_id_token_is_refused() {
        let payload = changed(
            &person(),
            json!({ "azp": null, "azpacr": null, "scp": null }),
        );
        assert_eq!(preset_refusal(Entra, &payload), Reason::TokenType);
    }
}
