//! Who may change a running server, by every kind of credential, and what is left of it.

use serde_json::{Value, json};

use crate::harness::{Reply, SOON, Server, Setup, eventually, send};

const AUDIENCE: &str = "https://ops.example.com";
const TOKEN: &str = "0f5a4e1c9b7d3826f0e1d2c3b4a59687";
const NOBODY: &str = "  # access: [{ name: ops, token: { file: ops.token } }]";
const ACCESS: &str = "  audience: https://ops.example.com
  access: [{ name: ops, token: { file: ops.token } }, { provider: corp, group: platform-admins }]";

fn setup() -> Setup {
    let setup = Setup::new().replacing(NOBODY, ACCESS);
    setup.write("ops.token", TOKEN);
    setup.edit(
        "identities.yaml",
        "identities:\n",
        "identities:\n  - { issuer: corp, id: ops-bot, kind: agent, owner: alice@example.com, groups: [platform-admins] }\n",
    );
    setup
}

/// Asks with a bearer token, again where too many attempts have failed before.
fn ask(server: &Server, line: &str, bearer: Option<&str>) -> Reply {
    let headers = bearer.map(|token| format!("authorization: Bearer {token}\r\n"));
    eventually(SOON, "an answer that is no 429", || {
        let reply = send(server.admin(), line, headers.as_deref().unwrap_or_default());
        reply.ok().filter(|reply| reply.status != 429)
    })
}

/// An access token of `sub` in these groups.
fn token(server: &Server, sub: &str, groups: &[&str]) -> String {
    let token = server.setup.corp.token(sub).audience(AUDIENCE);
    token.groups(groups).sign()
}

fn changes(server: &Server) -> Vec<Value> {
    let records = server.records().into_iter();
    records.filter(|it| it["type"] == "admin").collect()
}

#[test]
fn every_credential_against_every_request() {
    let server = setup().argument("--log=trace").start();
    let corp = &server.setup.corp;
    let admins: &[&str] = &["platform-admins"];
    let expired = corp.token("alice").audience(AUDIENCE).groups(admins);
    let expired = expired
        .claim("exp", json!(crate::harness::now() - 120))
        .sign();
    let acting = corp.token("alice").audience(AUDIENCE).groups(admins);
    let acting = acting.actor("crm-bot").sign();
    let foreign = corp.token("alice").audience("https://api.example.com");
    let foreign = foreign.groups(admins).sign();
    let ci = server.setup.ci.token("deployer").audience(AUDIENCE);
    let ci = ci.claim("environment", json!("production")).sign();
    let alice = token(&server, "alice", admins);
    let bob = token(&server, "bob", &["payments"]);
    let bot = token(&server, "ops-bot", &[]);
    let wrong = TOKEN.replace('0', "1");
    let cases: [(&str, Option<&str>, [(u16, &str); 2]); 10] = [
        (
            "nobody",
            None,
            [(200, ""), (401, "authentication_required")],
        ),
        ("a wrong token", Some(&wrong), [(401, "token_malformed"); 2]),
        ("the token", Some(TOKEN), [(200, ""); 2]),
        ("expired", Some(&expired), [(401, "token_expired"); 2]),
        (
            "for another audience",
            Some(&foreign),
            [(401, "token_audience"); 2],
        ),
        ("of another provider", Some(&ci), [(401, "token_issuer"); 2]),
        ("without the group", Some(&bob), [(403, "not_listed"); 2]),
        ("with the group", Some(&alice), [(200, ""); 2]),
        (
            "an agent for somebody",
            Some(&acting),
            [(403, "not_listed"); 2],
        ),
        ("a registered agent", Some(&bot), [(200, ""); 2]),
    ];
    for (who, bearer, expected) in cases {
        for (line, (status, code)) in ["GET /status", "POST /reload"].into_iter().zip(expected) {
            let reply = ask(&server, line, bearer);
            let found = reply.json()["code"].as_str().unwrap_or_default().to_owned();
            assert_eq!(
                (reply.status, found.as_str()),
                (status, code),
                "{who}: {line}"
            );
            let challenged = reply.head.contains("www-authenticate: bearer");
            assert_eq!(challenged, status == 401, "{who}: {line}: {}", reply.head);
            assert!(
                reply.head.contains("cache-control: no-store"),
                "{}",
                reply.head
            );
        }
        for (line, status) in [
            ("POST /nothing", 404),
            ("GET /reload", 405),
            ("PUT /status", 405),
        ] {
            assert_eq!(ask(&server, line, bearer).status, status, "{who}: {line}");
        }
    }
    let by: Vec<Value> = eventually(SOON, "a record for each change", || {
        let changes = changes(&server);
        (changes.len() == 3).then(|| changes.iter().map(|it| it["by"].clone()).collect())
    });
    let expected = json!([
        { "name": "ops", "method": "token" },
        { "method": "provider", "id": "corp/alice" },
        { "method": "provider", "id": "corp/ops-bot" },
    ]);
    assert_eq!(json!(by), expected);

    // What was presented is nowhere.
    let records = std::fs::read_to_string(server.setup.audit_file()).unwrap();
    let metrics = server.get("/metrics").body;
    let said = [
        server.log(),
        server.output(),
        records,
        metrics,
        server.status().to_string(),
    ];
    let tokens = [expired, acting, foreign, ci, alice, bob, bot];
    let parts = tokens.iter().flat_map(|token| token.split('.').skip(1));
    for secret in parts.chain([TOKEN, &wrong]) {
        assert!(said.iter().all(|text| !text.contains(secret)), "`{secret}`");
    }
    let failed = "countersign_admin_refused_total{reason=\"unauthenticated\"}";
    assert!(server.metric(failed) >= 9.0);
}

#[test]
fn who_is_off_boarded_changes_nothing_any_more() {
    let server = setup().start();
    let bot = token(&server, "ops-bot", &[]);
    assert_eq!(ask(&server, "POST /reload", Some(&bot)).status, 200);
    let from = "groups: [platform-admins] }";
    let to = "groups: [platform-admins], status: offboarded }";
    server.setup.edit("identities.yaml", from, to);
    assert_eq!(ask(&server, "POST /reload", Some(TOKEN)).status, 200);
    let reply = ask(&server, "POST /reload", Some(&bot));
    let code = reply.json()["code"].clone();
    assert_eq!((reply.status, code), (401, json!("identity_offboarded")));
}

#[test]
fn a_reload_says_what_became_of_it() {
    let server = setup().start();
    let reload = || ask(&server, "POST /reload", Some(TOKEN));
    let before = server.status()["policy"]["version"].clone();
    let expected = json!({ "result": "unchanged", "version": before });
    assert_eq!(reload().json(), expected);
    let policy = "policies/payments.yaml";
    let good = server.setup.read(policy);
    server.setup.edit(
        policy,
        "group: payments }",
        "group: payments, wheel: true }",
    );
    let reply = reload();
    assert_eq!(reply.status, 422, "{reply:?}");
    assert!(
        reply.head.contains("application/problem+json"),
        "{}",
        reply.head
    );
    let problem = reply.json();
    assert_eq!(problem["code"], "reload_refused");
    let place = problem["problems"][0].as_str().unwrap();
    assert!(
        place.contains("payments.yaml:") && place.contains("wheel"),
        "{place}"
    );
    assert_eq!(server.status()["policy"]["version"], before);
    server.setup.write(
        policy,
        &good.replacen("group: payments }", "group: auditors }", 1),
    );
    let reply = reload().json();
    assert_eq!(reply["result"], "applied", "{reply}");
    assert_eq!(reply["version"], server.status()["policy"]["version"]);
    assert_ne!(reply["version"], before);
    let results: Vec<Value> = eventually(SOON, "a record for each", || {
        let changes = changes(&server);
        (changes.len() == 3).then(|| changes.iter().map(|it| it["result"].clone()).collect())
    });
    assert_eq!(json!(results), json!(["unchanged", "refused", "applied"]));
}

#[test]
fn a_change_whose_record_has_no_place_is_not_made() {
    let setup = setup().replacing(
        "sink: { file: audit.jsonl } }",
        "sink: { file: audit.fifo }, queue: 1 }",
    );
    let fifo = setup.path("audit.fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    // Somebody has it open and reads nothing, so that it fills up.
    let mut options = std::fs::OpenOptions::new();
    let reader = options.read(true).write(true).open(&fifo).unwrap();
    let server = setup.start();
    let full = (0..2000).find_map(|_| {
        let reply = ask(&server, "POST /reload", Some(TOKEN));
        (reply.status != 200).then_some(reply)
    });
    let full = full.expect("a full queue");
    assert_eq!(
        (full.status, full.json()["code"].clone()),
        (503, json!("audit_full"))
    );
    drop(reader);
}

#[test]
fn there_may_be_no_admin_listener() {
    let server = Setup::new().argument("--admin-listen=none").start();
    assert!(server.admin.is_none());
    assert_eq!(server.get("/readyz").status, 200);
    assert_eq!(server.get("/status").status, 404);
}
