//! Proof of possession through Envoy: DPoP by a foreign client on the plain listener, certificates on the one for mutual TLS.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::certs::{CERTS, SERVER};
use super::client::{Answer, Request};
use super::mesh::{client, deploy_with};
use super::stage::{SHIPPED, Stage, ci, person, setup};
use crate::proof::{Prover, Wanted};

const HOST: &str = "echo.example.com";
/// What the client means, whatever the listener's own scheme and port are.
const URL: &str = "https://echo.example.com/known";

fn bound(cnf: &Value) -> String {
    let token = person("alice", HOST).groups(&["echo"]);
    token.claim("cnf", cnf.clone()).sign()
}

fn token(prover: &Prover) -> String {
    bound(&json!({ "jkt": prover.thumbprint("web", "ES256") }))
}

fn shown(method: &str, target: &str, token: &str, proof: &str) -> Request {
    let request = Request::new(method, HOST, target);
    let request = request.header("Authorization", format!("DPoP {token}"));
    request.header("DPoP", proof)
}

fn ended(answer: &Answer) -> (u16, String) {
    (answer.status, answer.reason())
}

#[test]
fn a_client_dances_with_nonces_and_no_proof_counts_twice() {
    let prover = Prover::start();
    let token = token(&prover);
    let wanted = || Wanted::of("GET", URL, &token);
    let send = |proof: &str| SHIPPED.send(&shown("GET", "/known", &token, proof));

    let answer = send(&prover.proof(&wanted()));
    assert_eq!(ended(&answer), (401, "dpop_nonce_required".into()));
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.contains(r#"error="use_dpop_nonce""#),
        "{challenge}"
    );
    let mut nonce = answer.header("dpop-nonce").unwrap().to_owned();
    let mut used = Vec::new();
    for _ in 0..2 {
        let proof = prover.proof(&wanted().nonce(&nonce));
        let answer = send(&proof);
        assert!(answer.is_from_upstream(), "{answer:?}");
        nonce = answer.header("dpop-nonce").unwrap().to_owned();
        used.push(proof);
    }
    for proof in &used {
        assert_eq!(ended(&send(proof)), (401, "dpop_replayed".into()));
    }
}

#[test]
fn a_proof_is_for_one_method_and_path_and_any_query() {
    let prover = Prover::start();
    let token = token(&prover);
    let first = SHIPPED.send(&shown(
        "GET",
        "/known",
        &token,
        &prover.proof(&Wanted::of("GET", URL, &token)),
    ));
    let nonce = first.header("dpop-nonce").unwrap().to_owned();
    let proof = prover.proof(&Wanted::of("GET", URL, &token).nonce(&nonce));
    for (method, target, reason) in [
        ("POST", "/known", "dpop_method"),
        ("GET", "/open", "dpop_url"),
        ("GET", "/Known", "dpop_url"),
        ("GET", "/known/", "dpop_url"),
    ] {
        let answer = SHIPPED.send(&shown(method, target, &token, &proof));
        assert_eq!(ended(&answer), (401, reason.into()), "{method} {target}");
    }
    let plain =
        prover.proof(&Wanted::of("GET", "http://echo.example.com/known", &token).nonce(&nonce));
    let answer = SHIPPED.send(&shown("GET", "/known", &token, &plain));
    assert_eq!(ended(&answer), (401, "dpop_url".into()));
    let answer = SHIPPED.send(&shown("GET", "/known?page=2", &token, &proof));
    assert!(answer.is_from_upstream(), "{answer:?}");
    // What was shown stays where it was; only the policy takes headers away.
    assert_eq!(answer.upstream("dpop"), [proof]);
}

#[test]
fn two_proofs_are_none_in_both_shapes_of_headers() {
    let merged = [(
        "encode_raw_headers: true",
        "encode_raw_headers: false".to_owned(),
    )];
    let merged = Stage::start(&merged, setup());
    let prover = Prover::start();
    for stage in [&*SHIPPED, &merged] {
        let cnf = json!({ "jkt": prover.thumbprint("web", "ES256") });
        let token = stage
            .person("alice", HOST)
            .groups(&["echo"])
            .claim("cnf", cnf)
            .sign();
        let wanted = || Wanted::of("GET", URL, &token);
        let answer = stage.send(&shown("GET", "/known", &token, &prover.proof(&wanted())));
        let nonce = answer.header("dpop-nonce").unwrap().to_owned();
        let [one, two] = [(), ()].map(|()| prover.proof(&wanted().nonce(&nonce)));
        let both = shown("GET", "/known", &token, &one).header("dpop", &two);
        assert_eq!(ended(&stage.send(&both)), (400, "header_repeated".into()));
        let joined = shown("GET", "/known", &token, &format!("{one}, {two}"));
        assert_eq!(ended(&stage.send(&joined)), (400, "header_repeated".into()));
        let answer = stage.send(&shown("GET", "/known", &token, &one));
        assert!(answer.is_from_upstream(), "{answer:?}");
    }
}

#[test]
fn a_bound_token_is_no_bearer_token() {
    let prover = Prover::start();
    let token = token(&prover);
    let answer = SHIPPED.send(&Request::get(HOST, "/known").bearer(&token));
    assert_eq!(ended(&answer), (401, "token_bound".into()));
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("DPoP realm="), "{challenge}");
    let nobody = SHIPPED.send(&Request::get(HOST, "/known"));
    assert_eq!(ended(&nobody), (401, "authentication_required".into()));
    let challenge = nobody.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer ") && challenge.contains(", DPoP "),
        "{challenge}"
    );
}

const RUNNER: &str = "spiffe://example.org/ci/runner";

/// `x5t#S256` (RFC 8705, section 3.1) of the first certificate of a PEM.
fn thumbprint(pem: &str) -> String {
    let body = pem.split("-----").nth(2).unwrap().replace(['\r', '\n'], "");
    let der = STANDARD.decode(body).unwrap();
    URL_SAFE_NO_PAD.encode(digest(&SHA256, &der))
}

#[tokio::test]
async fn a_token_is_good_on_connections_of_its_own_certificate_only() {
    // Two certificates of one workload: the same name, other keys.
    let [own, other] = [(), ()].map(|()| CERTS.workload(&[RUNNER]));
    let token = ci("deployer", SERVER)
        .claim("environment", "staging".into())
        .claim("cnf", json!({ "x5t#S256": thumbprint(&own) }))
        .sign();
    let (status, seen) = deploy_with(client(Some(own)), &token, None).await.unwrap();
    assert_eq!(status, 200, "{seen}");
    let (status, problem) = deploy_with(client(Some(other)), &token, None)
        .await
        .unwrap();
    assert_eq!(
        (status, &problem["reason"]),
        (401, &"certificate_mismatch".into())
    );

    let plain = Request::post(SERVER, "/v1/staging/deployments").bearer(&token);
    let answer = SHIPPED.send(&plain);
    assert_eq!(ended(&answer), (401, "certificate_mismatch".into()));
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer ") && challenge.contains("invalid_token"),
        "{challenge}"
    );
}
