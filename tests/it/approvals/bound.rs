//! What an approval is good for: this call, and no other that reads like it.

use countersign::model::approval::Status;
use serde_json::{Value, json};

use super::PENDING;
use super::stage::{Keeper, until_it_is};
use crate::harness::{Ask, Client, Server, Setup};

const CLERK: &str = "https://mcp.example.com/clerk";
const FILES: &str = "https://files.example.com";
const EU: &str = "eu.files.example.com";

/// A server whose clerks need a keeper's word for everything, and the keeper.
async fn office() -> (Server, Client, Keeper) {
    let setup = Setup::new();
    setup.write("policies/clerk.yaml", include_str!("clerk.yaml"));
    let server = setup.start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    (server, client, keeper)
}

fn token(server: &Server, audience: &str) -> String {
    let token = server.setup.corp.token("alice").audience(audience);
    token.groups(&["clerks"]).sign()
}

/// A message of a client without a session, or of one with.
fn message(server: &Server, message: &Value) -> Ask {
    let stateless = message.pointer("/params/_meta").is_some();
    let ask = Ask::new("POST", "mcp.example.com", "/clerk")
        .bearer(&token(server, CLERK))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(message.to_string());
    if !stateless {
        return ask;
    }
    let text = |at: &str| message.pointer(at).and_then(Value::as_str);
    let ask = ask
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", text("/method").unwrap());
    match text("/params/name") {
        Some(name) => ask.header("mcp-name", name),
        None => ask,
    }
}

/// A call of a tool, with other members of `params`.
fn calls(server: &Server, tool: &str, arguments: &Value, id: u32, others: &Value) -> Ask {
    let mut params = json!({ "name": tool, "arguments": arguments, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "x", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    }});
    for (name, value) in others.as_object().unwrap() {
        match (params.get_mut(name).and_then(Value::as_object_mut), value) {
            (Some(known), Value::Object(more)) => known.extend(more.clone()),
            _ => params[name] = value.clone(),
        }
    }
    message(
        server,
        &json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }),
    )
}

/// How many approvals these wait for, all together.
async fn waited_for(client: &Client, keeper: &Keeper, asks: &[Ask]) -> usize {
    for ask in asks {
        waits(client, ask).await;
    }
    keeper.all_waiting().await
}

/// A call that is allowed as soon as somebody approves it: over HTTP 403, of a tool the result of a call.
async fn waits(client: &Client, ask: &Ask) {
    let outcome = client.check(ask).await.outcome();
    let of_tool = "pending 200 approval_required";
    assert!(
        [PENDING, of_tool].contains(&outcome.as_str()),
        "{ask:?}: {outcome}"
    );
}

#[tokio::test]
async fn a_retry_that_says_more_than_was_approved_waits_again() {
    let (server, client, keeper) = office().await;
    let change = |others: Value| {
        calls(
            &server,
            "update_customer",
            &json!({ "id": "7" }),
            1,
            &others,
        )
    };
    let plain = change(json!({}));
    waits(&client, &plain).await;
    keeper.approve().await;
    let smuggled = [
        json!({ "inputResponses": { "confirm": { "action": "accept", "content": { "segment": "all" } } } }),
        json!({ "inputResponses": { "authz_approval": { "action": "accept", "content": { "segment": "all" } } } }),
        json!({ "inputResponses": { "authz_approval": { "action": "accept", "segment": "all" } } }),
        json!({ "inputResponses": { "authz_approval": "accept" } }),
        json!({ "requestState": "somebody else's" }),
        json!({ "task": { "ttl": 60000 } }),
        json!({ "_meta": { "example.com/all": true } }),
        json!({ "_meta": { "traceparent": { "all": true } } }),
    ];
    let smuggled: Vec<Ask> = smuggled.into_iter().map(change).collect();
    let waiting = waited_for(&client, &keeper, &smuggled).await;
    assert_eq!(waiting, smuggled.len(), "each waits for its own");
    // What only says that the same is asked for again, is no part of it.
    let again = json!({
        "inputResponses": { "authz_approval": { "action": "accept" } },
        "_meta": { "progressToken": 7, "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                   "io.modelcontextprotocol/logLevel": "debug" },
    });
    let again = calls(&server, "update_customer", &json!({ "id": "7" }), 2, &again);
    until_it_is(&client, &again, "allow").await;
}

#[tokio::test]
async fn approvers_are_shown_which_tool_and_what_else_is_said() {
    let (server, client, keeper) = office().await;
    let task = json!({ "task": { "ttl": 60000 }, "_meta": { "progressToken": 1 } });
    let same = json!({ "id": "7" });
    for (tool, others) in [("update_customer", &json!({})), ("delete_customer", &task)] {
        let ask = calls(&server, tool, &same, 1, others);
        waits(&client, &ask).await;
    }
    let all = keeper.all(Status::Pending).await;
    let shown = |tool: &str| {
        let called = format!("tools/call {tool}");
        let mut of_tool = all.iter().map(|it| &it.details);
        let details = of_tool.find(|it| it.operation.as_deref() == Some(&called));
        details.unwrap_or_else(|| panic!("no {tool}"))
    };
    assert_eq!(shown("update_customer").rest, None);
    let rest = shown("delete_customer").rest.as_deref();
    assert_eq!(rest, Some(r#"{"task":{"ttl":60000}}"#));
}

#[tokio::test]
async fn a_message_without_arguments_is_approved_as_it_is() {
    let (server, client, keeper) = office().await;
    let says = |method: &str, params: Value| {
        message(
            &server,
            &json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }),
        )
    };
    let completes = |name: &str, value: &str| {
        let of = json!({ "type": "ref/prompt", "name": name });
        says(
            "completion/complete",
            json!({ "ref": of, "argument": { "name": "x", "value": value } }),
        )
    };
    let updates = |answer: Value| {
        says(
            "tasks/update",
            json!({ "taskId": "t", "inputResponses": answer }),
        )
    };
    let answers = |result: Value| {
        message(
            &server,
            &json!({ "jsonrpc": "2.0", "id": 1, "result": result }),
        )
    };
    let tells = |method: &str, params: Value| {
        message(
            &server,
            &json!({ "jsonrpc": "2.0", "method": method, "params": params }),
        )
    };
    let asks = [
        completes("one", "x"),
        completes("two", "x"),
        completes("one", "y"),
        updates(json!({ "confirm": { "action": "accept" } })),
        updates(json!({ "confirm": { "action": "decline" } })),
        says("logging/setLevel", json!({ "level": "error" })),
        says("logging/setLevel", json!({ "level": "debug" })),
        answers(json!({ "action": "accept" })),
        answers(json!({ "action": "decline" })),
        tells("notifications/cancelled", json!({ "requestId": 1 })),
        tells("notifications/cancelled", json!({ "requestId": 2 })),
        tells("notifications/progress", json!({ "requestId": 2 })),
    ];
    for ask in &asks {
        client.check(ask).await;
    }
    assert_eq!(keeper.all_waiting().await, asks.len());
}

#[tokio::test]
async fn what_is_approved_for_one_host_is_not_for_another() {
    let (server, client, keeper) = office().await;
    let removes = |host: &str, path: &str| {
        Ask::new("DELETE", host, path)
            .bearer(&token(&server, FILES))
            .header("content-length", "0")
    };
    let eu = removes(EU, "/files/a");
    assert_eq!(client.check(&eu).await.outcome(), PENDING);
    keeper.approve().await;
    let us = removes("us.files.example.com", "/files/a");
    assert_eq!(waited_for(&client, &keeper, &[us]).await, 1);
    // The same host, written in another way.
    until_it_is(
        &client,
        &removes("EU.files.example.com:443", "/files/a"),
        "allow",
    )
    .await;
    keeper.clear().await;
    // Where only the name is approved, the host is none of it.
    assert_eq!(
        client.check(&removes(EU, "/purged/a")).await.outcome(),
        PENDING
    );
    keeper.approve().await;
    until_it_is(
        &client,
        &removes("us.files.example.com", "/purged/a"),
        "allow",
    )
    .await;
}

#[tokio::test]
async fn a_body_that_nobody_can_rule_out_is_not_approved_unseen() {
    let (server, client, keeper) = office().await;
    let ask = |method: &str, path: &str| Ask::new(method, EU, path).bearer(&token(&server, FILES));
    for (method, path) in [("DELETE", "/files/a"), ("GET", "/files/a")] {
        for over in ["HTTP/2", "HTTP/3", ""] {
            let refused = client.check(&ask(method, path).protocol(over)).await;
            assert_eq!(
                refused.outcome(),
                "deny 400 input_incomplete",
                "{method} {over}"
            );
        }
        for over in ["HTTP/1.0", "HTTP/1.1"] {
            let known = client.check(&ask(method, path).protocol(over)).await;
            assert_eq!(known.outcome(), PENDING, "{method} {over}");
        }
        for known in [
            ask(method, path).header("content-length", "0"),
            // Envoy's own word: it waited for a body, and there was none.
            ask(method, path).header("x-envoy-auth-partial-body", "false"),
            // The word of who configured Envoy.
            ask(method, path).context("body", "sent"),
        ] {
            assert_eq!(client.check(&known).await.outcome(), PENDING, "{known:?}");
        }
        assert_eq!(keeper.all_waiting().await, 1, "one and the same call");
        keeper.clear().await;
    }
    let chunked = ask("DELETE", "/files/a")
        .protocol("HTTP/1.1")
        .header("transfer-encoding", "chunked");
    assert_eq!(
        client.check(&chunked).await.outcome(),
        "deny 400 input_incomplete"
    );
    // Whoever binds to something else wants no body.
    assert_eq!(
        client.check(&ask("DELETE", "/purged/a")).await.outcome(),
        PENDING
    );
}

#[tokio::test]
async fn what_it_is_bound_to_is_part_of_it() {
    let (server, client, keeper) = office().await;
    let export = |arguments: Value| calls(&server, "export_customers", &arguments, 1, &json!({}));
    let at_night = export(json!({ "segment": "eu" })).header("x-night", "1");
    waits(&client, &at_night).await;
    keeper.approve().await;
    // By day nobody looks at the rows: what was approved at night said that there are none.
    let by_day = export(json!({ "segment": "eu", "rows": 1_000_000 }));
    assert_eq!(waited_for(&client, &keeper, &[by_day]).await, 1);
    until_it_is(&client, &at_night, "allow").await;
}
