//! What is wrong with a provider, and where.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::identity::testing::{ISSUER, changed, compile, provider_name, spec};
use crate::identity::{CheckedProviders, JwtSpec, ProviderSpec};
use crate::json::Object;
use crate::keys::Algorithm;
use crate::model::value::Type;

fn findings(more: Json) -> Vec<String> {
    compile(spec(more))
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn one_finding(more: Json) -> String {
    let findings = findings(more);
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.into_iter().next().unwrap()
}

fn set(specs: &[(&str, Json)]) -> Result<CheckedProviders, Vec<String>> {
    let specs = specs.iter().map(|(name, more)| {
        (
            (*name).to_owned(),
            ProviderSpec {
                jwt: Some(Box::new(spec(more.clone()))),
                ..ProviderSpec::default()
            },
        )
    });
    CheckedProviders::compile(specs, Path::new("/etc/countersign"))
        .map_err(|findings| findings.iter().map(ToString::to_string).collect())
}

#[test]
fn defaults_are_the_documented_ones() {
    let provider = compile(spec(json!({}))).unwrap();
    assert_eq!(
        provider.algorithms,
        [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa]
    );
    assert_eq!(
        (
            provider.reading.leeway.as_secs(),
            provider.reading.max_delegation_depth
        ),
        (30, 4)
    );
    let none = Object::default();
    for (typ, accepted) in [
        (Some("at+jwt"), true),
        (Some("application/at+jwt"), true),
        (Some("JWT"), false),
        (None, false),
    ] {
        assert_eq!(
            provider.types.check(typ, &none).is_ok(),
            accepted,
            "{typ:?}"
        );
    }
}

#[test]
fn keys_are_found_by_discovery_of_the_issuer_unless_they_have_a_place() {
    let place = |keys: Json| {
        format!(
            "{:?}",
            compile(spec(json!({ "keys": keys }))).unwrap().source
        )
    };
    for keys in [json!(null), json!({ "refresh": "1m" })] {
        assert!(place(keys).contains("/.well-known/openid-configuration"));
    }
    assert!(place(json!({ "url": "https://a.example/jwks" })).contains("Url("));
    assert!(place(json!({ "file": "keys.json" })).contains("/etc/countersign/keys.json"));
}

#[test]
fn an_unregistered_client_has_no_default() {
    let finding = compile(spec(json!({ "unregistered_client": null })))
        .unwrap_err()
        .remove(0);
    assert_eq!(
        finding.to_string().split(':').next(),
        Some("unregistered_client")
    );
    let help = finding.help.unwrap();
    for word in ["`deny`", "`subject`", "`service`", "`agent`"] {
        assert!(help.contains(word), "{help}");
    }
}

#[test]
fn a_kind_has_no_default_without_a_preset() {
    assert!(one_finding(json!({ "map": null })).contains("`map.kind` is missing"));
    assert!(compile(spec(json!({ "map": null, "preset": "keycloak" }))).is_ok());
}

#[test]
fn every_limit_has_a_bound() {
    assert!(one_finding(json!({ "leeway": "61s" })).starts_with("leeway: `61s` is too much"));
    assert!(compile(spec(json!({ "leeway": "60s" }))).is_ok());
    assert!(
        one_finding(json!({ "max_delegation_depth": 9 }))
            .starts_with("max_delegation_depth: `9` is too deep")
    );
    assert!(compile(spec(json!({ "max_delegation_depth": 8 }))).is_ok());
}

#[test]
fn nothing_accepted_is_a_mistake() {
    assert!(one_finding(json!({ "algorithms": [] })).starts_with("algorithms: no algorithm"));
    assert!(one_finding(json!({ "typ": [] })).starts_with("typ: no type"));
    assert!(one_finding(json!({ "issuer": "", "keys": { "file": "k" } })).starts_with("issuer: "));
}

#[test]
fn symmetric_algorithms_cannot_be_written() {
    for name in ["HS256", "none"] {
        let written = json!({ "issuer": ISSUER, "algorithms": [name] });
        assert!(serde_json::from_value::<JwtSpec>(written).is_err());
    }
}

#[test]
fn a_type_that_is_never_an_access_token_cannot_be_accepted() {
    for typ in [
        "logout+jwt",
        "secevent+jwt",
        "oauth-id-jag+jwt",
        "application/DPoP+jwt",
        "statuslist+jwt",
        "txntoken+jwt",
    ] {
        assert!(
            one_finding(json!({ "typ": ["at+jwt", typ] })).starts_with("typ[1]: "),
            "{typ}"
        );
        assert!(
            one_finding(json!({ "typ": typ })).starts_with("typ: "),
            "{typ}"
        );
    }
    assert!(compile(spec(json!({ "typ": ["at+jwt", "JWT", "acme+jwt"] }))).is_ok());
}

#[test]
fn a_mistake_in_an_expression_is_reported_where_it_stands() {
    let map = json!({ "kind": "claims.kind", "id": "claim.sub", "groups": "\"crm\"" });
    let findings = findings(json!({ "map": map }));
    for (finding, path) in findings
        .iter()
        .zip(["map.id: ", "map.kind: ", "map.groups: "])
    {
        assert!(finding.starts_with(path), "{finding}");
    }
    assert_eq!(findings.len(), 3);
}

#[test]
fn a_claim_that_may_be_absent_is_tested_before_it_is_read() {
    assert!(one_finding(json!({ "map": { "kind": "claims.kind" } })).contains("may be absent"));
    assert!(
        compile(spec(
            json!({ "map": { "kind": "has(claims.kind) ? claims.kind : \"human\"" } })
        ))
        .is_ok()
    );
}

#[test]
fn every_problem_is_reported_at_once() {
    let spec = json!({
        "issuer": "a b", "unregistered_client": null, "leeway": "2m", "map": null, "keys": { "url": "http://a.example/" },
        "claims": { "a": "text", "b": { "type": "string", "from": "x..y" } }
    });
    let mut findings = findings(spec);
    findings.sort();
    let paths: Vec<_> = findings
        .iter()
        .map(|finding| finding.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "claims.a",
            "claims.b.from",
            "issuer",
            "keys",
            "leeway",
            "map.kind",
            "unregistered_client"
        ]
    );
}

#[test]
fn unknown_keys_are_refused() {
    for written in [
        json!({ "jwt": { "issuer": ISSUER, "audience": "x" } }),
        json!({ "jwt": { "issuer": ISSUER, "map": { "group": "[]" } } }),
        json!({ "jwt": { "issuer": ISSUER }, "api_key": {} }),
    ] {
        assert!(serde_json::from_value::<ProviderSpec>(written).is_err());
    }
}

#[test]
fn a_provider_has_exactly_one_kind() {
    let none = [("corp".to_owned(), ProviderSpec::default())];
    let findings = CheckedProviders::compile(none, Path::new("/")).unwrap_err();
    assert_eq!(findings[0].code, "invalid-provider");
}

#[test]
fn two_providers_never_share_an_issuer() {
    let other = json!({ "issuer": "https://issuer.example/" });
    assert!(set(&[("corp", json!({})), ("slash", other)]).is_ok());
    let findings = set(&[("corp", json!({})), ("copy", json!({}))]).unwrap_err();
    assert_eq!(
        findings,
        ["copy.jwt.issuer: provider `corp` has this issuer too: one `iss`, one provider"]
    );
}

#[test]
fn the_name_of_a_provider_is_checked() {
    let findings = set(&[("a b", json!({}))]).unwrap_err();
    assert!(
        findings[0].starts_with("a b: `a b` is not a provider name"),
        "{findings:?}"
    );
}

#[test]
fn declarations_are_those_of_the_preset_and_the_users_over_them() {
    let claims =
        json!({ "environment": { "type": "string", "required": true }, "team": "list<string>" });
    let github = json!({ "preset": "github_actions", "map": null, "claims": claims });
    let set = set(&[("ci", github)]).unwrap();
    let declared = &set.claim_declarations()[&provider_name("ci")];
    assert!(declared["environment"].required && declared["repository_id"].required);
    assert!(!declared["job_workflow_ref"].required);
    assert_eq!(declared["team"].of, Type::List(Box::new(Type::String)));
    assert_eq!(declared.len(), 8);
}

#[test]
fn what_the_user_writes_goes_before_the_preset() {
    let written = json!({
        "preset": "keycloak", "algorithms": "ES256", "typ": "at+jwt", "client": "app",
        "map": { "kind": "\"agent\"" }
    });
    let provider = compile(spec(written)).unwrap();
    assert_eq!(provider.algorithms, [Algorithm::Es256]);
    assert!(
        provider
            .types
            .check(Some("JWT"), &Object::default())
            .is_err()
    );
    assert_eq!(provider.reading.client, [Box::from("app")]);
    let preset = compile(spec(changed(
        &json!({ "preset": "keycloak" }),
        json!({ "map": {} }),
    )))
    .unwrap();
    assert_eq!(preset.algorithms, [Algorithm::Rs256]);
    assert!(preset.types.check(None, &Object::default()).is_ok());
}
