//! Calls that wait for an approval: what each protocol reads of it, and that the same call finds the same approval.

use serde_json::{Value, json};

use super::{HOST, call, raw};
use crate::harness::{Answer, Ask, Client, SOON, Server, Setup, eventually_async, now, send_body};

/// An MCP route where every call waits, and one of an API.
const POLICY: &str = r#"
version: 1
routes:
  wait-http:
    match: { host: mcp.example.com, path: /http }
    url: https://mcp.example.com/http
    providers: [corp]
    protocol: mcp
    server: crm
    actions:
      http.export: { tool: export_customers, args: { rows: int } }
      http.read: { uri: "file:///reports/*" }
  wait-rpc:
    match: { host: mcp.example.com, path: /rpc }
    url: https://mcp.example.com/rpc
    providers: [corp]
    protocol: mcp
    server: crm
    deny_style: jsonrpc
    elicitation: url
    actions:
      rpc.export: { tool: export_customers, args: { rows: int } }
      rpc.read: { uri: "file:///reports/*" }
  wait-api:
    match: { host: wait.example.com }
    url: https://wait.example.com
    providers: [corp]
    actions:
      things.delete: { http: "DELETE /v1/things/{id}" }
      things.drop: { grpc: wait.Things/Drop }
rules:
  - { id: wait-team, permit: [http.*, rpc.*, things.*], to: { issuer: corp, group: crm } }
  - id: waits
    guard: [http.*, rpc.*, things.*]
    require: [{ approval: { from: { issuer: corp, group: leads } } }]
"#;

const APPROVE: &str = "https://approve.example.com";
const NEW: &str = "2026-07-28";
const OLD: &str = "2025-11-25";

fn start() -> Server {
    let setup = Setup::new();
    setup.write("policies/wait.yaml", POLICY);
    let own = "\n  url: https://approve.example.com\n  pending_per_requester: 8\n";
    setup.edit("countersign.yaml", "\n  url: http://127.0.0.1:9193\n", own);
    setup.start()
}

fn token(server: &Server, audience: &str, who: &str, group: &str) -> String {
    let token = server.setup.corp.token(who).audience(audience);
    token.groups(&[group]).sign()
}

/// A message on an MCP route from a client that sends people to a URL, or not.
fn message(server: &Server, path: &str, revision: &str, able: bool, body: &Value) -> Ask {
    let mut body = body.clone();
    let method = body["method"].as_str().unwrap().to_owned();
    let target = ["name", "uri"].map(|member| body["params"][member].as_str().map(str::to_owned));
    let target = target.into_iter().flatten().next().unwrap();
    let capabilities = if able {
        json!({ "elicitation": { "form": {}, "url": {} } })
    } else {
        json!({})
    };
    body["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": revision,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    let token = token(server, &format!("https://{HOST}/{path}"), "alice", "crm");
    raw(path, &body.to_string())
        .header("mcp-protocol-version", revision)
        .header("mcp-method", method)
        .header("mcp-name", target)
        .bearer(&token)
}

fn export() -> Value {
    call(7, "export_customers", &json!({ "rows": 10 }))
}

fn read() -> Value {
    let params = json!({ "uri": "file:///reports/q1" });
    json!({ "jsonrpc": "2.0", "id": 8, "method": "resources/read", "params": params })
}

/// The answer to whoever waits: status, body, the approval's id.
async fn waits(client: &Client, ask: &Ask) -> (i32, Value, String) {
    let answer = client.check(ask).await;
    assert_eq!(answer.code(), 7, "{answer:?}");
    assert_eq!(answer.told("verdict"), "pending", "{answer:?}");
    assert_eq!(answer.reason(), "approval_required");
    let id = answer.told("approval");
    assert!(id.starts_with("apr_"), "{answer:?}");
    (answer.status(), body(&answer), id)
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.denied().body).unwrap_or_default()
}

fn page(id: &str) -> String {
    format!("https://approve.example.com/approvals/{id}")
}

#[tokio::test]
async fn each_protocol_has_its_own_words_for_one_approval() {
    let server = start();
    let client = server.client().await;
    let able = message(&server, "http", NEW, true, &export());
    let (status, asked, id) = waits(&client, &able).await;
    assert_eq!(status, 200);
    assert_eq!(asked["id"], 7);
    assert_eq!(asked["result"]["resultType"], "input_required");
    let request = &asked["result"]["inputRequests"]["authz_approval"];
    assert_eq!(request["method"], "elicitation/create");
    assert_eq!(request["params"]["mode"], "url");
    assert_eq!(request["params"]["url"], page(&id));
    assert_eq!(asked["result"].get("requestState"), None);

    // The same call of the same person: one approval, however it is told.
    for (revision, able) in [(NEW, false), (OLD, true), (OLD, false)] {
        let ask = message(&server, "http", revision, able, &export());
        let (status, told, same) = waits(&client, &ask).await;
        assert_eq!((status, &same), (200, &id), "{revision} {able}");
        assert_eq!(told["result"]["isError"], true);
        let approval = &told["result"]["structuredContent"]["approval"];
        assert_eq!(approval["id"], id);
        assert_eq!(approval["url"], page(&id));
        assert_eq!(approval["status_url"], format!("{}/status", page(&id)));
        assert_eq!(approval["retry_after"], 30);
        let text = told["result"]["content"][0]["text"].as_str().unwrap();
        assert!(
            text.contains(&id) && text.contains("exactly the same call again"),
            "{text}"
        );
    }
    let other = call(9, "export_customers", &json!({ "rows": 11 }));
    let (_, _, other) = waits(&client, &message(&server, "http", NEW, true, &other)).await;
    assert_ne!(other, id);

    // Another method than a tool's call has no result that says that it failed.
    let (status, told, _) = waits(&client, &message(&server, "http", NEW, false, &read())).await;
    assert_eq!((status, &told["error"]["code"]), (403, &json!(40305)));
    let (_, told, _) = waits(&client, &message(&server, "http", NEW, true, &read())).await;
    assert_eq!(told["result"]["resultType"], "input_required");
}

#[tokio::test]
async fn a_route_can_send_the_people_of_older_clients_there() {
    let server = start();
    let client = server.client().await;
    for body in [export(), read()] {
        let ask = message(&server, "rpc", OLD, false, &body);
        let (status, told, id) = waits(&client, &ask).await;
        assert_eq!((status, &told["error"]["code"]), (200, &json!(-32042)));
        let asked = &told["error"]["data"]["elicitations"];
        assert_eq!(asked.as_array().unwrap().len(), 1);
        assert_eq!(asked[0]["elicitationId"], id);
        assert_eq!(asked[0]["url"], page(&id));
        // Never to clients of the newest revision.
        let (_, told, same) = waits(&client, &message(&server, "rpc", NEW, false, &body)).await;
        assert_eq!(same, id);
        assert!(!told.to_string().contains("-32042"), "{told}");
    }
}

#[tokio::test]
async fn a_program_reads_a_problem_and_a_grpc_caller_a_line() {
    let server = start();
    let client = server.client().await;
    let token = token(&server, "https://wait.example.com", "alice", "crm");
    let delete = Ask::new("DELETE", "wait.example.com", "/v1/things/7").bearer(&token);
    let delete = delete.header("content-length", "0");
    let answer = client.check(&delete).await;
    let id = answer.told("approval");
    assert_eq!(answer.outcome(), "pending 403 approval_required");
    assert_eq!(answer.header("retry-after").as_deref(), Some("30"));
    assert_eq!(answer.header("www-authenticate"), None);
    let problem = answer.problem();
    assert_eq!(
        problem["approval"]["status_url"],
        format!("{}/status", page(&id))
    );
    assert!(
        problem["approval"]["expires"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    // Nothing of the caller or of the call stands in a URL.
    let urls = format!(
        "{} {}",
        problem["approval"]["url"], problem["approval"]["status_url"]
    );
    assert!(
        !urls.contains("alice") && !urls.contains("things"),
        "{urls}"
    );

    let drop = Ask::new("POST", "wait.example.com", "/wait.Things/Drop")
        .header("content-type", "application/grpc")
        .body([0; 5])
        .bearer(&token);
    let answer = client.check(&drop).await;
    let (id, decision) = (answer.told("approval"), answer.told("decision_id"));
    let line = format!(
        "This needs an approval (approval_required, decision {decision}, approval {id}): {}",
        page(&id)
    );
    assert_eq!(answer.denied().body, line);
    assert_eq!(answer.status(), 403);
}

#[tokio::test]
async fn whoever_refuses_to_go_there_reads_a_result_instead() {
    let server = start();
    let client = server.client().await;
    for (action, asked) in [("accept", true), ("decline", false), ("cancel", false)] {
        let mut retry = export();
        retry["params"]["inputResponses"] = json!({ "authz_approval": { "action": action } });
        let ask = message(&server, "http", NEW, true, &retry);
        let (_, told, _) = waits(&client, &ask).await;
        let kind = told["result"]["resultType"] == "input_required";
        assert_eq!(kind, asked, "{action}: {told}");
    }
}

/// Votes on an approval, as somebody of the group that may.
fn vote(server: &Server, id: &str, verb: &str) {
    let token = server.setup.corp.token("lea").audience(APPROVE);
    // Whoever approves has just shown a strong key.
    let token = token.groups(&["leads"]).claim("acr", json!("phr"));
    let token = token.claim("auth_time", json!(now() - 1)).sign();
    let headers = format!("authorization: Bearer {token}\r\n");
    let line = format!("POST /approvals/{id}/{verb}");
    let reply = send_body(server.admin(), &line, &headers, r#"{"reason":"seen"}"#).unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test]
async fn the_same_call_passes_once_when_it_is_approved() {
    let server = start();
    let client = server.client().await;
    let ask = message(&server, "http", NEW, true, &export());
    let (_, _, id) = waits(&client, &ask).await;
    vote(&server, &id, "approve");
    eventually_async(SOON, "it passes", async || {
        let answer = client.check(&ask).await;
        answer
            .allows()
            .then(|| assert_eq!(answer.told("approval"), id))
    })
    .await;
    let (_, _, next) = waits(&client, &ask).await;
    assert_ne!(next, id);
}

#[tokio::test]
async fn a_no_is_told_as_one() {
    let server = start();
    let client = server.client().await;
    let ask = message(&server, "http", OLD, false, &export());
    let (_, _, id) = waits(&client, &ask).await;
    vote(&server, &id, "deny");
    let answer = eventually_async(SOON, "it is refused", async || {
        let answer = client.check(&ask).await;
        (answer.told("verdict") == "deny").then_some(answer)
    })
    .await;
    assert_eq!(answer.outcome(), "deny 403 approval_denied");
    assert_eq!(answer.problem()["error"]["code"], 40301);
    assert_eq!(answer.header("retry-after"), None);
}

#[tokio::test]
async fn whoever_waits_for_too_much_is_told_when_to_come_back() {
    let server = start();
    let client = server.client().await;
    let token = token(&server, "https://wait.example.com", "bob", "crm");
    let ask = |id: usize| {
        let path = format!("/v1/things/{id}");
        let ask = Ask::new("DELETE", "wait.example.com", &path).bearer(&token);
        ask.header("content-length", "0")
    };
    for id in 0..8 {
        waits(&client, &ask(id)).await;
    }
    let answer = client.check(&ask(8)).await;
    assert_eq!(answer.outcome(), "deny 403 approval_limit");
    assert_eq!(answer.header("retry-after").as_deref(), Some("60"));
    waits(&client, &ask(3)).await;
}
