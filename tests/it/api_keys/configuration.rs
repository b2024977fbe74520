//! What `check` says about providers of keys.

use crate::harness::{Setup, run};

fn problems(provider: &str) -> String {
    let setup = Setup::new().replacing(
        "\nproviders:\n",
        &format!("\nproviders:\n  partners: {provider}\n"),
    );
    setup.write("pepper", super::PEPPER);
    setup.write("short", "0123456789abcdef0123456789abcde\n");
    let ran = run(setup.folder(), ["check", "--config", "countersign.yaml"]);
    ran.stderr
}

#[test]
fn every_mistake_is_said() {
    for (provider, says) in [
        ("{ api_key: {} }", "`pepper`"),
        (
            "{ api_key: { pepper: { file: missing } } }",
            "missing` cannot be read",
        ),
        (
            "{ api_key: { pepper: { file: short } } }",
            "shorter than 32 bytes",
        ),
        (
            "{ api_key: { pepper: { env: NO_SUCH_PEPPER } } }",
            "`NO_SUCH_PEPPER` of the environment is not set",
        ),
        (
            "{ api_key: { pepper: { file: pepper }, prefix: a_b } }",
            "is not a prefix",
        ),
        (
            "{ api_key: { pepper: { file: pepper }, header: 'a b' } }",
            "is not the name of a header",
        ),
        (
            "{ api_key: { pepper: { file: pepper }, header: Authorization } }",
            "means something else already",
        ),
        (
            "{ api_key: { pepper: { file: pepper }, header: x, cookie: y } }",
            "and not in both",
        ),
        (
            "{ api_key: { pepper: { file: pepper }, cookie: 'a;b' } }",
            "is not the name of a cookie",
        ),
        (
            "{ api_key: { pepper: { file: pepper }, max_lifetime: 0s } }",
            "no key can be issued",
        ),
        (
            "{ api_key: { pepper: { file: pepper } }, jwt: { issuer: https://a.example.com } }",
            "exactly one kind",
        ),
    ] {
        let said = problems(provider);
        assert!(said.contains(says), "{provider}: {said}");
    }
}

#[test]
fn keys_and_tokens_do_not_share_a_cookie() {
    let setup = super::setup()
        .replacing("cookie: portal_key", "cookie: session")
        .replacing(
            "algorithms: [ES256, RS256]                 #",
            "cookie: session #",
        );
    let said = run(setup.folder(), ["check", "--config", "countersign.yaml"]).stderr;
    assert!(
        said.contains("tokens of provider `corp` come in this cookie"),
        "{said}"
    );
}
