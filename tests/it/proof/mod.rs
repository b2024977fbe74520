//! Proof of possession through the real gRPC port, with a client that shares no code with us.

mod bound;
mod client;

use serde_json::{Value, json};

use crate::harness::{Answer, Ask, Client, Issuer, PAYMENTS, SOON, Server, Setup, eventually, run};
pub(crate) use client::{Prover, Wanted};

const LIST: &str = "https://payments.example.com/v1/payments";

/// A server, its client, and the foreign client with a token of its own.
struct Stage {
    server: Server,
    client: Client,
    prover: Prover,
    token: String,
}

impl Stage {
    async fn new(setup: Setup) -> Self {
        let prover = Prover::start();
        let bound = json!({ "jkt": prover.thumbprint("web", "ES256") });
        let token = alice(&setup.corp, &bound);
        let server = setup.start();
        let client = server.client().await;
        Self {
            server,
            client,
            prover,
            token,
        }
    }

    /// Lists payments with the token, as `DPoP`, and this proof.
    async fn list(&self, proof: &str) -> Answer {
        self.client.check(&self.ask(proof)).await
    }

    fn ask(&self, proof: &str) -> Ask {
        with_scheme("DPoP", &self.token).header("dpop", proof)
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted::of("GET", LIST, &self.token)
    }

    /// A nonce, as a client gets one: by being refused.
    async fn nonce(&self) -> String {
        let answer = self.list(&self.prover.proof(&self.wanted())).await;
        assert_eq!(answer.outcome(), "deny 401 dpop_nonce_required");
        answer.header("dpop-nonce").unwrap()
    }
}

/// A token of alice for payments that is bound like this.
fn alice(issuer: &Issuer, cnf: &Value) -> String {
    let token = issuer.token("alice").audience(PAYMENTS);
    let token = token.scope("payments:read").groups(&["payments"]);
    token.claim("cnf", cnf.clone()).sign()
}

fn with_scheme(scheme: &str, token: &str) -> Ask {
    Ask::payments("/v1/payments").header("authorization", format!("{scheme} {token}"))
}

fn nonce_of(answer: &Answer) -> String {
    let set = &answer.ok().response_headers_to_add;
    let mut set = set.iter().filter_map(|option| option.header.as_ref());
    let header = set.find(|header| header.key == "dpop-nonce");
    header.expect("a nonce with the answer").value.clone()
}

#[tokio::test]
async fn a_client_learns_a_nonce_and_proves_every_request_with_it() {
    let stage = Stage::new(Setup::new()).await;
    let first = stage.prover.proof(&stage.wanted());
    let answer = stage.list(&first).await;
    assert_eq!(answer.outcome(), "deny 401 dpop_nonce_required");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("DPoP realm="), "{challenge}");
    assert!(
        challenge.contains(r#"error="use_dpop_nonce""#),
        "{challenge}"
    );
    assert!(
        challenge.ends_with(r#"algs="ES256 ES384 EdDSA""#),
        "{challenge}"
    );
    assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));

    let nonce = answer.header("dpop-nonce").unwrap();
    let second = stage.prover.proof(&stage.wanted().nonce(&nonce));
    let answer = stage.list(&second).await;
    assert_eq!(answer.outcome(), "allow", "{:?}", stage.server.records());
    // What comes with success proves the next request.
    let third = stage
        .prover
        .proof(&stage.wanted().nonce(&nonce_of(&answer)));
    assert_eq!(stage.list(&third).await.outcome(), "allow");
    // And nothing proves two.
    for proof in [&second, &third] {
        let answer = stage.list(proof).await;
        assert_eq!(answer.outcome(), "deny 401 dpop_replayed");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(
            challenge.contains(r#"error="invalid_dpop_proof""#),
            "{challenge}"
        );
        assert!(answer.header("dpop-nonce").is_some());
    }

    let records = eventually(SOON, "a record of every decision", || {
        Some(stage.server.records()).filter(|records| records.len() >= 5)
    });
    assert_eq!(records[1]["credential"]["proof"], "dpop", "{}", records[1]);
    let said = format!("{records:?}{}{}", stage.server.log(), stage.server.output());
    for secret in [&nonce, &second, &third, &stage.token] {
        assert!(
            !said.contains(secret.as_str()),
            "a nonce, proof or token was told"
        );
    }
}

#[tokio::test]
async fn every_algorithm_of_the_list_proves_and_no_other() {
    let stage = Stage::new(Setup::new()).await;
    let nonce = stage.nonce().await;
    for (alg, expected) in [
        ("ES256", "allow"),
        ("ES384", "allow"),
        ("EdDSA", "allow"),
        ("RS256", "deny 401 dpop_algorithm"),
    ] {
        let cnf = json!({ "jkt": stage.prover.thumbprint("web", alg) });
        let token = alice(&stage.server.setup.corp, &cnf);
        let wanted = Wanted {
            alg,
            ..Wanted::of("GET", LIST, &token).nonce(&nonce)
        };
        let ask = with_scheme("dpop", &token).header("dpop", stage.prover.proof(&wanted));
        assert_eq!(stage.client.check(&ask).await.outcome(), expected, "{alg}");
    }
}

#[tokio::test]
async fn what_a_proof_is_not_about_is_refused() {
    let stage = Stage::new(Setup::new()).await;
    let nonce = stage.nonce().await;
    let wanted = || stage.wanted().nonce(&nonce);
    let other = |client| Wanted { client, ..wanted() };
    for (proof, expected) in [
        (wanted().claim("htm", json!("POST")), "deny 401 dpop_method"),
        (
            wanted().claim("htu", json!("https://payments.example.com/v1/payments/7")),
            "deny 401 dpop_url",
        ),
        (
            wanted().claim("htu", json!("https://crm.example.com/v1/payments")),
            "deny 401 dpop_url",
        ),
        (wanted().claim("ath", json!("x")), "deny 401 dpop_token"),
        (
            wanted().claim("ath", json!(null)),
            "deny 401 dpop_malformed",
        ),
        (
            wanted().claim("iat", json!(crate::harness::now() - 3600)),
            "deny 401 dpop_stale",
        ),
        (
            wanted().claim("nonce", json!("bm9uY2U")),
            "deny 401 dpop_nonce_required",
        ),
        (other("thief"), "deny 401 dpop_key_mismatch"),
        (
            wanted().claim(
                "htu",
                json!("https://PAYMENTS.example.com:443/v1/payments?x=1#y"),
            ),
            "allow",
        ),
    ] {
        let outcome = stage.list(&stage.prover.proof(&proof)).await.outcome();
        assert_eq!(outcome, expected, "{proof:?}");
    }
    let proof = stage.prover.proof(&wanted());
    let twice = stage
        .ask(&proof)
        .header("dpop", stage.prover.proof(&wanted()));
    for ask in [twice.clone(), twice.merged()] {
        let outcome = stage.client.check(&ask).await.outcome();
        assert_eq!(outcome, "deny 400 header_repeated");
    }
    for (ask, expected) in [
        (with_scheme("DPoP", &stage.token), "deny 401 dpop_missing"),
        (with_scheme("Bearer", &stage.token), "deny 401 token_bound"),
        (
            with_scheme("Bearer", &stage.token).header("dpop", &proof),
            "deny 401 token_bound",
        ),
    ] {
        let answer = stage.client.check(&ask).await;
        assert_eq!(answer.outcome(), expected);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("DPoP "), "{challenge}");
    }
    // Nobody has used it up.
    assert_eq!(stage.list(&proof).await.outcome(), "allow");
}

#[tokio::test]
async fn a_token_that_is_bound_to_nothing_needs_and_gets_no_proof() {
    let stage = Stage::new(Setup::new()).await;
    let free = alice(&stage.server.setup.corp, &Value::Null);
    let nonce = stage.nonce().await;
    let proof = stage
        .prover
        .proof(&Wanted::of("GET", LIST, &free).nonce(&nonce));
    let ask = with_scheme("Bearer", &free).header("dpop", &proof);
    assert_eq!(stage.client.check(&ask).await.outcome(), "allow");
    let ask = with_scheme("DPoP", &free).header("dpop", &proof);
    assert_eq!(
        stage.client.check(&ask).await.outcome(),
        "deny 401 token_binding"
    );
    for cnf in [
        json!({}),
        json!({ "jwk": { "kty": "EC" } }),
        json!({ "kid": "1" }),
        json!({ "jkt": stage.prover.thumbprint("web", "ES256"), "osc": 1 }),
    ] {
        let token = alice(&stage.server.setup.corp, &cnf);
        for scheme in ["Bearer", "DPoP"] {
            let ask = with_scheme(scheme, &token).header("dpop", &proof);
            let outcome = stage.client.check(&ask).await.outcome();
            assert_eq!(outcome, "deny 401 token_binding", "{cnf}");
        }
    }
}

const GUARD: &str = r"version: 1
rules:
  - { id: payments-are-proven, guard: payments.list, require: [{ proof: dpop }] }
";

#[tokio::test]
async fn a_rule_demands_a_proof_and_the_answer_says_how_to_bring_one() {
    let setup = Setup::new();
    setup.write("policies/proven.yaml", GUARD);
    let stage = Stage::new(setup).await;
    let free = alice(&stage.server.setup.corp, &Value::Null);
    let answer = stage.client.check(&with_scheme("Bearer", &free)).await;
    assert_eq!(answer.outcome(), "deny 401 proof_required");
    assert_eq!(answer.told("rule"), "payments-are-proven");
    assert_eq!(
        answer.problem()["remedy"],
        json!({ "kind": "proof", "proof": ["dpop"] })
    );
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("DPoP ") && challenge.contains("invalid_token"),
        "{challenge}"
    );
    // The nonce of that answer is good for the first proof.
    let nonce = answer.header("dpop-nonce").unwrap();
    let proof = stage.prover.proof(&stage.wanted().nonce(&nonce));
    assert_eq!(stage.list(&proof).await.outcome(), "allow");

    let nobody = stage.client.check(&Ask::payments("/v1/payments")).await;
    assert_eq!(nobody.outcome(), "deny 401 authentication_required");
    let challenge = nobody.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer realm=") && challenge.contains(", DPoP realm="),
        "{challenge}"
    );
}

/// A server with its state in `folder`, which trusts `issuer`.
fn lasting(issuer: &Issuer, folder: &std::path::Path) -> Setup {
    let setup = Setup::new().argument("--store");
    let setup = setup.argument(folder.join("state.db").to_str().unwrap());
    setup.replace("corp.jwks.json", &issuer.jwks());
    setup
}

#[tokio::test]
async fn a_restart_forgets_no_proof_that_is_still_good() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::new("http://127.0.0.1:10080/corp");
    let mut stage = Stage::new(lasting(&issuer, folder.path())).await;
    stage.token = alice(
        &issuer,
        &json!({ "jkt": stage.prover.thumbprint("web", "ES256") }),
    );
    let nonce = stage.nonce().await;
    let proof = stage.prover.proof(&stage.wanted().nonce(&nonce));
    let unused = stage.prover.proof(&stage.wanted().nonce(&nonce));
    assert_eq!(stage.list(&proof).await.outcome(), "allow");

    stage.server.signal("TERM");
    stage.server.wait(SOON);
    stage.server = lasting(&issuer, folder.path()).start();
    stage.client = stage.server.client().await;
    assert_eq!(stage.list(&proof).await.outcome(), "deny 401 dpop_replayed");
    assert_eq!(stage.list(&unused).await.outcome(), "allow");

    // Without a file the secret of the nonces ends with the process, and every old proof with it.
    for _ in 0..2 {
        let setup = Setup::new().replacing("store: ", "# ");
        setup.replace("corp.jwks.json", &issuer.jwks());
        stage.server = setup.start();
        stage.client = stage.server.client().await;
        assert_eq!(
            stage.list(&unused).await.outcome(),
            "deny 401 dpop_nonce_required"
        );
    }
}

#[tokio::test]
async fn a_full_replay_memory_refuses_instead_of_forgetting() {
    let setup = Setup::new().replacing("store: ", "dpop: { replay_entries: 2 }\nstore: ");
    let stage = Stage::new(setup).await;
    let nonce = stage.nonce().await;
    let proofs: Vec<String> = (0..3)
        .map(|_| stage.prover.proof(&stage.wanted().nonce(&nonce)))
        .collect();
    assert_eq!(stage.list(&proofs[0]).await.outcome(), "allow");
    assert_eq!(stage.list(&proofs[1]).await.outcome(), "allow");
    let full = stage.list(&proofs[2]).await;
    assert_eq!(full.outcome(), "fault 503 replay_memory_full");
    assert!(full.header("retry-after").is_some());
    assert_eq!(
        stage.list(&proofs[0]).await.outcome(),
        "deny 401 dpop_replayed"
    );
}

#[test]
fn explain_and_check_know_proofs() {
    let setup = Setup::new();
    setup.write("policies/proven.yaml", GUARD);
    let explain = |proof: &str| {
        let caller = [
            "--issuer",
            "corp",
            "--subject",
            "alice",
            "--group",
            "payments",
        ];
        let request = [
            "explain",
            "--http",
            "GET /v1/payments",
            "--route",
            "payments",
        ];
        let more = [
            "--scope",
            "payments:read",
            "--config",
            "countersign.yaml",
            "--proof",
            proof,
        ];
        run(setup.folder(), request.iter().chain(&caller).chain(&more)).stdout
    };
    let none = explain("none");
    assert!(
        none.contains("deny (proof_required)") && none.contains("missing proof dpop"),
        "{none}"
    );
    let dpop = explain("dpop");
    assert!(
        dpop.contains("proof       dpop") && dpop.contains("allow (permitted)"),
        "{dpop}"
    );

    let warned = |from: &str, to: &str| {
        let setup = Setup::new().replacing(from, to);
        let checked = run(
            setup.folder(),
            ["check", "--json", "--config", "countersign.yaml"],
        );
        checked.stdout.contains("forgetful-replay")
    };
    assert!(warned("store: ", "dpop: { nonce: off }\n# "));
    assert!(!warned("store: ", "dpop: { nonce: off }\nstore: "));
    assert!(!warned("store: ", "# "));
}
