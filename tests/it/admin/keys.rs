//! API keys through the admin port: from their issue to their end, while the server runs.

use serde_json::{Value, json};

use crate::harness::{Ask, SOON, Server, Setup, eventually, eventually_async, send_body};

const TOKEN: &str = "0f5a4e1c9b7d3826f0e1d2c3b4a59687";
const NOBODY: &str = "  # access: [{ name: ops, token: { file: ops.token } }]";
const PARTNERS: &str = "  partners: { api_key: { prefix: acme, pepper: { file: pepper } } }\n";

fn start() -> Server {
    let access = "  access: [{ name: ops, token: { file: ops.token } }]";
    let setup = Setup::new().replacing(NOBODY, access);
    setup.write("ops.token", TOKEN);
    setup.write("pepper", &"pepper ".repeat(8));
    let settings = setup.read("countersign.yaml") + PARTNERS;
    setup.write("countersign.yaml", &settings);
    let policy = "policies/payments.yaml";
    setup.edit(policy, "providers: [corp] ", "providers: [corp, partners] ");
    setup.edit(
        policy,
        "rules:\n",
        "rules:\n  - { id: partners, permit: payments.list, to: { issuer: partners, id: billing } }\n",
    );
    setup.argument("--log=trace").start()
}

/// Status and body.
fn ask(server: &Server, line: &str, body: &Value) -> (u16, Value) {
    let headers = format!("authorization: Bearer {TOKEN}\r\n");
    let body = body.as_object().map(|it| json!(it).to_string());
    let body = body.unwrap_or_default();
    let reply = send_body(server.admin(), line, &headers, &body).unwrap();
    (reply.status, reply.json())
}

fn billing() -> Value {
    json!({ "provider": "partners", "id": "billing", "owner": "team@example.com", "scope": ["payments:read"] })
}

async fn becomes(server: &Server, key: &str, outcome: &str) {
    let client = server.client().await;
    let ask = Ask::payments("/v1/payments").header("x-api-key", key);
    eventually_async(SOON, outcome, async || {
        (client.check(&ask).await.outcome() == outcome).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_key_is_issued_rotated_and_revoked_while_the_server_runs() {
    let server = start();
    let (status, first) = ask(&server, "POST /keys", &billing());
    assert_eq!(status, 201, "{first}");
    let (key, id) = (
        first["key"].as_str().unwrap(),
        first["id"].as_str().unwrap(),
    );
    assert!(key.starts_with("acme_"), "{key}");
    becomes(&server, key, "allow").await;

    let line = format!("POST /keys/{id}/rotate");
    let (status, second) = ask(&server, &line, &json!({ "overlap": "1h", "expires": "7d" }));
    assert_eq!(status, 201, "{second}");
    let next = second["key"].as_str().unwrap();
    becomes(&server, next, "allow").await;
    becomes(&server, key, "allow").await;

    let line = format!("POST /keys/{id}/revoke");
    let (status, revoked) = ask(&server, &line, &json!({ "reason": "leaked" }));
    assert_eq!((status, &revoked["already"]), (200, &json!(false)));
    // At once, and not when the table is read again: it is an entry of its own, which is given back where the store loses it.
    let call = Ask::payments("/v1/payments").header("x-api-key", key);
    let outcome = server.client().await.check(&call).await.outcome();
    assert_eq!(outcome, "deny 401 api_key_revoked");
    let entry = &ask(&server, "GET /revocations", &Value::Null).1["revocations"][0];
    assert_eq!(
        (&entry["kind"], &entry["value"]),
        (&json!("api_key"), &json!(id))
    );
    assert!(entry["expires"].is_string(), "{entry}");
    becomes(&server, next, "allow").await;
    assert_eq!(ask(&server, &line, &Value::Null).1["already"], json!(true));

    let (status, listed) = ask(&server, "GET /keys", &Value::Null);
    assert_eq!(status, 200);
    let mut all: Vec<_> = listed["keys"].as_array().unwrap().iter().collect();
    all.sort_by_key(|it| it["state"].as_str().map(str::to_owned));
    let shown: Vec<_> = all.iter().map(|it| (&it["state"], &it["reason"])).collect();
    assert_eq!(
        shown,
        [
            (&json!("live"), &Value::Null),
            (&json!("revoked"), &json!("leaked"))
        ]
    );
    assert!(listed["keys"][0].get("digest").is_none(), "{listed}");

    let changes = eventually(SOON, "a record for each change", || {
        let records = server.records().into_iter();
        let changes: Vec<_> = records.filter(|it| it["type"] == "admin").collect();
        (changes.len() == 4).then_some(changes)
    });
    let shown: Vec<_> = changes
        .iter()
        .map(|it| {
            (
                it["action"].as_str().unwrap(),
                it["result"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("keys.issue", "issued"),
        ("keys.rotate", "rotated"),
        ("keys.revoke", "revoked"),
        ("keys.revoke", "unchanged"),
    ];
    assert_eq!(shown, expected);
    assert!(
        changes
            .iter()
            .all(|it| it["target"] == id && it["by"]["name"] == "ops")
    );
    let records = std::fs::read_to_string(server.setup.audit_file()).unwrap();
    let secrets = [key, next].map(|key| key.rsplit('_').next().unwrap());
    for secret in secrets {
        assert!(!records.contains(secret) && !server.log().contains(secret));
        assert!(!listed.to_string().contains(secret));
    }
}

#[test]
fn what_cannot_be_done_says_why_and_repeats_nothing() {
    let server = start();
    let with = |name: &str, value: Value| {
        let mut body = billing();
        body[name] = value;
        body
    };
    let whole = "/keys/acme_0123456789abcdef_s3cret-s3cret-s3cret";
    for (line, body, status, code) in [
        (
            "POST /keys",
            with("provider", json!("corp")),
            409,
            "provider_unknown",
        ),
        (
            "POST /keys",
            with("kind", json!("human")),
            400,
            "key_invalid",
        ),
        (
            "POST /keys",
            with("kind", json!("robot")),
            400,
            "key_invalid",
        ),
        (
            "POST /keys",
            with("networks", json!(["s3cret"])),
            400,
            "key_invalid",
        ),
        (
            "POST /keys",
            with("expires", json!("1000d")),
            400,
            "key_invalid",
        ),
        ("POST /keys", with("s3cret", json!(1)), 400, "body_invalid"),
        ("POST /keys", Value::Null, 400, "body_invalid"),
        (
            &format!("POST {whole}/revoke"),
            Value::Null,
            404,
            "key_unknown",
        ),
        (
            &format!("POST {whole}/rotate"),
            Value::Null,
            404,
            "key_unknown",
        ),
    ] {
        let (found, problem) = ask(&server, line, &body);
        assert_eq!(
            (found, &problem["code"]),
            (status, &json!(code)),
            "{line} {body}"
        );
        assert!(!problem.to_string().contains("s3cret"), "{problem}");
    }
    for _ in 0..2 {
        assert_eq!(ask(&server, "POST /keys", &billing()).0, 201);
    }
    let (status, problem) = ask(&server, "POST /keys", &billing());
    assert_eq!((status, &problem["code"]), (409, &json!("too_many_keys")));
    // Without a credential not even the list is shown, and what was typed is in no log.
    for line in ["GET /keys", "POST /keys", &format!("POST {whole}/revoke")] {
        let headers = "authorization: Bearer wrong\r\n";
        let reply = send_body(server.admin(), line, headers, "").unwrap();
        assert_eq!(reply.status, 401, "{line}");
        assert!(!reply.body.contains("partners"), "{}", reply.body);
    }
    let records = std::fs::read_to_string(server.setup.audit_file()).unwrap_or_default();
    assert!(!server.log().contains("s3cret") && !records.contains("s3cret"));
}
