//! Okta: access tokens of a custom authorization server; `issuer` is `https://org.okta.com/oauth2/id`. Tokens of the org
//! authorization server are for Okta's own APIs and cannot be verified by others.
//!
//! Source: Okta's reference of token payloads. Access tokens have `cid` (the client), `scp` (a list of scopes), an id that
//! starts with `AT.`, and `uid` only where a person stands behind them; `sub` is a login name, which can change hands, so
//! that `uid` is the id. Groups are there where the authorization server has a claim for them.

use super::{LEGACY_TYPES, Preset, PresetClaim};
use crate::keys::Algorithm;

pub(super) const PRESET: Preset = Preset {
    algorithms: &[Algorithm::Rs256],
    types: LEGACY_TYPES,
    client: &["cid"],
    accepts: Some(r#"has(claims.cid) && has(claims.jti) && claims.jti.startsWith("AT.")"#),
    id: "has(claims.uid) ? claims.uid : claims.sub",
    kind: Some(
        r#"has(claims.uid) ? "human" : has(claims.cid) && claims.cid == claims.sub ? "service" : "unclear""#,
    ),
    groups: "has(claims.groups) ? claims.groups : []",
    scope: "has(claims.scp) ? claims.scp : []",
    claims: &[PresetClaim::required("login", "string", &["sub"])],
};

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::identity::spec::PresetName::Okta;
    use crate::identity::testing::{changed, preset_facts, preset_refusal};
    use crate::model::reason::Reason;

    fn person() -> Value {
        json!({
            "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "iss": "https://issuer.example",
            "aud": "https://api.example.com", "sub": "alice@example.com", "iat": 1_795_298_401, "exp": 1_795_298_701,
            "cid": "0oabskvc6442nkvQO0h7", "uid": "00u5t60iloOHN9pBi0h7", "scp": ["openid", "crm:read"],
            "auth_time": 1_795_298_300, "groups": ["crm"]
        })
    }

    #[test]
    fn a_person_is_the_user_id_and_not_the_login() {
        let facts = preset_facts(Okta, &person()).unwrap();
        assert_eq!(
            facts.who(),
            "human corp/00u5t60iloOHN9pBi0h7 by 0oabskvc6442nkvQO0h7"
        );
        assert_eq!(
            (facts.groups(), facts.scope()),
            ("crm".into(), "openid crm:read".into())
        );
        assert_eq!(facts.claim("login"), "\"alice@example.com\"");
    }

    #[test]
    fn a_client_is_a_service() {
        let client =
            json!({ "sub": "0oab", "cid": "0oab", "uid": null, "auth_time": null, "groups": null });
        let facts = preset_facts(Okta, &changed(&person(), client)).unwrap();
        assert_eq!(facts.who(), "service corp/0oab by 0oab");
    }

    #[test]
    fn a_token_without_user_whose_subject_is_not_the_client_is_refused() {
        let payload = changed(&person(), json!({ "uid": null }));
        assert_eq!(preset_refusal(Okta, &payload), Reason::TokenClaims);
    }

    #[test]
    fn an_id_token_is_refused() {
        let id = json!({ "jti": "ID.x", "cid": null, "uid": null, "scp": null, "idp": "00o1", "amr": ["pwd"] });
        assert_eq!(
            preset_refusal(Okta, &changed(&person(), id)),
            Reason::TokenType
        );
    }
}
