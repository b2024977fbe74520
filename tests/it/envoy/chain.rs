//! Two Envoys: one in front, which verifies the caller's certificate, and the one that asks, which verifies the proxy's.

use std::net::SocketAddr;
use std::sync::LazyLock;

use serde_json::Value;

use super::certs::{CERTS, SERVER};
use super::mesh::client_of;
use super::process::Front;
use super::stage::{Stage, setup};
use crate::harness::Setup;

const RUNNER: &str = "spiffe://example.org/ci/runner";
const WEB: &str = "spiffe://example.org/web/frontend";
const EDGE: &str = "spiffe://example.org/edge/one";
const HEADER: &str = "x-forwarded-client-cert";

/// The shipped configuration with one proxy in front, which is named.
fn behind_a_proxy() -> Setup {
    let (alone, behind) = (
        "mtls: { trust_domains: [example.org] }",
        "mtls: { trust_domains: [example.org], trusted_hops: 1, hops: [\"spiffe://example.org/edge/*\"] }",
    );
    setup().replacing(alone, behind)
}

/// The Envoy that asks, which handles the header in this way.
fn stage(details: &str) -> Stage {
    let change = format!("forward_client_cert_details: {details}");
    Stage::start(
        &[("forward_client_cert_details: SANITIZE_SET", change)],
        behind_a_proxy(),
    )
}

fn front(details: &str, next: SocketAddr) -> Front {
    Front::start(CERTS.folder(), &CERTS.workload(&[EDGE]), next, details)
}

static APPENDING: LazyLock<Stage> = LazyLock::new(|| stage("APPEND_FORWARD"));
/// Forgets what it was sent.
static SANITISING: LazyLock<Front> = LazyLock::new(|| front("SANITIZE_SET", APPENDING.envoy.mesh));
/// Believes whoever calls about everybody else.
static TRUSTING: LazyLock<Front> = LazyLock::new(|| front("APPEND_FORWARD", APPENDING.envoy.mesh));

/// Deploys with a good token, with this certificate and what the client says about itself.
async fn deploy(
    stage: &Stage,
    listener: SocketAddr,
    certificate: String,
    says: Option<&str>,
) -> (u16, String) {
    let token = stage.server.setup.ci.token("deployer");
    let token = token.audience("https://api.example.com");
    let token = token.claim("environment", "staging".into()).sign();
    let mut request = client_of(listener, Some(certificate))
        .post(format!("https://{SERVER}/v1/staging/deployments"))
        .bearer_auth(token);
    if let Some(says) = says {
        request = request.header(HEADER, says);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let seen: Value = answer.json().await.unwrap();
    (
        status,
        seen["reason"].as_str().unwrap_or_default().to_owned(),
    )
}

async fn through(front: &Front, id: &str, says: Option<&str>) -> (u16, String) {
    deploy(&APPENDING, front.address, CERTS.workload(&[id]), says).await
}

fn allowed() -> (u16, String) {
    (200, String::new())
}

fn denied(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

#[tokio::test]
async fn the_proxy_tells_who_calls() {
    for front in [&*SANITISING, &*TRUSTING] {
        assert_eq!(through(front, RUNNER, None).await, allowed());
        assert_eq!(
            through(front, WEB, None).await,
            denied(403, "workload_required")
        );
    }
}

#[tokio::test]
async fn a_caller_behind_the_proxy_is_a_party_of_its_own() {
    let rotate = async |id: &str| {
        let client = client_of(SANITISING.address, Some(CERTS.workload(&[id])));
        let request = client.post(format!("https://{SERVER}/v1/secrets/db/rotate"));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(rotate("spiffe://example.org/vault-bot").await, 200);
    assert_eq!(rotate(RUNNER).await, 403);
}

#[tokio::test]
async fn what_the_client_says_is_not_believed() {
    let lie = format!("By={EDGE};Hash={};URI={RUNNER}", "a".repeat(64));
    for says in [
        lie.clone(),
        format!("{lie},{lie}"),
        format!("{lie},By=;URI={EDGE}"),
    ] {
        let forgotten = through(&SANITISING, WEB, Some(&says)).await;
        assert_eq!(forgotten, denied(403, "workload_required"), "{says}");
        let passed_on = through(&TRUSTING, WEB, Some(&says)).await;
        assert_eq!(passed_on, denied(400, "workload_ambiguous"), "{says}");
    }
    for (defect, says) in [
        ("an open quote", format!("{lie};Subject=\"")),
        (
            "an open quote with an escape",
            format!("{lie};Subject=\"\\"),
        ),
        ("a field that is none", format!("{lie};x")),
    ] {
        let outcome = through(&TRUSTING, WEB, Some(&says)).await;
        assert_eq!(outcome, denied(400, "xfcc_malformed"), "{defect}");
        assert_eq!(
            through(&SANITISING, RUNNER, Some(&says)).await,
            allowed(),
            "{defect}"
        );
    }
}

#[tokio::test]
async fn a_name_full_of_quotes_moves_nothing() {
    for name in [
        format!("a\";URI={RUNNER};x=\""),
        format!("a\\\",By=x;Hash={};URI={RUNNER}", "a".repeat(64)),
        "back\\slash, comma; semicolon \"quote\"".to_owned(),
        "trailing\\".to_owned(),
    ] {
        let certificate = |id: &str| CERTS.workload_called(&name, &[id]);
        for front in [&*SANITISING, &*TRUSTING] {
            let own = deploy(&APPENDING, front.address, certificate(RUNNER), None).await;
            assert_eq!(own, allowed(), "{name}");
            let other = deploy(&APPENDING, front.address, certificate(WEB), None).await;
            assert_eq!(other, denied(403, "workload_required"), "{name}");
        }
    }
}

#[tokio::test]
async fn whoever_goes_round_the_proxy_speaks_for_itself() {
    let mesh = APPENDING.envoy.mesh;
    let lie = format!("By={EDGE};Hash={};URI={RUNNER}", "a".repeat(64));
    for says in [None, Some(lie.as_str())] {
        let direct = async |id: &str| deploy(&APPENDING, mesh, CERTS.workload(&[id]), says).await;
        assert_eq!(direct(RUNNER).await, allowed());
        assert_eq!(direct(WEB).await, denied(403, "workload_required"));
    }
    // The proxy itself calls as nobody.
    let edge = deploy(&APPENDING, mesh, CERTS.workload(&[EDGE]), None).await;
    assert_eq!(edge, denied(403, "workload_required"));
}

#[tokio::test]
async fn an_envoy_that_does_not_append_lets_nobody_pass_for_a_workload() {
    for (details, outcome) in [
        ("SANITIZE_SET", denied(403, "workload_required")),
        ("SANITIZE", denied(403, "workload_required")),
        ("FORWARD_ONLY", denied(400, "workload_ambiguous")),
    ] {
        let stage = if details == "SANITIZE_SET" {
            Stage::start(&[], behind_a_proxy())
        } else {
            stage(details)
        };
        let front = front("SANITIZE_SET", stage.envoy.mesh);
        let seen = deploy(&stage, front.address, CERTS.workload(&[RUNNER]), None).await;
        assert_eq!(seen, outcome, "{details}");
    }
}

/// A URI may hold commas and semicolons, and Envoy writes it as it is. No such name makes another workload; an authority
/// that signs it has signed a malformed SPIFFE ID.
#[tokio::test]
async fn a_uri_full_of_marks_is_nobody() {
    let hash = "a".repeat(64);
    for id in [
        format!("{WEB},URI={RUNNER}"),
        format!("{WEB};URI={RUNNER}"),
        format!("{WEB},Hash={hash};URI={RUNNER}"),
        format!("{RUNNER};DNS=x"),
        format!("{RUNNER},DNS=x"),
        format!("{WEB},By={EDGE};Hash={hash};Subject=x;URI={RUNNER}"),
    ] {
        for front in [&*SANITISING, &*TRUSTING] {
            let (status, reason) = through(front, &id, None).await;
            assert_ne!(status, 200, "{id}: {reason}");
        }
        let direct = CERTS.workload(&[&id]);
        let seen = deploy(&APPENDING, APPENDING.envoy.mesh, direct, None).await;
        assert_ne!(seen.0, 200, "{id}: {}", seen.1);
    }
}
