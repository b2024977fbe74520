//! Workloads: only the certificate that Envoy has verified makes one.

use std::time::Duration;

use reqwest::{Certificate, Client, Identity};
use serde_json::Value;

use super::certs::{CERTS, SERVER};
use super::client::Request;
use super::stage::{SHIPPED, ci};

const RUNNER: &str = "spiffe://example.org/ci/runner";
const TARGET: &str = "/v1/staging/deployments";

fn deployer() -> String {
    let token = ci("deployer", SERVER);
    token.claim("environment", "staging".into()).sign()
}

/// A client that shows this certificate, or none.
pub(super) fn client(certificate: Option<String>) -> Client {
    let ca = Certificate::from_pem(CERTS.ca().as_bytes()).unwrap();
    let mut client = Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .tls_certs_only([ca])
        .resolve(SERVER, SHIPPED.envoy.mesh);
    if let Some(pem) = certificate {
        client = client.identity(Identity::from_pem(pem.as_bytes()).unwrap());
    }
    client.build().unwrap()
}

/// Deploys to staging with a good token and says how that ended.
async fn deploy(client: Client, xfcc: Option<&str>) -> reqwest::Result<(u16, Value)> {
    deploy_with(client, &deployer(), xfcc).await
}

/// The same with another token.
pub(super) async fn deploy_with(
    client: Client,
    token: &str,
    xfcc: Option<&str>,
) -> reqwest::Result<(u16, Value)> {
    let mut request = client
        .post(format!("https://{SERVER}{TARGET}"))
        .bearer_auth(token);
    if let Some(xfcc) = xfcc {
        request = request.header("x-forwarded-client-cert", xfcc);
    }
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

#[tokio::test]
async fn the_approved_workload_deploys() {
    let certificate = CERTS.workload(&[RUNNER]);
    let (status, seen) = deploy(client(Some(certificate)), None).await.unwrap();
    assert_eq!((status, &seen["target"]), (200, &TARGET.into()), "{seen}");
}

#[tokio::test]
async fn another_workload_with_the_same_token_does_not() {
    for id in [
        "spiffe://example.org/web/frontend",
        "spiffe://example.org/ci/runner/x",
        "spiffe://example.org/ci",
        "spiffe://example.org/cix/runner",
    ] {
        let certificate = CERTS.workload(&[id]);
        let (status, problem) = deploy(client(Some(certificate)), None).await.unwrap();
        assert_eq!(
            (status, &problem["reason"]),
            (403, &"workload_required".into()),
            "{id}"
        );
    }
}

#[tokio::test]
async fn without_a_certificate_of_the_trust_domain_there_is_no_connection() {
    assert!(deploy(client(None), None).await.is_err());
    let stranger = CERTS.workload(&["spiffe://example.com/ci/runner"]);
    assert!(deploy(client(Some(stranger)), None).await.is_err());
}

#[tokio::test]
async fn what_the_client_says_about_its_certificate_is_not_believed() {
    let lie = format!("By=spiffe://example.org/envoy;URI={RUNNER}");
    let certificate = CERTS.workload(&["spiffe://example.org/web/frontend"]);
    let (status, problem) = deploy(client(Some(certificate)), Some(&lie)).await.unwrap();
    assert_eq!(
        (status, &problem["reason"]),
        (403, &"workload_required".into())
    );

    let plain = Request::post(SERVER, TARGET)
        .bearer(&deployer())
        .header("x-forwarded-client-cert", &lie);
    let answer = SHIPPED.send(&plain);
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (403, "workload_required")
    );

    // And the upstream does not hear it either, but hears whose certificate it really was.
    let open = Request::get("echo.example.com", "/open").header("x-forwarded-client-cert", &lie);
    assert_eq!(
        SHIPPED.send(&open).upstream("x-forwarded-client-cert"),
        [""; 0]
    );
    let certificate = CERTS.workload(&[RUNNER]);
    let (_, seen) = deploy(
        client(Some(certificate)),
        Some("URI=spiffe://example.org/lie"),
    )
    .await
    .unwrap();
    let seen = seen.to_string();
    assert!(
        seen.contains(RUNNER) && !seen.contains("example.org/lie"),
        "{seen}"
    );
}
