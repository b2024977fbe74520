use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::HandshakeKind;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_util::sync::CancellationToken;

use super::server::Reread;
use super::testing::{Authority, Pair, SERVER, client, connect, files};
use super::*;
use crate::model::finding::Severity;
use crate::model::time::Timestamp;
use crate::telemetry::{Listener, Metrics};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const EDGE: &str = "spiffe://example.org/envoy/edge";

struct Set {
    folder: TempDir,
    metrics: Metrics,
    spec: TlsSpec,
}

impl Set {
    fn new(pair: &Pair, client_ca: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            spec: files(folder.path(), pair, client_ca),
            metrics: Metrics::new("test", NOW).unwrap(),
            folder,
        }
    }

    fn load(&self) -> Result<ServerTls, TlsError> {
        ServerTls::load(&self.spec, &[b"h2"], self.metrics.tls(Listener::Grpc))
    }

    fn put(&self, pair: &Pair, client_ca: Option<&str>) {
        files(self.folder.path(), pair, client_ca);
    }

    fn metric(&self, series: &str) -> Option<f64> {
        let text = self.metrics.encode(NOW, &[], &[]).unwrap();
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(series));
        lines.find_map(|rest| rest.trim().parse().ok())
    }

    fn reloads(&self, result: &str) -> Option<f64> {
        let labels = format!("{{listener=\"grpc\",result=\"{result}\"}}");
        self.metric(&format!("countersign_tls_reloads_total{labels}"))
    }

    fn handshakes(&self, result: &str) -> Option<f64> {
        let labels = format!("{{listener=\"grpc\",result=\"{result}\"}}");
        self.metric(&format!("countersign_tls_handshakes_total{labels}"))
    }
}

/// Both sides of one handshake.
async fn shake(
    tls: &ServerTls,
    authority: &Authority,
    identity: Option<&Pair>,
) -> (
    Result<Accepted<DuplexStream>, HandshakeError>,
    std::io::Result<Vec<u8>>,
) {
    let (ours, theirs) = duplex(64 * 1024);
    let client = async {
        let mut stream = connect(theirs, authority, identity).await?;
        // With TLS 1.3 a client hears of a refused certificate with its first byte.
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        Ok(bytes)
    };
    let server = async {
        let mut accepted = tls.accept(ours).await?;
        accepted.stream.write_all(b"hello").await.unwrap();
        accepted.stream.shutdown().await.unwrap();
        Ok(accepted)
    };
    tokio::join!(server, client)
}

#[tokio::test]
async fn a_client_sees_the_certificate_and_the_protocol() {
    let authority = Authority::new("servers");
    let set = Set::new(&authority.server(4000), None);
    let tls = set.load().unwrap();
    let (accepted, read) = shake(&tls, &authority, None).await;
    let accepted = accepted.unwrap();
    assert!(accepted.certificate.is_none());
    assert_eq!(
        accepted.stream.get_ref().1.alpn_protocol(),
        Some(&b"h2"[..])
    );
    assert_eq!(read.unwrap(), b"hello");
    assert_eq!(set.handshakes("accepted"), Some(1.0));
    let expiry = "countersign_tls_certificate_expiry_timestamp_seconds{listener=\"grpc\"}";
    assert!(set.metric(expiry).unwrap() > 60_000_000_000.0);
}

#[tokio::test]
async fn with_a_client_ca_only_its_certificates_come_in() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let set = Set::new(&servers.server(4000), Some(&clients.pem()));
    let tls = set.load().unwrap();
    let (accepted, read) = shake(&tls, &servers, Some(&clients.client(&[EDGE], &[]))).await;
    assert_eq!(accepted.unwrap().certificate.unwrap().uris(), [EDGE]);
    assert_eq!(read.unwrap(), b"hello");
    let stranger = servers.client(&[EDGE], &[]);
    // A server's certificate is no client's, whoever has signed it.
    let misused = clients.server(4000);
    for identity in [None, Some(&stranger), Some(&misused)] {
        let (accepted, read) = shake(&tls, &servers, identity).await;
        assert!(matches!(accepted, Err(HandshakeError::Failed(_))));
        assert!(read.is_err());
    }
    assert_eq!(set.handshakes("failed"), Some(3.0));
}

#[tokio::test]
async fn a_client_that_says_nothing_or_nonsense_is_let_go() {
    let authority = Authority::new("servers");
    let set = Set::new(&authority.server(4000), None);
    let tls = set
        .load()
        .unwrap()
        .with_limits(Duration::from_millis(50), 1);
    let (ours, _silent) = duplex(64);
    let accepted = tls.accept(ours).await;
    assert!(matches!(accepted, Err(HandshakeError::TimedOut)));
    let (ours, mut plain) = duplex(64);
    plain
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    let accepted = tls.accept(ours).await;
    assert!(matches!(accepted, Err(HandshakeError::Failed(_))));
    assert_eq!(
        (set.handshakes("timed_out"), set.handshakes("failed")),
        (Some(1.0), Some(1.0))
    );
}

#[tokio::test]
async fn handshakes_have_a_bound_and_the_next_one_waits() {
    let authority = Authority::new("servers");
    let set = Set::new(&authority.server(4000), None);
    let tls = set
        .load()
        .unwrap()
        .with_limits(Duration::from_millis(200), 1);
    let (ours, _silent) = duplex(64);
    let silent = tls.accept(ours);
    let waiting = shake(&tls, &authority, None);
    let (silent, (accepted, _)) = tokio::join!(silent, waiting);
    assert!(matches!(silent, Err(HandshakeError::TimedOut)));
    assert!(accepted.is_ok());
}

#[tokio::test]
async fn no_session_is_resumed_so_every_connection_shows_its_certificate() {
    let authority = Authority::new("servers");
    let set = Set::new(&authority.server(4000), Some(&authority.pem()));
    let tls = set.load().unwrap();
    let mine = authority.client(&[EDGE], &[]);
    for versions in [&[&TLS13][..], &[&TLS12]] {
        // A client that remembers whatever it is given.
        let remembers = client(&authority, Some(&mine), versions);
        for _ in 0..3 {
            let (ours, theirs) = duplex(64 * 1024);
            let server = async {
                let mut accepted = tls.accept(ours).await.unwrap();
                accepted.stream.write_all(b"hello").await.unwrap();
                accepted.stream.shutdown().await.unwrap();
                accepted
            };
            let reads = async {
                let connector = TlsConnector::from(Arc::clone(&remembers));
                let name = SERVER.try_into().unwrap();
                let mut stream = connector.connect(name, theirs).await.unwrap();
                // Tickets come before the first byte.
                let _ended = stream.read_to_end(&mut Vec::new()).await;
                stream
            };
            let (accepted, stream) = tokio::join!(server, reads);
            assert!(accepted.certificate.is_some());
            let kinds = [
                accepted.stream.get_ref().1.handshake_kind(),
                stream.get_ref().1.handshake_kind(),
            ];
            assert_eq!(kinds, [Some(HandshakeKind::Full); 2], "{versions:?}");
            assert_eq!(stream.get_ref().1.tls13_tickets_received(), 0);
        }
    }
}

#[tokio::test]
async fn a_new_pair_and_a_new_ca_count_at_once() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let set = Set::new(&old.server(4000), Some(&old.pem()));
    let tls = set.load().unwrap();
    assert!(matches!(tls.reread(NOW), Reread::Unchanged));
    set.put(&new.server(4001), Some(&new.pem()));
    assert!(matches!(tls.reread(NOW), Reread::Replaced));
    let mine = new.client(&[EDGE], &[]);
    assert!(shake(&tls, &new, Some(&mine)).await.0.is_ok());
    let gone = old.client(&[EDGE], &[]);
    assert!(shake(&tls, &new, Some(&gone)).await.0.is_err());
    assert!(shake(&tls, &old, Some(&mine)).await.1.is_err());
    assert_eq!(
        (set.reloads("applied"), set.reloads("refused")),
        (Some(1.0), Some(0.0))
    );
}

#[tokio::test]
async fn a_bad_pair_changes_nothing_but_the_count() {
    let authority = Authority::new("servers");
    let (good, other) = (authority.server(4000), authority.server(4000));
    let set = Set::new(&good, Some(&authority.pem()));
    let tls = set.load().unwrap();
    let mine = authority.client(&[EDGE], &[]);
    let broken = |certificate: &str, key: &str| Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
    };
    let cases = [
        (broken(&good.certificate, &other.key), "does not belong"),
        (broken("", &good.key), "no certificate"),
        (broken(&good.certificate, "nonsense"), "no private key"),
        (authority.server(2020), "has expired"),
    ];
    for (count, (pair, expected)) in (1_u32..).zip(cases) {
        set.put(&pair, Some(&authority.pem()));
        let Reread::Kept(error) = tls.reread(NOW) else {
            panic!("{expected}: it was taken");
        };
        assert!(error.to_string().contains(expected), "{error}");
        // The same bad files are not counted again.
        assert!(matches!(tls.reread(NOW), Reread::Unchanged));
        assert_eq!(set.reloads("refused"), Some(f64::from(count)));
        assert!(shake(&tls, &authority, Some(&mine)).await.0.is_ok());
    }
    fs::remove_file(set.folder.path().join("server.key")).unwrap();
    assert!(matches!(
        tls.reread(NOW),
        Reread::Kept(TlsError::Unreadable { .. })
    ));
    set.put(&good, Some(&authority.pem()));
    assert!(matches!(tls.reread(NOW), Reread::Replaced));
}

#[tokio::test]
async fn the_watch_sees_a_change() {
    let authority = Authority::new("servers");
    let set = Set::new(&authority.server(4000), None);
    let tls = set.load().unwrap();
    let stop = CancellationToken::new();
    let watching = tokio::spawn(watch(tls.clone(), || NOW, stop.clone()));
    let before = tls.expires();
    set.put(&authority.server(4001), None);
    let changed = async {
        while tls.expires() == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), changed)
        .await
        .unwrap();
    stop.cancel();
    watching.await.unwrap();
}

#[test]
fn every_mistake_is_found_where_it_stands() {
    let authority = Authority::new("servers");
    let (good, other) = (authority.server(4000), authority.server(4000));
    let set = Set::new(&good, Some(&authority.pem()));
    assert_eq!(check(&set.spec, NOW), []);
    let found = |spec: &TlsSpec| {
        let findings = check(spec, NOW);
        let [finding] = &findings[..] else {
            panic!("{findings:?}");
        };
        (finding.severity, finding.to_string())
    };
    let write = |name: &str, text: &str| {
        fs::write(set.folder.path().join(name), text).unwrap();
        set.folder.path().join(name)
    };
    let good_spec = || set.spec.clone();
    let cases = [
        (
            TlsSpec {
                certificate: "/nowhere.pem".into(),
                ..good_spec()
            },
            "certificate: cannot read `/nowhere.pem`",
        ),
        (
            TlsSpec {
                certificate: write("empty.pem", ""),
                ..good_spec()
            },
            "certificate: `",
        ),
        (
            TlsSpec {
                key: write("other.key", &other.key),
                ..good_spec()
            },
            "key: the key in `",
        ),
        (
            TlsSpec {
                key: set.spec.certificate.clone(),
                ..good_spec()
            },
            "key: `",
        ),
        (
            TlsSpec {
                key: set.folder.path().into(),
                ..good_spec()
            },
            "key: cannot read `",
        ),
        (
            TlsSpec {
                client_ca: Some(write("ca.pem", "x")),
                ..good_spec()
            },
            "client_ca: `",
        ),
        (
            TlsSpec {
                client_ca: Some(write("huge.pem", &"x".repeat(1024 * 1024 + 1))),
                ..good_spec()
            },
            "client_ca: cannot read `",
        ),
    ];
    for (spec, expected) in cases {
        let (severity, text) = found(&spec);
        assert_eq!(severity, Severity::Error);
        assert!(text.starts_with(expected), "{text}");
        assert!(!text.contains("PRIVATE"), "{text}");
    }
}

#[test]
fn a_certificate_that_expires_soon_is_a_warning() {
    let authority = Authority::new("servers");
    let set = Set::new(&authority.server(2027), None);
    let expires = Timestamp::parse("2027-01-01").unwrap();
    let days = |days: u64| Duration::from_hours(24 * days);
    assert_eq!(check(&set.spec, expires.minus(days(8))), []);
    for (now, expected) in [
        (expires.minus(days(6)), "expires soon"),
        (expires, "expired at"),
    ] {
        let findings = check(&set.spec, now);
        assert_eq!(findings[0].severity, Severity::Warning);
        assert!(findings[0].to_string().contains(expected), "{findings:?}");
    }
}

#[test]
fn files_are_seen_from_the_configuration() {
    let json = r#"{"certificate":"tls/server.pem","key":"/run/key.pem","client_ca":"ca.pem"}"#;
    let mut spec: TlsSpec = serde_json::from_str(json).unwrap();
    spec.relative_to(Path::new("/etc/countersign/countersign.yaml"));
    assert_eq!(
        spec.certificate,
        Path::new("/etc/countersign/tls/server.pem")
    );
    assert_eq!(spec.key, Path::new("/run/key.pem"));
    assert_eq!(
        spec.client_ca.as_deref(),
        Some(Path::new("/etc/countersign/ca.pem"))
    );
    for wrong in [
        r#"{"certificate":"a"}"#,
        r#"{"certificate":"a","key":"b","ca":"c"}"#,
    ] {
        assert!(serde_json::from_str::<TlsSpec>(wrong).is_err(), "{wrong}");
    }
}
