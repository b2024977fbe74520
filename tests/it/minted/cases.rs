//! What test cases expect of minted tokens.

use crate::harness::run;

/// A case of the list, which goes on with a token for the vault.
fn case(expected: &str) -> String {
    format!(
        "version: 1
tests:
  - name: the list
    given: {{ issuer: corp, subject: {{ kind: human, id: alice }}, scope: [vault:list, vault:read] }}
    call: {{ route: vault, http: GET /list }}
    expect: {{ verdict: allow, token: {expected} }}
"
    )
}

#[test]
fn cases_expect_audience_and_scope_of_a_token() {
    for (expected, said) in [
        ("{ audience: vault, scope: vault:list }", None),
        ("{}", None),
        (
            "{ audience: other }",
            Some("token audience: expected `other`, got `vault`"),
        ),
        (
            "{ scope: [vault:list, vault:read] }",
            Some("token scope: expected `vault:list vault:read`, got `vault:list`"),
        ),
    ] {
        let setup = super::setup(&["p256"]);
        setup.write("policies/list.test.yaml", &case(expected));
        let ran = run(setup.folder(), ["test", "--config", "countersign.yaml"]);
        assert_eq!(ran.exit, i32::from(said.is_some()), "{expected}: {ran:?}");
        assert!(ran.stdout.contains(said.unwrap_or("")), "{}", ran.stdout);
    }
    let setup = super::setup(&["p256"]);
    let plain = case("{}").replace("/list", "/open");
    setup.write("policies/list.test.yaml", &plain);
    let ran = run(setup.folder(), ["test", "--config", "countersign.yaml"]);
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.stdout.contains("token: expected `one`, got `none`"));
}
