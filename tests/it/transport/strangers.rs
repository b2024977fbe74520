//! Who comes in, and who gets nothing.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{EDGE, Port};
use crate::harness::{Authority, Client, Setup};

#[tokio::test]
async fn the_listed_envoy_is_answered_and_named_in_the_record() {
    let port = Port::open(&format!("[{{ id: '{EDGE}' }}]"));
    let pair = port.clients.client(&[EDGE], &[]);
    assert_eq!(port.gets(Some(&pair)).await, Ok("allow".into()));
    assert_eq!(port.records(1)[0]["gateway"], EDGE);
    assert_eq!(port.handshakes("accepted"), 1);
}

#[tokio::test]
async fn a_dns_name_and_a_pattern_are_entries_too() {
    let port = Port::open(
        "[{ id: 'dns:envoy.example.org' }, { id: 'spiffe://example.org/ns/*/sa/envoy' }]",
    );
    let named = port.clients.client(&[], &["envoy.example.org"]);
    assert_eq!(port.gets(Some(&named)).await, Ok("allow".into()));
    let like = port
        .clients
        .client(&["spiffe://example.org/ns/prod/sa/envoy"], &[]);
    assert_eq!(port.gets(Some(&like)).await, Ok("allow".into()));
    for (uris, names) in [
        (&["spiffe://example.org/ns/a/b/sa/envoy"][..], &[][..]),
        (&["spiffe://example.com/ns/prod/sa/envoy"], &[]),
        (&[], &["*.example.org"]),
    ] {
        let pair = port.clients.client(uris, names);
        assert!(port.gets(Some(&pair)).await.is_err(), "{uris:?} {names:?}");
    }
}

#[tokio::test]
async fn strangers_get_nothing_not_even_health() {
    let port = Port::open(&format!("[{{ id: '{EDGE}' }}]"));
    let other = Authority::new("clients");
    let strangers = [
        ("no certificate", None),
        (
            "another CA of the same name",
            Some(other.client(&[EDGE], &[])),
        ),
        ("the servers' CA", Some(port.servers.client(&[EDGE], &[]))),
        (
            "expired",
            Some(port.clients.client_until(&[EDGE], &[], 2020)),
        ),
        (
            "not yet valid",
            Some(port.clients.client_from(&[EDGE], 3999)),
        ),
        ("not for clients", Some(port.clients.server())),
    ];
    for (who, pair) in &strangers {
        let got = port.gets(pair.as_ref()).await;
        assert!(got.is_err(), "{who}: {got:?}");
    }
    // A client tries again for its second question.
    assert!(port.handshakes("failed") >= 6);
    let unlisted = [
        ("not on the list", &["spiffe://example.org/envoy/other"][..]),
        ("two URIs", &[EDGE, "spiffe://example.org/envoy/other"]),
        ("a SPIFFE ID and a page", &[EDGE, "https://example.org/"]),
        ("another trust domain", &["spiffe://example.com/envoy/edge"]),
        ("no name", &[]),
    ];
    for (who, uris) in unlisted {
        let pair = port.clients.client(uris, &[]);
        let got = port.gets(Some(&pair)).await;
        assert!(got.is_err(), "{who}: {got:?}");
    }
    assert!(port.handshakes("stranger") >= 5);
    assert_eq!(port.handshakes("accepted"), 0);
    assert_eq!(port.server.records(), [] as [serde_json::Value; 0]);
    // Said once, and not once for each.
    let said = port.server.log();
    assert_eq!(said.matches("was turned away").count(), 1, "{said}");
    assert!(said.contains("spiffe://example.org/envoy/other"), "{said}");
}

#[tokio::test]
async fn plain_text_gets_nothing() {
    let port = Port::open(&format!("[{{ id: '{EDGE}' }}]"));
    let address = port.server.grpc;
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    if let Ok(channel) = endpoint.connect().await {
        let got = port.asks(&Client::over(channel)).await;
        assert!(got.is_err(), "{got:?}");
    }
    for hello in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(hello.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        // However it ends: all that may come is an alert of TLS (RFC 8446, section 6).
        let _ended = stream.read_to_end(&mut bytes).await;
        assert!(
            bytes.len() <= 7 && bytes.first().is_none_or(|it| *it == 21),
            "{bytes:?}"
        );
    }
}

#[tokio::test]
async fn tls_without_a_client_ca_asks_nobody_who_they_are() {
    let servers = Authority::new("servers");
    let setup = Setup::new().grpc("tls: { certificate: tls/server.pem, key: tls/server.key }");
    setup.write_pair(&servers.server());
    let port = Port {
        server: setup.start(),
        servers,
        clients: Authority::new("clients"),
    };
    assert_eq!(port.gets(None).await, Ok("allow".into()));
    let record = &port.records(1)[0];
    assert_eq!(record.get("gateway"), None, "{record}");
}

#[tokio::test]
async fn the_unix_socket_stays_plain_beside_it() {
    let port = Port::with(Setup::new().unix(), &format!("[{{ id: '{EDGE}' }}]"));
    let local = port.server.unix_client().await;
    assert_eq!(port.asks(&local).await, Ok("allow".into()));
}

#[tokio::test]
async fn a_pair_and_a_ca_that_change_count_for_the_next_connection() {
    let port = Port::open(&format!("[{{ id: '{EDGE}' }}]"));
    let edge = port.clients.client(&[EDGE], &[]);
    let open = port.dialer(Some(&edge)).client().await.unwrap();
    assert_eq!(port.asks(&open).await, Ok("allow".into()));
    let successor = Authority::new("clients");
    port.server.setup.write("tls/clients.pem", &successor.pem());
    port.server
        .setup
        .write_pair(&port.servers.server_until(3999));
    let applied = r#"countersign_tls_reloads_total{listener="grpc",result="applied"}"#;
    crate::harness::eventually(crate::harness::SOON, "the new files", || {
        (port.server.metric(applied) > 0.0).then_some(())
    });
    assert!(port.gets(Some(&edge)).await.is_err());
    let edge = successor.client(&[EDGE], &[]);
    assert_eq!(port.gets(Some(&edge)).await, Ok("allow".into()));
    // What is open was authenticated when it was opened.
    assert_eq!(port.asks(&open).await, Ok("allow".into()));
    let expiry = r#"countersign_tls_certificate_expiry_timestamp_seconds{listener="grpc"}"#;
    assert!(port.server.metric(expiry) > 60e9);
}
