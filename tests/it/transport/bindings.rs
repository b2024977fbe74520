//! What a listed Envoy may ask about.

use super::{EDGE, Port};
use crate::harness::{Ask, SOON, Setup, eventually, eventually_async};

const INNER: &str = "spiffe://example.org/envoy/inner";

/// The sample policies, with payments of one tenant and the CRM of another.
fn tenants() -> Setup {
    let setup = Setup::new();
    for (file, route, tenant) in [
        ("policies/payments.yaml", "  payments:\n", "acme"),
        ("policies/crm.yaml", "  crm-api:\n", "globex"),
    ] {
        setup.edit(file, route, &format!("{route}    tenant: {tenant}\n"));
    }
    setup
}

#[tokio::test]
async fn an_envoy_that_is_bound_to_routes_asks_about_these_only() {
    let envoys = format!(
        "[{{ id: '{EDGE}', routes: [payments] }}, {{ id: '{INNER}', routes: [crm-api, platform-api] }}]"
    );
    let port = Port::open(&envoys);
    let (edge, inner) = (port.envoy(EDGE).await, port.envoy(INNER).await);
    assert_eq!(edge.check(&port.list()).await.outcome(), "allow");
    let health = Ask::new("GET", "api.example.com", "/healthz");
    assert_eq!(inner.check(&health).await.outcome(), "allow");
    for (client, ask) in [(&edge, health.clone()), (&inner, port.list())] {
        let answer = client.check(&ask).await;
        assert_eq!(answer.outcome(), "deny 403 gateway_not_allowed");
        assert_eq!(answer.problem()["title"], "There is nothing here");
        assert!(
            !answer.denied().body.contains("envoy"),
            "{}",
            answer.denied().body
        );
    }
    // The id that Envoy sets in `context_extensions` counts the same way.
    let named =
        |route: &str| Ask::new("GET", "elsewhere.example.com", "/healthz").context("route", route);
    assert_eq!(
        edge.check(&named("platform-api")).await.outcome(),
        "deny 403 gateway_not_allowed"
    );
    assert_eq!(inner.check(&named("platform-api")).await.outcome(), "allow");
    // Where there is no route there is nothing to be bound to.
    let nowhere = Ask::new("GET", "nowhere.example.com", "/");
    assert_eq!(edge.check(&nowhere).await.outcome(), "deny 403 no_route");

    let records = port.records(7);
    let refused = records
        .iter()
        .filter(|record| record["reason"] == "gateway_not_allowed");
    let refused: Vec<_> = refused
        .map(|it| {
            (
                it["gateway"].as_str().unwrap(),
                it["route"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        refused,
        [
            (EDGE, "platform-api"),
            (INNER, "payments"),
            (EDGE, "platform-api")
        ]
    );
    let cause = records.iter().find_map(|record| record["cause"].as_str());
    assert_eq!(
        cause,
        Some(format!("`{EDGE}` may not ask about this route").as_str())
    );
}

#[tokio::test]
async fn metadata_is_told_to_the_envoys_of_its_route_only() {
    let envoys =
        format!("[{{ id: '{EDGE}', routes: [payments] }}, {{ id: '{INNER}', routes: [crm-api] }}]");
    let port = Port::open(&envoys);
    let asked = Ask::payments("/.well-known/oauth-protected-resource");
    for (envoy, outcome) in [
        (EDGE, "deny 200 metadata"),
        (INNER, "deny 403 gateway_not_allowed"),
    ] {
        let answer = port.envoy(envoy).await.check(&asked).await;
        assert_eq!(answer.outcome(), outcome);
        assert_eq!(
            answer.denied().body.contains("authorization_servers"),
            envoy == EDGE
        );
    }
}

#[tokio::test]
async fn an_envoy_that_is_bound_to_a_tenant_asks_about_its_routes_only() {
    let envoys = format!("[{{ id: '{EDGE}', tenant: acme }}, {{ id: '{INNER}', tenant: globex }}]");
    let port = Port::with(tenants(), &envoys);
    let (edge, inner) = (port.envoy(EDGE).await, port.envoy(INNER).await);
    assert_eq!(edge.check(&port.list()).await.outcome(), "allow");
    assert_eq!(
        inner.check(&port.list()).await.outcome(),
        "deny 403 gateway_not_allowed"
    );
    // A route of nobody is not a route of everybody.
    let health = Ask::new("GET", "api.example.com", "/healthz");
    assert_eq!(
        edge.check(&health).await.outcome(),
        "deny 403 gateway_not_allowed"
    );
}

#[tokio::test]
async fn a_malformed_request_is_recorded_with_its_envoy() {
    let port = Port::open(&format!("[{{ id: '{EDGE}' }}]"));
    let edge = port.envoy(EDGE).await;
    let answer = edge.check(&Ask::payments("/v1/../payments")).await;
    assert_eq!(answer.outcome(), "deny 400 path_dot_segment");
    assert_eq!(port.records(1)[0]["gateway"], EDGE);
}

#[tokio::test]
async fn the_list_and_its_bindings_change_without_a_restart() {
    let port = Port::open(&format!("[{{ id: '{EDGE}' }}]"));
    let edge = port.envoy(EDGE).await;
    assert_eq!(edge.check(&port.list()).await.outcome(), "allow");
    let change = |from: &str, to: &str| port.server.setup.edit("countersign.yaml", from, to);
    let until = async |wanted: &str| {
        eventually_async(SOON, wanted, async || {
            (edge.check(&port.list()).await.outcome() == wanted).then_some(())
        })
        .await;
    };
    change(
        &format!("'{EDGE}' }}"),
        &format!("'{EDGE}', routes: [crm-api] }}"),
    );
    until("deny 403 gateway_not_allowed").await;
    change("routes: [crm-api]", "routes: [crm-api, payments]");
    until("allow").await;
    // Whoever is taken off the list is refused on the connections that are open.
    change(&format!("'{EDGE}'"), &format!("'{INNER}'"));
    until("deny 403 gateway_not_allowed").await;
    let pair = port.clients.client(&[EDGE], &[]);
    assert!(port.gets(Some(&pair)).await.is_err());
    let record = eventually(SOON, "a record of it", || {
        let mut records = port.server.records().into_iter();
        records.find(|record| {
            record["reason"] == "gateway_not_allowed" && record.get("route").is_none()
        })
    });
    assert_eq!(
        (record["gateway"].as_str(), record.get("route")),
        (Some(EDGE), None),
        "{record}"
    );
    assert!(!port.server.log().contains("take effect at the next start"));
}
