//! Opaque tokens through the real program, with an endpoint that answers, stalls, drips, redirects and lies.

mod asking;
mod failing;
mod offline;

use serde_json::{Value, json};

use crate::harness::{
    Ask, Client, IntrospectionServer, PAYMENTS, SOON, Server, Setup, eventually_async,
};

/// The client's secret, which is told to the endpoint and to nobody else.
const SECRET: &str = "cl1ent-s3cret";

/// A configuration in which the payments route also accepts opaque tokens of `legacy`.
fn setup(endpoint: &IntrospectionServer, more: &str) -> Setup {
    let setup = Setup::new();
    setup.write("client.secret", SECRET);
    let provider = format!(
        "\nproviders:\n  legacy:\n    introspection:\n      endpoint: {}\n      client: {{ id: countersign, secret: {{ file: client.secret }} }}\n      \
         unregistered_client: subject\n      map: {{ kind: '\"human\"' }}\n{more}",
        endpoint.url(),
    );
    setup.edit("countersign.yaml", "\nproviders:\n", &provider);
    let policy = "policies/payments.yaml";
    setup.edit(policy, "providers: [corp] ", "providers: [corp, legacy] ");
    let rules = "rules:\n  - { id: legacy-reads, permit: payments.list, to: { issuer: legacy, kind: human } }\n  \
                 - { id: anyone-reads, permit: payments.list, to: { kind: anonymous } }\n";
    let text = setup.read(policy).replacen("rules:\n", rules, 1);
    // The action's scope binds tokens; without it anonymous callers may list.
    let text = text.replace(
        "http: GET /v1/payments, scope: payments:read }",
        "http: GET /v1/payments }",
    );
    setup.write(policy, &text);
    setup
}

/// What is said about a good token.
fn alice() -> Value {
    json!({ "sub": "alice", "aud": PAYMENTS, "client_id": "web", "scope": "payments:read" })
}

fn ask(token: &str) -> Ask {
    Ask::payments("/v1/payments").bearer(token)
}

async fn outcome(client: &Client, token: &str) -> String {
    client.check(&ask(token)).await.outcome()
}

async fn becomes(client: &Client, token: &str, expected: &str) {
    eventually_async(SOON, expected, async || {
        (outcome(client, token).await == expected).then_some(())
    })
    .await;
}

/// What `/status` says about the provider.
fn status(server: &Server) -> Value {
    let status = server.status();
    status["introspection"][0].clone()
}

/// Nothing that the server has written anywhere holds one of these.
fn keeps(server: &Server, secrets: &[&str]) {
    let written = [
        server.log(),
        server.output(),
        server.get("/status").body,
        server.get("/metrics").body,
        std::fs::read_to_string(server.setup.audit_file()).unwrap_or_default(),
    ]
    .concat();
    for secret in secrets {
        assert!(!written.contains(secret), "`{secret}` in {written}");
    }
}
