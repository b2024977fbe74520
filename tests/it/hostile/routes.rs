//! A route that Envoy names in `context_extensions` decides alone.

use super::draft::Place::{Crm, Payments};
use super::{MINTED, is_forwarded_for, setup};
use crate::harness::Ask;

#[tokio::test]
async fn a_named_route_decides_whatever_the_host_says() {
    let server = setup().start();
    let client = server.client().await;
    let to = |host: &str| Ask::new("GET", host, "/v1/payments").bearer(MINTED.token("es256"));
    for host in ["payments.example.com", "crm.example.com", "nowhere.example"] {
        let answer = client.check(&to(host).context("route", "payments")).await;
        assert!(is_forwarded_for(&answer, "alice"), "{host}: {answer:?}");
        assert_eq!(answer.told("route"), "payments");
    }
    let named = to("payments.example.com").context("route", "crm-api");
    // The token is good for the host, not for the route.
    assert_eq!(
        client.check(&named).await.outcome(),
        "deny 401 token_audience"
    );
}

#[tokio::test]
async fn an_unknown_route_is_denied_though_the_host_would_match() {
    let server = setup().start();
    let client = server.client().await;
    let good = || Payments.ask().bearer(MINTED.token("es256"));
    assert_eq!(client.check(&good()).await.outcome(), "allow");
    for name in [
        "nowhere",
        "",
        " payments",
        "payments ",
        "Payments",
        "payments,crm-api",
        "*",
        "../payments",
        "payments\0",
    ] {
        let outcome = client.check(&good().context("route", name)).await.outcome();
        assert_eq!(outcome, "deny 403 unknown_route", "{name:?}");
    }
    // Another key is just data.
    let answer = client
        .check(
            &good()
                .context("Route", "nowhere")
                .context("routes", "nowhere"),
        )
        .await;
    assert_eq!(answer.outcome(), "allow");
}

#[tokio::test]
async fn neither_headers_nor_metadata_name_a_route() {
    let server = setup().start();
    let client = server.client().await;
    let metadata = serde_json::json!({ "route": "payments" });
    let ask = Ask::new("GET", "nowhere.example", "/v1/payments")
        .bearer(MINTED.token("es256"))
        .header("route", "payments")
        .header("x-forwarded-host", "payments.example.com")
        .header("x-envoy-original-path", "/v1/payments")
        .metadata("envoy.filters.http.ext_authz", metadata);
    assert_eq!(client.check(&ask).await.outcome(), "deny 403 no_route");
    let ask = Crm
        .ask()
        .bearer(MINTED.token("es256"))
        .header("x-forwarded-host", "payments.example.com");
    assert_eq!(
        client.check(&ask).await.outcome(),
        "deny 401 token_audience"
    );
}
