//! The life of identities: what is refused, what is warned about, and who is remembered.

mod checks;
mod kinds;
mod remembered;

use crate::harness::{Ask, Server, Setup, Token, now};
use serde_json::json;

const API: &str = "https://api.example.com";
const IDENTITIES: &str = "identities.yaml";

/// A token of the build system's, for the platform API.
fn token<'a>(server: &'a Server, sub: &str) -> Token<'a> {
    let token = server.setup.ci.token(sub).audience(API);
    token.claim("environment", json!("staging"))
}

/// A call that everybody may make.
fn health(server: &Server, sub: &str) -> Ask {
    Ask::new("GET", "api.example.com", "/healthz").bearer(&token(server, sub).sign())
}

/// A token that is good for two hours.
fn long_lived(server: &Server, sub: &str) -> Ask {
    let token = token(server, sub).claim("exp", json!(now() + 7200));
    Ask::new("GET", "api.example.com", "/healthz").bearer(&token.sign())
}

/// Something critical, from where it may come from.
fn deploys(server: &Server) -> Ask {
    let deploy = Ask::new("POST", "api.example.com", "/v1/staging/deployments");
    deploy
        .bearer(&token(server, "deployer").sign())
        .principal("spiffe://example.org/ci/runner")
}

/// The project's configuration with every check at one level, and one more identity that rests.
fn every_check(level: &str) -> Setup {
    let mut setup = Setup::new();
    for check in [
        "unregistered: ",
        "standing: ",
        "proof: { check: ",
        "expired: ",
        "rotation: { check: ",
        "token_lifetime: { check: ",
        "environment: ",
        "workload: ",
        "browser: ",
    ] {
        let text = setup.read("countersign.yaml");
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("  {check}")))
            .unwrap_or_else(|| panic!("`{check}`"));
        let word = ["warn", "deny"]
            .into_iter()
            .find(|word| line.contains(&format!("{check}{word}")))
            .unwrap();
        let (from, to) = (format!("\n  {check}{word}"), format!("\n  {check}{level}"));
        setup = setup.replacing(&from, &to);
    }
    let identities = setup.read(IDENTITIES);
    let resting = "  - { issuer: ci, id: resting, kind: service, owner: bob@example.com, status: suspended }\n";
    setup.write(IDENTITIES, &format!("{identities}\n{resting}"));
    setup
}
