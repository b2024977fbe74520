//! Who may change a running server, by every kind of credential, and what is left of it.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::harness::{Reply, SOON, Server, Setup, eventually, send};

const AUDIENCE: &str = "https://ops.example.com";
const ADMINS: &[&str] = &["platform-admins"];
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

/// A caller, its bearer token, and what `GET /status` and `POST /reload` answer: a status and a code.
type Case = (&'static str, Option<String>, [(u16, &'static str); 2]);

fn cases(server: &Server) -> Vec<Case> {
    let corp = &server.setup.corp;
    let of = |audience: &str| corp.token("alice").audience(audience).groups(ADMINS);
    let gone = json!(crate::harness::now() - 120);
    let expired = of(AUDIENCE).claim("exp", gone).sign();
    let acting = of(AUDIENCE).actor("crm-bot").sign();
    let foreign = of("https://api.example.com").sign();
    let ci = server.setup.ci.token("deployer").audience(AUDIENCE);
    let ci = ci.claim("environment", json!("production")).sign();
    let alice = token(server, "alice", ADMINS);
    let bob = token(server, "bob", &["payments"]);
    let bot = token(server, "ops-bot", &[]);
    let wrong = TOKEN.replace('0', "1");
    let refused = |status, code| [(status, code); 2];
    let allowed = [(200, ""); 2];
    let nobody = [(200, ""), (401, "authentication_required")];
    vec![
        ("nobody", None, nobody),
        (
            "a wrong token",
            Some(wrong),
            refused(401, "token_malformed"),
        ),
        ("the token", Some(TOKEN.to_owned()), allowed),
        ("expired", Some(expired), refused(401, "token_expired")),
        (
            "for another audience",
            Some(foreign),
            refused(401, "token_audience"),
        ),
        (
            "of another provider",
            Some(ci),
            refused(401, "token_issuer"),
        ),
        ("without the group", Some(bob), refused(403, "not_listed")),
        ("with the group", Some(alice), allowed),
        (
            "an agent for somebody",
            Some(acting),
            refused(403, "not_listed"),
        ),
        ("a registered agent", Some(bot), allowed),
    ]
}

#[test]
fn every_credential_against_every_request() {
    let server = setup().argument("--log=trace").start();
    let cases = cases(&server);
    for (who, bearer, expected) in &cases {
        let bearer = bearer.as_deref();
        for (line, (status, code)) in ["GET /status", "POST /reload"].into_iter().zip(*expected) {
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
    let tokens = cases.iter().filter_map(|(_, bearer, _)| bearer.as_deref());
    // Of a signed token's parts the header may be guessed.
    let parts = tokens.flat_map(|token| token.split('.').skip(usize::from(token.contains('.'))));
    for secret in parts {
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
    // Somebody has it open and reads nothing, so that it stays full.
    let mut options = std::fs::OpenOptions::new();
    let mut reader = options.read(true).write(true).open(&fifo).unwrap();
    // All that a pipe holds.
    reader.write_all(&vec![b'\n'; 64 * 1024]).unwrap();
    let server = setup.start();
    let full = (0..20).find_map(|_| {
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

#[test]
fn a_flood_of_wrong_credentials_keeps_nobody_out_who_has_a_right_one() {
    let server = setup().start();
    let (admin, alice) = (server.admin(), token(&server, "alice", ADMINS));
    let wrong = [
        format!("authorization: Bearer {alice}x\r\n"),
        format!("authorization: Bearer {}\r\n", TOKEN.replace('0', "1")),
    ];
    let stop = AtomicBool::new(false);
    let reload = |token: &str| {
        let headers = format!("authorization: Bearer {token}\r\n");
        send(admin, "POST /reload", &headers).unwrap().status
    };
    std::thread::scope(|scope| {
        for headers in wrong.iter().cycle().take(8) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let _refused = send(admin, "POST /reload", headers);
                }
            });
        }
        let limited = "countersign_admin_refused_total{reason=\"limited\"}";
        eventually(SOON, "a flood", || {
            (server.metric(limited) > 20.0).then_some(())
        });
        let statuses: Vec<u16> = (0..5)
            .flat_map(|_| [reload(&alice), reload(TOKEN)])
            .collect();
        let nobody = send(admin, "GET /status", "").unwrap().status;
        stop.store(true, Ordering::Relaxed);
        assert_eq!(statuses, [200; 10]);
        assert_eq!(nobody, 200, "who shows nothing may read on");
    });
}

#[test]
fn what_somebody_writes_about_a_certificate_counts_for_nothing() {
    // The mesh has a proxy that is trusted with that; it does not stand in front of this listener.
    let setup = setup()
        .replacing(
            "mtls: { trust_domains: [example.org] }",
            "mtls: { trust_domains: [example.org], trusted_hops: 1 }",
        )
        .replacing(
            "{ provider: corp, group",
            "{ provider: mesh, id: 'spiffe://example.org/ops/*' }, { provider: corp, group",
        );
    let server = setup.start();
    let hash = "00".repeat(32);
    let forwarded =
        format!("x-forwarded-client-cert: Hash={hash};URI=spiffe://example.org/ops/ada\r\n");
    let bound = server.setup.corp.token("alice").audience(AUDIENCE);
    let thumbprint = json!({ "x5t#S256": "A".repeat(43) });
    let bound = bound.groups(ADMINS).claim("cnf", thumbprint).sign();
    let key = server.setup.corp.token("alice").audience(AUDIENCE);
    let key = key
        .groups(ADMINS)
        .claim("cnf", json!({ "jkt": "A".repeat(43) }))
        .sign();
    let bearer = |token: &str| format!("{forwarded}authorization: Bearer {token}\r\n");
    for (headers, expected) in [
        (forwarded.clone(), "authentication_required"),
        (bearer(&bound), "certificate_mismatch"),
        (bearer(&key), "token_bound"),
    ] {
        let reply = send(server.admin(), "POST /reload", &headers).unwrap();
        let code = reply.json()["code"].clone();
        assert_eq!((reply.status, code), (401, json!(expected)), "{headers}");
    }
    assert_eq!(changes(&server), [] as [Value; 0]);
}

/// What this server knows of revocations is too old to let anybody in whom a provider vouches for; a token in a file is the way in
/// that depends on nobody.
#[test]
fn nobody_is_an_operator_by_a_provider_while_state_is_stale() {
    const HARNESS: &str = "staleness: { low: 5m, medium: 2m, high: 2m, critical: 2m }";
    let server = setup().replacing(HARNESS, "replica: gateway-1").start();
    let alice = token(&server, "alice", ADMINS);
    assert_eq!(ask(&server, "GET /keys", Some(&alice)).status, 200);
    let file = server.setup.path("state.db");
    let away = file.with_extension("away");
    std::fs::rename(&file, &away).unwrap();
    let refused = eventually(SOON, "refused", || {
        let reply = ask(&server, "POST /reload", Some(&alice));
        (reply.status != 200).then_some(reply)
    });
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (503, &json!("state_stale"))
    );
    assert_eq!(ask(&server, "POST /reload", Some(TOKEN)).status, 200);
    std::fs::rename(&away, &file).unwrap();
    eventually(SOON, "back", || {
        (ask(&server, "POST /reload", Some(&alice)).status == 200).then_some(())
    });
}
