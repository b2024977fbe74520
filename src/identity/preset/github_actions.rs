//! GitHub Actions: the token of one job; `issuer` is `https://token.actions.githubusercontent.com`.
//!
//! Source: GitHub's OpenID Connect reference. `sub` has the names of repository and ref, or environment; names can be
//! given up and taken by others, so that policies should compare `repository_id`, `job_workflow_ref` and `environment`.
//! The token says which job runs, not what it may do: it has no scopes. A job asks for its audience itself.

use super::{LEGACY_TYPES, Preset, PresetClaim};
use crate::keys::Algorithm;

pub(super) const PRESET: Preset = Preset {
    algorithms: &[Algorithm::Rs256],
    types: LEGACY_TYPES,
    client: &[],
    accepts: None,
    id: "claims.sub",
    kind: Some(r#""service""#),
    groups: "[]",
    scope: r#""""#,
    claims: &[
        PresetClaim::required("repository", "string", &[]),
        PresetClaim::required("repository_id", "string", &[]),
        PresetClaim::required("ref", "string", &[]),
        PresetClaim::required("sha", "string", &[]),
        PresetClaim::required("runner_environment", "string", &[]),
        PresetClaim::optional("environment", "string", &[]),
        PresetClaim::optional("job_workflow_ref", "string", &[]),
    ],
};

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::identity::spec::PresetName::GithubActions;
    use crate::identity::testing::{changed, preset_facts, preset_refusal};
    use crate::model::reason::Reason;

    fn job() -> Value {
        json!({
            "jti": "0f1c2d3e-4b5a-6978-8a9b-0c1d2e3f4a5b", "sub": "repo:octo-org/octo-repo:environment:prod",
            "aud": "https://api.example.com", "ref": "refs/heads/main", "sha": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
            "repository": "octo-org/octo-repo", "repository_owner": "octo-org", "actor_id": "12", "run_id": "17829001234",
            "repository_visibility": "private", "repository_id": "74", "repository_owner_id": "65", "run_number": "10",
            "run_attempt": "2", "runner_environment": "github-hosted", "actor": "octocat", "workflow": "deploy",
            "head_ref": "", "base_ref": "", "event_name": "workflow_dispatch", "ref_type": "branch", "environment": "prod",
            "job_workflow_ref": "octo-org/octo-automation/.github/workflows/deploy.yml@refs/heads/main",
            "iss": "https://issuer.example", "nbf": 1_795_298_401, "exp": 1_795_298_701, "iat": 1_795_298_401
        })
    }

    #[test]
    fn a_job_is_a_service_with_its_repository_and_environment() {
        let facts = preset_facts(GithubActions, &job()).unwrap();
        assert_eq!(
            facts.who(),
            "service corp/repo:octo-org/octo-repo:environment:prod"
        );
        assert_eq!(
            (facts.groups(), facts.scope()),
            (String::new(), String::new())
        );
        for (name, value) in [
            ("environment", "prod"),
            ("repository_id", "74"),
            ("runner_environment", "github-hosted"),
        ] {
            assert_eq!(facts.claim(name), format!("{value:?}"));
        }
    }

    #[test]
    fn a_job_outside_any_environment_has_no_such_claim() {
        let facts = preset_facts(
            GithubActions,
            &changed(&job(), json!({ "environment": null })),
        )
        .unwrap();
        assert_eq!(facts.claim("environment"), "absent");
    }

    #[test]
    fn a_token_that_is_not_a_jobs_is_refused() {
        for name in [
            "repository_id",
            "repository",
            "sha",
            "ref",
            "runner_environment",
        ] {
            assert_eq!(
                preset_refusal(GithubActions, &changed(&job(), json!({ name: null }))),
                Reason::TokenClaims
            );
        }
        let number = changed(&job(), json!({ "repository_id": 74 }));
        assert_eq!(preset_refusal(GithubActions, &number), Reason::TokenClaims);
    }
}
