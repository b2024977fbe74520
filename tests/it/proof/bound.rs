//! Tokens that are bound to a client certificate, where Envoy has verified it and where a proxy in front of it has.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{alice, with_scheme};
use crate::harness::{Ask, Authority, Pair, Setup};

const EDGE: &str = "spiffe://example.org/envoy/edge";

/// A client's certificate in the forms in which it is spoken of.
struct Shown {
    pem: String,
    digest: Vec<u8>,
}

impl Shown {
    fn of(pair: &Pair) -> Self {
        let body: String = pair
            .certificate
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        let der = base64::engine::general_purpose::STANDARD
            .decode(body)
            .unwrap();
        Self {
            pem: encoded(&pair.certificate),
            digest: digest(&SHA256, &der).as_ref().to_vec(),
        }
    }

    fn cnf(&self) -> Value {
        json!({ "x5t#S256": URL_SAFE_NO_PAD.encode(&self.digest) })
    }

    /// What an Envoy writes about whoever showed it.
    fn element(&self, uri: &str) -> String {
        let hash = self.digest.iter();
        let hash = hash.fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        format!("By=spiffe://example.org/us;Hash={hash};Subject=\"CN=a, b\";URI={uri}")
    }
}

fn encoded(pem: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    pem.bytes().map(byte).collect()
}

/// A phone's certificate names no workload; an edge proxy's does.
fn certificates() -> (Shown, Shown) {
    let ca = Authority::new("Somebody");
    let phone = ca.client(&[], &["phone.example.com"]);
    let edge = ca.client(&[EDGE], &[]);
    (Shown::of(&phone), Shown::of(&edge))
}

fn from_phone(ask: Ask, phone: &Shown) -> Ask {
    ask.principal("phone.example.com").certificate(&phone.pem)
}

fn from_edge(ask: Ask, edge: &Shown) -> Ask {
    ask.principal(EDGE).certificate(&edge.pem)
}

const HEADER: &str = "x-forwarded-client-cert";
const MISMATCH: &str = "deny 401 certificate_mismatch";

#[tokio::test]
async fn the_certificate_is_that_of_the_connection() {
    let (phone, edge) = certificates();
    let setup = Setup::new();
    let to_phone = alice(&setup.corp, &phone.cnf());
    let server = setup.start();
    let client = server.client().await;
    let ask = || with_scheme("Bearer", &to_phone);
    for (ask, expected) in [
        (from_phone(ask(), &phone), "allow"),
        (from_edge(ask(), &edge), MISMATCH),
        (ask(), MISMATCH),
        // Nobody is trusted with this header, so it is a client's word.
        (ask().header(HEADER, phone.element("")), MISMATCH),
        (
            from_edge(ask(), &edge).header(HEADER, phone.element("")),
            MISMATCH,
        ),
    ] {
        assert_eq!(client.check(&ask).await.outcome(), expected, "{ask:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_trusted_tells_whose_certificate_it_is() {
    let (phone, edge) = certificates();
    let setup = Setup::new().replacing(
        "mtls: { trust_domains: [example.org] }",
        "mtls: { trust_domains: [example.org], trusted_hops: 1, hops: [\"spiffe://example.org/envoy/*\"] }",
    );
    let to_phone = alice(&setup.corp, &phone.cnf());
    let to_edge = alice(&setup.corp, &edge.cnf());
    let server = setup.start();
    let client = server.client().await;
    let through = format!("{},{}", phone.element(""), edge.element(EDGE));
    for (ask, expected) in [
        (
            from_edge(with_scheme("Bearer", &to_phone), &edge).header(HEADER, &through),
            "allow",
        ),
        // All that comes through the proxy has the proxy's certificate, so it proves nothing about anybody.
        (
            from_edge(with_scheme("Bearer", &to_edge), &edge).header(HEADER, &through),
            MISMATCH,
        ),
        (
            from_edge(with_scheme("Bearer", &to_edge), &edge).header(HEADER, edge.element(EDGE)),
            MISMATCH,
        ),
        (
            with_scheme("Bearer", &to_phone).header(HEADER, &through),
            MISMATCH,
        ),
        (
            from_phone(with_scheme("Bearer", &to_phone), &phone),
            "allow",
        ),
    ] {
        assert_eq!(client.check(&ask).await.outcome(), expected, "{ask:?}");
    }
}
