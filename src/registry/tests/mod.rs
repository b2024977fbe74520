mod lifecycle;
mod settings;

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{Registered, Registry, RegistrySpec, Rotation, Status};
use crate::model::name::ProviderName;
use crate::model::party::{Kind, Party, PartyId};
use crate::model::time::Timestamp;

fn provider(name: &str) -> ProviderName {
    ProviderName::new(name).unwrap()
}

fn compile(identities: &Json) -> Result<Registry, Vec<String>> {
    let spec: RegistrySpec =
        serde_json::from_value(json!({ "version": 1, "identities": identities })).unwrap();
    let providers = BTreeSet::from([provider("corp"), provider("mesh")]);
    Registry::compile(spec, &providers)
        .map_err(|findings| findings.iter().map(ToString::to_string).collect())
}

/// A sound entry, and `more`.
fn entry(more: &Json) -> Json {
    let mut entry =
        json!({ "issuer": "corp", "id": "bot", "kind": "agent", "owner": "alice@example.com" });
    for (name, value) in more.as_object().unwrap() {
        entry[name] = value.clone();
    }
    entry
}

fn registered(more: &Json) -> Registered {
    let registry = compile(&json!([entry(more)])).unwrap();
    registry
        .find(&PartyId::new(provider("corp"), "bot"))
        .unwrap()
        .clone()
}

fn one_finding(more: &Json) -> String {
    let findings = compile(&json!([entry(more)])).unwrap_err();
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.into_iter().next().unwrap()
}

#[test]
fn an_identity_is_found_by_issuer_and_id() {
    let registry = compile(&json!([
        entry(&json!({ "groups": ["crm-agents"] })),
        entry(&json!({ "issuer": "mesh", "kind": "service" }))
    ]))
    .unwrap();
    let kind = |issuer: &str, id: &str| {
        registry
            .find(&PartyId::new(provider(issuer), id))
            .map(|known| known.kind)
    };
    assert_eq!(
        (kind("corp", "bot"), kind("mesh", "bot")),
        (Some(Kind::Agent), Some(Kind::Service))
    );
    assert_eq!((kind("corp", "Bot"), kind("corp", "bot2")), (None, None));
    assert_eq!(registry.find(&Party::anonymous().id), None);
    assert_eq!((registry.len(), registry.iter().count()), (2, 2));
}

#[test]
fn an_entry_is_active_and_for_ever_unless_it_says_otherwise() {
    let known = registered(&json!({}));
    assert_eq!((known.status, known.expires), (Status::Active, None));
    assert!(known.groups.is_empty());
    assert_eq!(&*known.owner, "alice@example.com");
    assert_eq!(
        *registered(&json!({ "groups": "one" })).groups,
        [std::sync::Arc::from("one")]
    );
}

#[test]
fn a_secret_has_a_date_of_its_last_rotation_or_none() {
    let rotation = |more: &Json| registered(more).rotation;
    assert_eq!(rotation(&json!({})), None);
    let at = Timestamp::parse("2026-11-01").unwrap();
    assert_eq!(
        rotation(&json!({ "rotated": "2026-11-01" })),
        Some(Rotation { at, every: None })
    );
    let day = std::time::Duration::from_hours(24);
    assert_eq!(
        rotation(&json!({ "rotated": "2026-11-01", "rotate_every": "1d" })),
        Some(Rotation {
            at,
            every: Some(day)
        })
    );
    assert!(one_finding(&json!({ "rotated": "lately" })).starts_with("identities[0].rotated: "));
    let alone = one_finding(&json!({ "rotate_every": "1d" }));
    assert!(alone.starts_with("identities[0].rotate_every: "), "{alone}");
}

#[test]
fn a_workload_is_a_pattern_below_one_trust_domain() {
    let known = registered(&json!({ "workloads": "spiffe://example.org/ci/*" }));
    assert_eq!(known.workloads[0].as_str(), "spiffe://example.org/ci/*");
    for wrong in [
        "spiffe://example*/ci",
        "spiffe://*/ci",
        "spiffe://example.org",
        "spiffe://example.org/",
        "spiffe:///ci",
        "https://example.org/ci",
        "*",
        "",
    ] {
        let found = one_finding(&json!({ "workloads": ["spiffe://example.org/a", wrong] }));
        assert!(found.starts_with("identities[0].workloads[1]: "), "{found}");
    }
}

#[test]
fn people_are_not_registered() {
    for kind in ["human", "anonymous"] {
        assert!(one_finding(&json!({ "kind": kind })).starts_with("identities[0].kind: a `"));
    }
    assert!(one_finding(&json!({ "kind": "robot" })).contains("use `service` or `agent`"));
}

#[test]
fn an_identity_without_an_owner_is_an_orphan() {
    assert!(one_finding(&json!({ "owner": null })).contains("orphan"));
    assert!(one_finding(&json!({ "owner": "" })).starts_with("identities[0].owner: "));
}

#[test]
fn an_unknown_issuer_is_reported_with_what_was_meant() {
    assert_eq!(
        one_finding(&json!({ "issuer": "crop" })),
        "identities[0].issuer: there is no provider `crop`, did you mean `corp`?"
    );
    assert_eq!(
        one_finding(&json!({ "issuer": "https://x" })),
        "identities[0].issuer: there is no provider `https://x`"
    );
}

#[test]
fn an_identity_is_registered_once() {
    let findings = compile(&json!([
        entry(&json!({})),
        entry(&json!({ "kind": "service" }))
    ]))
    .unwrap_err();
    assert_eq!(
        findings,
        ["identities[1].id: `corp/bot` is registered twice: keep one entry"]
    );
}

#[test]
fn every_problem_is_reported_where_it_stands() {
    let wrong = json!({ "issuer": "x", "id": "", "kind": "human", "owner": null, "groups": ["a", ""], "expires": "2026-02-30",
        "workloads": ["ci"], "environment": "", "rotated": "soon" });
    let findings = compile(&json!([entry(&json!({})), entry(&wrong)])).unwrap_err();
    let paths: Vec<_> = findings
        .iter()
        .map(|finding| finding.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "identities[1].issuer",
            "identities[1].id",
            "identities[1].kind",
            "identities[1].owner",
            "identities[1].expires",
            "identities[1].rotated",
            "identities[1].environment",
            "identities[1].groups[1]",
            "identities[1].workloads[0]",
        ]
    );
}

#[test]
fn the_file_is_read_strictly() {
    for file in [
        json!({ "identities": [] }),
        json!({ "version": 1, "identity": [] }),
        json!({ "version": 1, "identities": [entry(&json!({ "groupes": [] }))] }),
        json!({ "version": 1, "identities": [entry(&json!({ "status": "retired" }))] }),
    ] {
        assert!(serde_json::from_value::<RegistrySpec>(file).is_err());
    }
    let spec: RegistrySpec = serde_json::from_value(json!({ "version": 2 })).unwrap();
    let findings = Registry::compile(spec, &BTreeSet::new()).unwrap_err();
    assert_eq!(
        findings[0].to_string(),
        "version: version `2` is not known: write `version: 1`"
    );
}
