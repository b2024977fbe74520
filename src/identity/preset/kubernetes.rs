//! Kubernetes: bound tokens of service accounts; `issuer` is the cluster's `--service-account-issuer`.
//!
//! Source: the Kubernetes documentation of service accounts and of bound tokens (KEP-1205). They have an audience, an
//! end, and `kubernetes.io` with the namespace, the account and the pod; the header has no `typ`. The old tokens that
//! stand in secrets have neither audience nor end and are refused. The API server signs with the key it was given, RSA
//! or P-256.

use super::{LEGACY_TYPES, Preset, PresetClaim};
use crate::keys::Algorithm;

pub(super) const PRESET: Preset = Preset {
    algorithms: &[Algorithm::Rs256, Algorithm::Es256],
    types: LEGACY_TYPES,
    client: &[],
    accepts: Some(
        r#""kubernetes.io" in claims && claims.sub.startsWith("system:serviceaccount:")"#,
    ),
    id: "claims.sub",
    kind: Some(r#""service""#),
    groups: "[]",
    scope: r#""""#,
    claims: &[
        PresetClaim::required("namespace", "string", &["kubernetes.io", "namespace"]),
        PresetClaim::required(
            "service_account",
            "string",
            &["kubernetes.io", "serviceaccount", "name"],
        ),
        PresetClaim::required(
            "service_account_uid",
            "string",
            &["kubernetes.io", "serviceaccount", "uid"],
        ),
        PresetClaim::optional("pod", "string", &["kubernetes.io", "pod", "name"]),
        PresetClaim::optional("pod_uid", "string", &["kubernetes.io", "pod", "uid"]),
        PresetClaim::optional("node", "string", &["kubernetes.io", "node", "name"]),
    ],
};

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::identity::spec::PresetName::Kubernetes;
    use crate::identity::testing::{changed, preset_facts, preset_refusal};
    use crate::model::reason::Reason;

    fn pod() -> Value {
        json!({
            "aud": ["https://api.example.com"], "exp": 1_795_298_701, "iat": 1_795_298_401, "nbf": 1_795_298_401,
            "iss": "https://issuer.example", "jti": "aed34954-b33a-4142-b1ec-389d6bbb4936",
            "kubernetes.io": {
                "namespace": "ci", "node": { "name": "node-1", "uid": "646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1" },
                "pod": { "name": "deployer-7d9c", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3" },
                "serviceaccount": { "name": "deployer", "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798" },
                "warnafter": 1_795_298_600
            },
            "sub": "system:serviceaccount:ci:deployer"
        })
    }

    #[test]
    fn a_pod_is_its_service_account() {
        let facts = preset_facts(Kubernetes, &pod()).unwrap();
        assert_eq!(
            facts.who(),
            "service corp/system:serviceaccount:ci:deployer"
        );
        for (name, value) in [
            ("namespace", "ci"),
            ("service_account", "deployer"),
            ("pod", "deployer-7d9c"),
            ("node", "node-1"),
        ] {
            assert_eq!(facts.claim(name), format!("{value:?}"));
        }
    }

    #[test]
    fn a_token_that_is_not_a_service_accounts_is_refused() {
        for change in [
            json!({ "sub": "system:node:node-1" }),
            json!({ "kubernetes.io": null }),
        ] {
            assert_eq!(
                preset_refusal(Kubernetes, &changed(&pod(), change)),
                Reason::TokenType
            );
        }
        let nameless = json!({ "kubernetes.io": { "namespace": "ci" } });
        assert_eq!(
            preset_refusal(Kubernetes, &changed(&pod(), nameless)),
            Reason::TokenClaims
        );
    }

    #[test]
    fn an_old_token_from_a_secret_is_refused() {
        let old = json!({ "exp": null, "aud": null, "kubernetes.io": null, "kubernetes.io/serviceaccount/namespace": "ci" });
        assert_eq!(
            preset_refusal(Kubernetes, &changed(&pod(), old)),
            Reason::TokenClaims
        );
    }
}
