//! Whoever shows something is never taken for somebody who shows nothing, nor for whoever else could be meant.

use super::{id_of, issue, keys, setup, verdict};
use crate::harness::{Ask, SOON, Server, Setup, eventually};

/// A route on which everybody may do everything, and one that takes no credentials: only a credential can be refused.
const OPEN: &str = r"
version: 1
routes:
  open:
    match: { host: open.example.com }
    url: https://open.example.com
    providers: [corp, partners, portal, mesh]
    actions:
      open.read: { http: GET /open }
  closed:
    match: { host: closed.example.com }
    url: https://closed.example.com
    actions:
      closed.read: { http: GET /open }
rules:
  - { id: anyone-reads, permit: [open.read, closed.read], to: { kind: [anonymous, human, service, agent] } }
";

const WORKLOAD: &str = "spiffe://example.org/billing";

fn open() -> Setup {
    let setup = setup();
    setup.write("policies/open.yaml", OPEN);
    setup
}

fn on(host: &str) -> Ask {
    Ask::new("GET", host, "/open")
}

/// Waits until the last record speaks of this party.
fn is_caller(server: &Server, expected: &str) {
    eventually(SOON, expected, || {
        let records = server.records();
        let subject = &records.last()?["subject"];
        let text = |name: &str| subject[name].as_str().unwrap_or("-").to_owned();
        let caller = format!("{} {}/{}", text("kind"), text("issuer"), text("id"));
        (caller == expected).then_some(())
    });
}

/// What the others are measured by.
async fn measure(server: &Server, good: &str) {
    assert_eq!(verdict(server, &on("open.example.com")).await, "allow");
    is_caller(server, "anonymous -/-");
    let workload = on("open.example.com").principal(WORKLOAD);
    assert_eq!(verdict(server, &workload).await, "allow");
    is_caller(server, &format!("service mesh/{WORKLOAD}"));
    let both = workload.header("x-api-key", good);
    assert_eq!(verdict(server, &both).await, "allow");
    is_caller(server, "service partners/billing-sync");
}

#[tokio::test]
async fn a_bad_credential_is_never_nobodys_and_never_another_partys() {
    let setup = open();
    let revoked = issue(&setup, "billing-gone", &[]);
    assert_eq!(keys(&setup, &["revoke", id_of(&revoked)]).exit, 0);
    let elsewhere = issue(&setup, "billing-far", &["--network", "10.0.0.0/8"]);
    let good = issue(&setup, "billing-sync", &[]);
    let server = setup.start();
    let token = server
        .setup
        .corp
        .token("alice")
        .audience("https://open.example.com")
        .sign();

    measure(&server, &good).await;
    let cookie = |value: &str| vec![("cookie", format!("a=b; portal_key={value}; c=d"))];
    let header = |name: &'static str, value: &str| vec![(name, value.to_owned())];
    let bad = [
        header("x-api-key", ""),
        header("x-api-key", " "),
        header("x-api-key", "nonsense"),
        header("X-API-Key", "nonsense"),
        header("x-api-key", &revoked),
        header("x-api-key", &elsewhere),
        header("x-api-key", &token),
        header("x-wholesale-key", ""),
        header("x-wholesale-key", &good),
        cookie(""),
        cookie("nonsense"),
        cookie(&token),
        cookie(&good),
        header("authorization", ""),
        header("authorization", " "),
        header("authorization", "Bearer"),
        header("authorization", "Bearer "),
        header("authorization", "Basic YTpi"),
        header("authorization", "Negotiate YTpi"),
        header("authorization", "ApiKey a"),
        header("authorization", &format!("Bearer {good}")),
        header("authorization", &format!("ApiKey {good}")),
        header("authorization", &format!("DPoP {token}")),
        header("authorization", &token),
        [header("x-api-key", &good), header("x-api-key", "")].concat(),
        [header("x-api-key", &good), header("authorization", "")].concat(),
        [
            header("x-api-key", &good),
            header("authorization", "Basic YTpi"),
        ]
        .concat(),
        [header("x-api-key", &good), header("x-wholesale-key", "")].concat(),
        [header("x-api-key", &good), cookie("")].concat(),
        [
            cookie("nonsense"),
            header("authorization", &format!("Bearer {token}")),
        ]
        .concat(),
    ];
    for headers in bad {
        for host in ["open.example.com", "closed.example.com"] {
            let cookies = headers.iter().all(|(name, _)| *name == "cookie");
            if cookies && host == "closed.example.com" {
                // A browser sends a cookie to every route of a host: it counts where it is read.
                continue;
            }
            for principal in [None, Some(WORKLOAD)] {
                for merged in [false, true] {
                    let mut ask = on(host);
                    for (name, value) in &headers {
                        ask = ask.header(name, value);
                    }
                    ask = principal.into_iter().fold(ask, Ask::principal);
                    ask = if merged { ask.merged() } else { ask };
                    let said = verdict(&server, &ask).await;
                    assert!(said.starts_with('4'), "{said}: {headers:?} on {host}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_in_the_query_beside_a_key_is_a_second_credential() {
    let setup = open();
    let key = issue(&setup, "billing-sync", &[]);
    let server = setup.start();
    let with = |query: &str| {
        Ask::new("GET", "open.example.com", &format!("/open{query}")).header("x-api-key", &key)
    };
    assert_eq!(verdict(&server, &with("?page=1")).await, "allow");
    let two = verdict(&server, &with("?access_token=t")).await;
    assert_eq!(two, "400 credential_ambiguous");
}

#[tokio::test]
async fn a_refusal_asks_for_what_the_route_takes() {
    let server = setup().start();
    let client = server.client().await;
    let bulk = || Ask::new("GET", "bulk.example.com", "/v1/bulk");
    for ask in [
        bulk(),
        bulk().bearer("nonsense"),
        bulk().header("x-wholesale-key", ""),
    ] {
        let answer = client.check(&ask).await;
        assert_eq!(answer.status(), 401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert_eq!(
            challenge, r#"ApiKey realm="https://bulk.example.com""#,
            "{ask:?}"
        );
    }
    let invoices = Ask::new("GET", "invoices.example.com", "/v1/invoices");
    let challenge = client
        .check(&invoices)
        .await
        .header("www-authenticate")
        .unwrap();
    let expected = concat!(
        r#"Bearer realm="https://invoices.example.com", "#,
        r#"resource_metadata="https://invoices.example.com/.well-known/oauth-protected-resource", DPoP "#
    );
    assert!(challenge.starts_with(expected), "{challenge}");
    let expected = r#", ApiKey realm="https://invoices.example.com""#;
    assert!(challenge.ends_with(expected), "{challenge}");
}
