//! What `check` says about keys, the section, and rules that demand too much.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{CONFIG, ISSUER, key, setup, write_key};
use crate::harness::{Setup, run};

/// The problems that `check` finds: where, code, message and help in one line each.
fn problems(setup: &Setup) -> Vec<String> {
    let ran = run(setup.folder(), ["check", "--json", "--config", CONFIG]);
    let found = ran.json()["problems"].clone();
    let text = |problem: &Value, name: &str| problem[name].as_str().unwrap_or("").to_owned();
    let line = |it: &Value| {
        let [path, code, message, help] = ["path", "code", "message", "help"].map(|n| text(it, n));
        assert!(it["line"].as_u64() > Some(0), "{it}");
        format!("{path} {code}: {message} ({help})")
    };
    found.as_array().unwrap().iter().map(line).collect()
}

#[test]
fn every_file_that_gives_no_key_is_named_with_its_cure() {
    for (text, said, help) in [
        (
            key("rsa").to_owned(),
            "the key is an RSA key",
            "openssl genpkey",
        ),
        (
            key("pkcs1").to_owned(),
            "the key is an RSA key",
            "openssl genpkey",
        ),
        (
            key("p384").to_owned(),
            "not on the curve P-256",
            "openssl genpkey",
        ),
        (
            key("encrypted").to_owned(),
            "encrypted with a passphrase",
            "openssl pkcs8 -topk8 -nocrypt",
        ),
        (
            key("sec1").to_owned(),
            "`EC PRIVATE KEY`",
            "openssl pkcs8 -topk8 -nocrypt",
        ),
        (
            key("openssh").to_owned(),
            "a key of OpenSSH",
            "openssl genpkey",
        ),
        (
            key("public").to_owned(),
            "a public key, and no private key",
            "openssl genpkey",
        ),
        (
            key("certificate").to_owned(),
            "a certificate, and no private key",
            "openssl genpkey",
        ),
        (
            key("p256").repeat(2),
            "more than one PEM block",
            "one private key in each file",
        ),
        (String::new(), "the file is empty", "openssl genpkey"),
        (
            "x".repeat(20_000),
            "larger than 16384 bytes",
            "openssl genpkey",
        ),
        ("hello".to_owned(), "not PEM", "openssl genpkey"),
    ] {
        let setup = setup(&["p256", "ed25519"]);
        write_key(&setup, "ed25519", &text);
        let found = problems(&setup);
        assert_eq!(found.len(), 1, "{found:?}");
        let start = "token.keys[1] signing-key: `tokens/ed25519.pem` gives no key to sign with: ";
        assert!(found[0].starts_with(start), "{said}: {found:?}");
        assert!(
            found[0].contains(said) && found[0].contains(help),
            "{said}: {found:?}"
        );
        // Not a byte of what may be a key is shown.
        for line in text
            .lines()
            .filter(|line| line.len() > 30 && !line.starts_with('-'))
        {
            assert!(!found[0].contains(line), "{said}");
        }
    }
    let setup = setup(&["p256"]);
    fs::remove_file(setup.path("tokens/p256.pem")).unwrap();
    let found = problems(&setup);
    assert!(
        found[0].contains("cannot be read") && found.len() == 1,
        "{found:?}"
    );
}

#[test]
fn a_key_that_everybody_can_read_is_warned_of() {
    let setup = setup(&["p256"]);
    assert_eq!(problems(&setup), [""; 0]);
    let everybody = fs::Permissions::from_mode(0o644);
    fs::set_permissions(setup.path("tokens/p256.pem"), everybody).unwrap();
    let found = problems(&setup);
    assert!(
        found[0].starts_with("token.keys[0] readable-key: "),
        "{found:?}"
    );
    assert!(found[0].contains("chmod o-r"), "{found:?}");
}

#[test]
fn the_section_has_an_issuer_and_a_header_of_its_own() {
    for (from, to, said) in [
        (
            "issuer: https://authz.example.com",
            "issuer: authz",
            "token.issuer token-issuer: ",
        ),
        (
            "issuer: https://authz.example.com",
            "issuer: http://127.0.0.1:10080/corp",
            "token.issuer token-issuer: provider `corp` has this issuer",
        ),
        (
            "keys: [tokens",
            "header: authorization, keys: [tokens",
            "token.header token-header: ",
        ),
        (
            "keys: [tokens",
            "header: x-api-key, keys: [tokens",
            "token.header token-header: provider `partners` reads",
        ),
        (
            "keys: [tokens",
            "haeder: x, keys: [tokens",
            "token.haeder unknown-key: ",
        ),
        (
            "keys: [tokens/p256.pem]",
            "keys: []",
            "token.keys token-keys: ",
        ),
    ] {
        let setup = setup(&["p256"]).replacing(from, to);
        let found = problems(&setup);
        // A mistake in the section is none of the rules that rely on it.
        assert_eq!(found.len(), 1, "{to}: {found:?}");
        assert!(found[0].contains(said), "{to}: {found:?}");
    }
}

#[test]
fn a_rule_that_demands_a_token_needs_the_section() {
    let setup = setup(&["p256"]);
    let section = format!("token: {{ issuer: {ISSUER}, keys: [tokens/p256.pem] }}\n");
    setup.edit(CONFIG, &section, "");
    let found = problems(&setup);
    let places = found.iter().filter(|it| it.contains("no-token-section"));
    assert_eq!(places.count(), found.len(), "{found:?}");
    assert!(
        found[0].starts_with("rules[2].constrain.token no-token-section: "),
        "{found:?}"
    );
}

#[test]
fn a_rule_demands_nothing_wider_than_what_came_in() {
    for (from, to, said) in [
        (
            "scope: vault:export, ttl",
            "scope: vault:admin, ttl",
            "rules[2].constrain.token.scope token-scope: ",
        ),
        (
            "ttl: 1m",
            "ttl: 6m",
            "rules[2].constrain.token.ttl out-of-range: ",
        ),
        (
            "ttl: 1m",
            "ttl: 0s",
            "rules[2].constrain.token.ttl out-of-range: ",
        ),
        (
            "audience: \"https://payments.example.com\"",
            "audience: https://vault.example.com",
            "rules[2].constrain.token.audience token-audience: ",
        ),
        (
            "ttl: 1m",
            "tll: 1m",
            "rules[2].constrain.token.tll unknown-key: ",
        ),
        (
            "strip: [x-debug]",
            "strip: [txn-token]",
            "rules[3].constrain.strip[0] token-header: ",
        ),
        (
            "headers: { x-vault:",
            "headers: { txn_token:",
            "token-header: ",
        ),
    ] {
        let setup = setup(&["p256"]);
        setup.edit("policies/vault.yaml", from, to);
        let found = problems(&setup);
        assert_eq!(found.len(), 1, "{to}: {found:?}");
        assert!(found[0].contains(said), "{to}: {found:?}");
    }
}

#[test]
fn doctor_knows_which_headers_minting_changes() {
    let setup = setup(&["p256"]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/envoy.yaml");
    let shipped = fs::read_to_string(path).unwrap();
    let (from, to) = ("disallow_system: true", "disallow_all: true");
    assert_eq!(shipped.matches(from).count(), 1);
    setup.write("envoy.yaml", &shipped.replace(from, to));
    let ran = run(setup.folder(), ["doctor", "envoy.yaml", "--config", CONFIG]);
    let said = ran.stdout + &ran.stderr;
    assert!(said.contains("mutation-forbidden"), "{said}");
    for name in ["txn-token", "authorization", "dpop", "cookie", "x-api-key"] {
        assert!(said.contains(&format!("`{name}`")), "{name}: {said}");
    }
}

/// The names of tools are enough for the rules, but not for a token that speaks of the arguments.
#[test]
fn doctor_knows_that_tokens_need_the_arguments() {
    let setup = setup(&["p256"]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/envoy.yaml");
    let shipped = fs::read_to_string(path).unwrap();
    let body = "with_request_body: { max_request_bytes: 65536, allow_partial_message: false, pack_as_bytes: true }";
    let edited = shipped
        .replace(body, "")
        .replace("domains: [mcp.example.com]", "domains: [vault.example.com]");
    setup.write("envoy.yaml", &edited);
    let needed = || {
        let ran = run(setup.folder(), ["doctor", "envoy.yaml", "--config", CONFIG]);
        let said = ran.stdout + &ran.stderr;
        assert!(said.contains("no-request-body"), "{said}");
        said.contains("on the MCP route `vault-tools` the body says what is asked")
    };
    assert!(needed());
    setup.edit("policies/vault.yaml", "  - { id: send-inward", "  # ");
    assert!(!needed());
}
