//! The tables of keys against what the program accepts: an unknown key makes `check` say which ones it knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::table::names;
use crate::harness::run;

/// Every mapping of the server's file, with a key that says where it stands.
const SERVER: &str = "
version: 1
at.server: 1
grpc: { at.grpc: 1, drain: { at.drain: 1 }, tls: { at.tls: 1, certificate: a, key: a }, envoys: [{ at.envoy: 1, id: a }] }
metrics: { at.metrics: 1 }
admin: { at.admin: 1, access: [{ at.access: 1 }] }
hooks: { at.hooks: 1, conditions: { at.hook: 1, secret: { env: A } } }
events: { at.events: 1, streams: { a: { at.stream: 1, issuer: a, audience: a, keys: { file: a }, provider: a } } }
log: { at.log: 1 }
audit: { at.audit: 1 }
store: { at.store: 1, staleness: { at.staleness: 1 }, valkey: { at.valkey: 1, timeouts: { at.timeouts: 1 }, tls: { at.valkey_tls: 1 }, sentinel: { at.sentinel: 1, master: a, nodes: [a] } } }
dpop: { at.dpop: 1 }
lifecycle: { at.lifecycle: 1 }
token: { at.token: 1, issuer: a, keys: a }
approvals: { sign_in: { at.sign_in: 1, provider: a, client_id: a, authorization_endpoint: a, token_endpoint: a } }
providers:
  a: { at.provider: 1 }
  b: { jwt: { at.jwt: 1, issuer: b } }
  c: { jwt: { issuer: c, keys: { at.keys: 1 } } }
  d: { jwt: { issuer: d, claims: { x: { type: string, at.claim: 1 } } } }
  e: { jwt: { issuer: e, map: { at.map: 1 } } }
  f: { api_key: { at.api_key: 1 } }
  i: { introspection: { at.introspection: 1, endpoint: f, client: { id: f, secret: { env: F } } } }
  g: { introspection: { endpoint: g, client: { at.introspection_client: 1, id: g, secret: { env: G } } } }
  h: { introspection: { endpoint: h, client: { id: h, secret: { env: H } }, cache: { at.introspection_cache: 1 } } }
  j: { jwt_svid: { at.jwt_svid: 1, trust_domain: f.example, bundle: { file: f } } }
  k: { jwt_svid: { trust_domain: g.example, bundle: { at.bundle: 1 } } }
  l: { mtls: { at.mtls: 1, trust_domains: h.example } }
";

/// A server's file without mistakes.
const SOUND: &str = "
version: 1
policies: policy.yaml
identities: identities.yaml
providers: { corp: { jwt: { issuer: 'https://a.example.com', preset: keycloak, unregistered_client: deny } } }
";

/// Every mapping of the registry.
const IDENTITIES: &str =
    "{ version: 1, identities: [{ at.identity: 1, issuer: corp, id: a, kind: agent }] }";

/// Every mapping of a policy file.
const POLICY: &str = "
version: 1
at.policy: 1
routes:
  r:
    at.routes: 1
    match: { at.match: 1, host: a.example.com }
    actions:
      a: { http: GET /a, at.action: 1 }
risk: { a: { at.signal: 1, add: 1, when: 'true' } }
rules:
  - { id: a, permit: a, at.rule: 1 }
  - { id: b, permit: a, to: { at.to: 1 } }
  - { id: c, guard: { at.guard: 1 } }
  - { id: d, guard: a, require: [{ at.require: 1 }] }
  - { id: e, guard: a, require: [{ step_up: { at.step_up: 1 } }] }
  - { id: i, guard: a, require: [{ approval: { at.approval: 1, from: { id: a } } }] }
  - { id: j, guard: a, require: [{ approval: { from: { at.approver: 1 } } }] }
  - { id: f, guard: a, constrain: { at.constrain: 1 } }
  - { id: g, guard: a, constrain: { query: { at.constrain_query: 1 } } }
  - { id: h, guard: a, constrain: { token: { at.constrain_token: 1 } } }
tests:
  - { name: a, at.case: 1, call: {}, expect: { verdict: deny } }
";

/// Writes the files, and returns the problems that `check` finds.
fn problems(files: &[(&str, &str)]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let checked = run(
        folder.path(),
        ["check", "--json", "--config", "server.yaml"],
    );
    checked.json()["problems"].as_array().unwrap().clone()
}

/// The words in backticks.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(ToOwned::to_owned)
        .collect()
}

/// Where unknown keys stand, and which ones are known there.
fn known(files: &[(&str, &str)]) -> BTreeMap<String, BTreeSet<String>> {
    let unknown = problems(files).into_iter().filter_map(|problem| {
        let at = problem["message"]
            .as_str()?
            .strip_prefix("unknown key `at.")?
            .trim_end_matches('`')
            .to_owned();
        let (_, allowed) = problem["help"].as_str()?.split_once("allowed here: ")?;
        Some((at, quoted(allowed)))
    });
    unknown.collect()
}

fn compare(files: &[(&str, &str)], sections: &[&str]) {
    let known = known(files);
    assert_eq!(
        known.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        sections.iter().copied().collect()
    );
    for (section, keys) in known {
        assert_eq!(names(&format!("keys: {section}")), keys, "{section}");
    }
}

#[test]
fn every_key_of_the_servers_file_stands_there() {
    compare(
        &[("server.yaml", SERVER)],
        &[
            "server",
            "grpc",
            "drain",
            "tls",
            "envoy",
            "metrics",
            "admin",
            "access",
            "hooks",
            "hook",
            "events",
            "stream",
            "log",
            "audit",
            "store",
            "valkey",
            "timeouts",
            "valkey_tls",
            "sentinel",
            "staleness",
            "dpop",
            "lifecycle",
            "token",
            "sign_in",
            "provider",
            "jwt",
            "keys",
            "claim",
            "map",
            "api_key",
            "introspection",
            "introspection_client",
            "introspection_cache",
            "jwt_svid",
            "bundle",
            "mtls",
        ],
    );
}

/// These are words or maps, and of a section only the first such mistake is reported.
#[test]
fn every_key_of_a_check_stands_there() {
    for check in ["rotation", "token_lifetime", "proof"] {
        let text = format!("version: 1\nlifecycle: {{ {check}: {{ at.{check}: 1 }} }}\n");
        compare(&[("server.yaml", &text)], &[check]);
    }
}

#[test]
fn every_key_of_a_policy_and_of_the_registry_stands_there() {
    compare(
        &[
            ("server.yaml", SOUND),
            ("identities.yaml", IDENTITIES),
            ("policy.yaml", POLICY),
        ],
        &[
            "identity",
            "policy",
            "routes",
            "match",
            "action",
            "signal",
            "rule",
            "to",
            "guard",
            "require",
            "approval",
            "approver",
            "step_up",
            "constrain",
            "constrain_query",
            "constrain_token",
            "case",
        ],
    );
}

/// What conditions can read: an unknown attribute makes `check` say which ones there are.
pub(super) fn attributes() -> BTreeSet<String> {
    const RULES: &str = "
version: 1
conditions: { x: bool }
routes:
  r:
    match: { host: a.example.com }
    url: https://a.example.com
    providers: [corp]
    actions:
      a: { http: 'GET /{x}', resource: { type: x, id: params.x } }
rules:
  - { id: a, permit: a, to: { issuer: corp }, when: nothing }
";
    let sound = SOUND.replace("identities: identities.yaml\n", "");
    let problems = problems(&[("server.yaml", &sound), ("policy.yaml", RULES)]);
    let message = problems[0]["message"].as_str().unwrap();
    let (_, list) = message
        .split_once("(there is: ")
        .unwrap_or_else(|| panic!("{message}"));
    list.split(')')
        .next()
        .unwrap()
        .split(", ")
        .map(ToOwned::to_owned)
        .collect()
}
