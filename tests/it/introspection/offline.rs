//! What the other verbs make of opaque tokens.

use super::{alice, setup};
use crate::harness::{IntrospectionServer, Manner, run};

#[test]
fn explain_asks_about_a_token() {
    let endpoint = IntrospectionServer::start();
    endpoint.activate("opaque", &alice());
    let setup = setup(&endpoint, "");
    let explain = |token: &str| {
        let request = [
            "--http",
            "GET /v1/payments",
            "--host",
            "payments.example.com",
        ];
        let words = ["explain", "--config", "countersign.yaml", "--token", token];
        run(setup.folder(), words.into_iter().chain(request))
    };
    let good = explain("opaque");
    assert_eq!(good.exit, 0, "{good:?}");
    assert!(good.stdout.contains("legacy/alice (human"), "{good:?}");
    let bad = explain("nobody-knows");
    assert_eq!(bad.exit, 3, "{bad:?}");
    assert!(bad.stdout.contains("token_inactive"), "{bad:?}");
    endpoint.behave(Manner::Lie(500, "text/plain", String::new()));
    let fault = explain("other");
    assert_eq!(fault.exit, 1, "{fault:?}");
    assert!(
        fault.stdout.contains("introspection_unavailable"),
        "{fault:?}"
    );
}

#[test]
fn two_providers_that_could_take_one_token_are_a_mistake() {
    let endpoint = IntrospectionServer::start();
    let setup = setup(&endpoint, "");
    let other = "\nproviders:\n  other:\n    introspection:\n      endpoint: https://as.example.com/\n      \
                 client: { id: a, secret: { env: A } }\n      unregistered_client: deny\n      map: { kind: '\"human\"' }\n";
    setup.edit("countersign.yaml", "\nproviders:\n", other);
    let policy = "policies/payments.yaml";
    setup.edit(
        policy,
        "providers: [corp, legacy]",
        "providers: [corp, legacy, other]",
    );
    let checked = run(
        setup.folder(),
        ["check", "--json", "--config", "countersign.yaml"],
    );
    assert_eq!(checked.exit, 5, "{checked:?}");
    let problems = checked.json()["problems"].clone();
    assert_eq!(problems.as_array().unwrap().len(), 1, "{problems}");
    assert_eq!(problems[0]["code"], "ambiguous-providers");
    assert!(
        problems[0]["file"]
            .as_str()
            .unwrap()
            .ends_with("payments.yaml")
    );
}
