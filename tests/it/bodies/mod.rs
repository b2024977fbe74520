//! Bodies that something is decided on: which come through the gRPC port, as what, and what the log says of the others.

mod arguments;
mod completeness;

use std::sync::LazyLock;

use crate::envoy::process::Guard;
use crate::harness::{Answer, Ask, Client, SOON, Server, Setup, eventually};

/// The smallest order that is in order.
const ORDER: &str = r#"{"payment":{"amount":5,"currency":"EUR"}}"#;

/// A server with the tests' own route. It is shared and never dropped, so it is ended when the tests are.
static SERVER: LazyLock<(Server, Guard)> = LazyLock::new(|| {
    let setup = Setup::new();
    setup.write("policies/orders.yaml", include_str!("orders.yaml"));
    let server = setup.start();
    let guard = Guard::over(server.pid());
    (server, guard)
});

async fn client() -> Client {
    SERVER.0.client().await
}

/// A JSON body to this path.
fn post(path: &str, body: impl AsRef<[u8]>) -> Ask {
    bare(path, body).header("content-type", "application/json")
}

/// The same without a media type.
fn bare(path: &str, body: impl AsRef<[u8]>) -> Ask {
    Ask::new("POST", "orders.example.com", path).body(body)
}

fn order(body: impl AsRef<[u8]>) -> Ask {
    post("/orders", body)
}

/// What the record of a decision gives as its cause.
fn cause(answer: &Answer) -> String {
    let decision = answer.told("decision_id");
    eventually(SOON, "a decision's record", || {
        let mut records = SERVER.0.records().into_iter();
        let record = records.find(|record| record["decision_id"] == decision.as_str())?;
        Some(record["cause"].as_str().unwrap_or_default().to_owned())
    })
}
