//! Workloads: only the certificate that Envoy has verified makes one.

use std::net::SocketAddr;
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
    client_of(SHIPPED.envoy.mesh, certificate)
}

/// The same for another listener.
pub(super) fn client_of(listener: SocketAddr, certificate: Option<String>) -> Client {
    let ca = Certificate::from_pem(CERTS.ca().as_bytes()).unwrap();
    let mut client = Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .tls_certs_only([ca])
        .resolve(SERVER, listener);
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

/// Asks with a certificate and, beside it, with this token or none.
async fn rotate(id: &str, token: Option<&str>) -> (u16, String) {
    let certificate = CERTS.workload(&[id]);
    let request = client(Some(certificate)).post(format!("https://{SERVER}/v1/secrets/db/rotate"));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let seen: Value = answer.json().await.unwrap();
    (
        status,
        seen["reason"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test]
async fn a_workload_is_a_party_of_its_own_if_it_has_nothing_else() {
    let vault_bot = "spiffe://example.org/vault-bot";
    assert_eq!(rotate(vault_bot, None).await, (200, String::new()));
    assert_eq!(rotate(RUNNER, None).await, (403, "not_permitted".into()));
    // Whoever has a token is who the token says.
    let beside = deployer();
    assert_eq!(
        rotate(vault_bot, Some(&beside)).await,
        (403, "not_permitted".into())
    );
    let expired = ci("vault-bot", SERVER).claim("exp", 1.into()).sign();
    assert_eq!(
        rotate(vault_bot, Some(&expired)).await,
        (401, "token_expired".into())
    );
    // On the plain listener there is nobody.
    let nobody = SHIPPED.send(&Request::post(SERVER, "/v1/secrets/db/rotate"));
    assert_eq!(
        (nobody.status, nobody.reason().as_str()),
        (401, "authentication_required")
    );
}

#[tokio::test]
async fn the_record_names_the_workload_beside_whoever_asks() {
    let answer = client(Some(CERTS.workload(&[RUNNER])))
        .post(format!("https://{SERVER}/v1/production/deployments"))
        .bearer_auth(deployer())
        .send()
        .await
        .unwrap();
    let decision = answer.headers()["x-decision-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let record = SHIPPED.record(&decision);
    assert_eq!(record["workload"], RUNNER, "{record}");
    assert_eq!(record["subject"]["id"], "deployer", "{record}");
}

#[tokio::test]
async fn a_certificate_with_two_uris_is_refused() {
    let two = CERTS.workload(&[RUNNER, "spiffe://example.org/web/frontend"]);
    let (status, problem) = deploy(client(Some(two)), None).await.unwrap();
    assert_eq!(
        (status, &problem["reason"]),
        (403, &"certificate_invalid".into())
    );
}
