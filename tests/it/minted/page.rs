//! The policy and the verifier that README.md shows.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use super::foreign::python;
use super::{minted, setup};
use crate::harness::Ask;

const README: &str = include_str!("../../../README.md");
const HOST: &str = "exports.crm.example.com";

/// The one block of this language.
fn block(language: &str) -> &'static str {
    let (_, behind) = README.split_once(&format!("```{language}\n")).unwrap();
    behind.split_once("```").unwrap().0
}

/// What the verifier prints about a token, or says against it.
fn verified(url: &str, token: &str) -> Result<Value, String> {
    let mut child = python()
        .args(["-c", block("python verifier"), url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{token}").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

#[tokio::test]
async fn the_shown_verifier_takes_what_the_shown_policy_demands() {
    for kind in ["p256", "ed25519"] {
        let setup = setup(&[kind]);
        setup.write("policies/inward.yaml", block("yaml minted"));
        let server = setup.start();
        let client = server.client().await;
        let token = server.setup.corp.token("alice").scope("crm:export");
        let token = token.audience(&format!("https://{HOST}")).groups(&["crm"]);
        let token = token.sign();
        let export = Ask::new("POST", HOST, "/v1/exports/eu").bearer(&token);
        let minted = minted(&client.check(&export).await);
        let url = format!("http://{}/.well-known/jwks.json", server.metrics);
        let claims = verified(&url, &minted).unwrap();
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["tctx"]["resource"]["id"], "eu");
        // The caller's own token is none, and neither is one with another signature.
        assert!(verified(&url, &token).is_err());
        let (signed, _) = minted.rsplit_once('.').unwrap();
        let forged = format!("{signed}.{}", "A".repeat(86));
        let error = verified(&url, &forged).unwrap_err();
        assert!(error.contains("BadSignatureError"), "{error}");
    }
}
