//! What the configuration may say.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::{findings, spec};
use crate::identity::providers::CheckedProviders;
use crate::identity::spec::ProviderSpec;
use crate::identity::testing::provider_name;
use crate::model::name::ProviderName;

#[test]
fn mistakes_are_reported_where_they_stand() {
    for (more, expected) in [
        (json!({}), ""),
        (
            json!({ "endpoint": "http://as.example.com/introspect" }),
            "legacy.introspection.endpoint: plain `http`",
        ),
        (
            json!({ "endpoint": "https://a:b@as.example.com/" }),
            "legacy.introspection.endpoint: the URL contains credentials",
        ),
        (
            json!({ "client": { "id": "", "secret": { "env": "X" } } }),
            "legacy.introspection.client.id: ",
        ),
        (
            json!({ "issuer": "" }),
            "legacy.introspection.issuer: the issuer is empty",
        ),
        (
            json!({ "prefix": "a b" }),
            "legacy.introspection.prefix: `a b` is no start of a token",
        ),
        (json!({ "prefix": "" }), "legacy.introspection.prefix: "),
        (
            json!({ "timeout": "11s" }),
            "legacy.introspection.timeout: `11s` is not between `1ms` and `10s`",
        ),
        (json!({ "timeout": "0s" }), "legacy.introspection.timeout: "),
        (
            json!({ "cache": { "for": "2h" } }),
            "legacy.introspection.cache.for: `2h` is not between `100ms` and `1h`",
        ),
        (
            json!({ "cache": { "entries": 0 } }),
            "legacy.introspection.cache.entries: ",
        ),
        (
            json!({ "cache": { "refused_for": "5m" } }),
            "legacy.introspection.cache.refused_for: ",
        ),
        (
            json!({ "leeway": "2m" }),
            "legacy.introspection.leeway: `2m` is too much",
        ),
        (
            json!({ "unregistered_client": null }),
            "legacy.introspection.unregistered_client: ",
        ),
        (json!({ "map": {} }), "legacy.introspection.map.kind: "),
    ] {
        let found = findings(more.clone());
        match expected {
            "" => assert!(found.is_empty(), "{found:?}"),
            expected => assert!(
                found.len() == 1 && found[0].starts_with(expected),
                "{more}: {found:?}"
            ),
        }
    }
}

#[test]
fn a_provider_has_one_kind_and_no_preset() {
    let both =
        json!({ "jwt": { "issuer": "x" }, "introspection": spec("https://a.example/", json!({})) });
    let spec: ProviderSpec = serde_json::from_value(both).unwrap();
    let both = CheckedProviders::compile([("x".to_owned(), spec)], Path::new("/")).unwrap_err();
    assert_eq!(both[0].message, "a provider has exactly one kind");
    let preset = super::spec("https://a.example/", json!({ "preset": "keycloak" }));
    assert!(serde_json::from_value::<ProviderSpec>(json!({ "introspection": preset })).is_err());
}

#[test]
fn two_providers_that_could_take_one_token_do_not_stand_on_one_route() {
    let together = |first: Json, second: Json| {
        let specs = [("a", first), ("b", second)].map(|(name, prefix)| {
            let spec = spec("https://a.example/", json!({ "prefix": prefix }));
            let spec = serde_json::from_value(json!({ "introspection": spec })).unwrap();
            (name.to_owned(), spec)
        });
        let checked = CheckedProviders::compile(specs, Path::new("/")).unwrap();
        let names: Vec<ProviderName> = ["a", "b"].map(provider_name).into();
        assert!(checked.check_together(&names[..1]).is_empty());
        let found = checked.check_together(&names).into_iter();
        found.map(|it| it.to_string()).collect::<Vec<_>>()
    };
    for (first, second) in [
        (json!("a_"), json!("b_")),
        (json!("a_"), json!(null)),
        (json!(null), json!("a_")),
    ] {
        assert!(together(first, second).is_empty());
    }
    for (first, second) in [
        (json!(null), json!(null)),
        (json!("a_"), json!("a_")),
        (json!("a_"), json!("a_b_")),
        (json!("a_b_"), json!("a_")),
    ] {
        let found = together(first, second);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("provider `a` as well as of `b`"),
            "{found:?}"
        );
    }
}
