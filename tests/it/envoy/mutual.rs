//! Envoy and countersign with mutual TLS between them, and certificates that change while requests flow.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::client::Request;
use super::process::Change;
use super::stage::{Stage, setup};
use super::traffic::Traffic;
use crate::harness::{Authority, Pair, SERVER_ID, SOON, eventually};

const EDGE: &str = "spiffe://example.org/envoy/edge";
const ECHO: &str = "echo.example.com";
/// Before this line of `envoy.yaml` the cluster gets its certificates.
const ANCHOR: &str = "    # gRPC health: countersign says NOT_SERVING";
const OVERLOAD: &str = "overload_manager:\n";
/// Connections end after a few requests, so that there are handshakes all the time.
const PROTOCOL: &str =
    "        explicit_http_config:\n          http2_protocol_options:\n            # Notices";
const BRIEF: &str = "        common_http_protocol_options: { max_requests_per_connection: 25 }\n";

/// Envoy's own certificate and whom it trusts, in files that it reads again when they are replaced (SDS).
struct Identity(TempDir);

impl Identity {
    fn new(pair: &Pair, trusted: &str) -> Self {
        let identity = Self(tempfile::tempdir().unwrap());
        fs::write(identity.path("ca.pem"), trusted).unwrap();
        identity.put(pair);
        identity
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a pair in force: Envoy sees the list of secrets move into its place.
    fn put(&self, pair: &Pair) {
        fs::write(self.path("client.pem"), &pair.certificate).unwrap();
        fs::write(self.path("client.key"), &pair.key).unwrap();
        let file = |name: &str| format!("{{ filename: {} }}", self.path(name).display());
        let secret = format!(
            "resources:\n- \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n  \
             name: envoy\n  tls_certificate: {{ certificate_chain: {}, private_key: {} }}\n",
            file("client.pem"),
            file("client.key"),
        );
        fs::write(self.path("beside.yaml"), secret).unwrap();
        fs::rename(self.path("beside.yaml"), self.path("sds.yaml")).unwrap();
    }

    fn changes(&self) -> [Change; 3] {
        let (sds, ca) = (self.path("sds.yaml"), self.path("ca.pem"));
        [
            (ANCHOR, format!("{}{ANCHOR}", transport_socket(&sds, &ca))),
            (PROTOCOL, format!("{BRIEF}{PROTOCOL}")),
            // SDS wants to know who reads.
            (
                OVERLOAD,
                format!("node: {{ id: edge, cluster: edge }}\n{OVERLOAD}"),
            ),
        ]
    }
}

/// The page that says how it is done.
const README: &str = include_str!("../../../README.md");

/// One of the two sides that the page shows.
fn side(index: usize) -> &'static str {
    let blocks = README.split("```yaml mutual\n").skip(1);
    let block = blocks.map(|it| it.split("```").next().unwrap()).nth(index);
    block.expect("both sides in README.md")
}

/// What the page shows for Envoy's cluster, with these files.
fn transport_socket(sds: &Path, ca: &Path) -> String {
    let mut text = side(1).to_owned();
    for (from, to) in [("/etc/envoy/sds.yaml", sds), ("/etc/envoy/ca.pem", ca)] {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, &to.display().to_string());
    }
    assert!(text.contains(SERVER_ID), "{text}");
    let lines: Vec<_> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n") + "\n"
}

fn reloads(stage: &Stage, result: &str) -> u64 {
    let series = format!(r#"countersign_tls_reloads_total{{listener="grpc",result="{result}"}}"#);
    stage.server.count(&series)
}

fn handshakes(stage: &Stage, result: &str) -> u64 {
    let series =
        format!(r#"countersign_tls_handshakes_total{{listener="grpc",result="{result}"}}"#);
    stage.server.count(&series)
}

/// Waits until countersign has looked at the files once more, with this result.
fn reloaded(stage: &Stage, result: &str, change: impl FnOnce()) {
    let before = reloads(stage, result);
    change();
    eventually(SOON, "the files to be read again", || {
        (reloads(stage, result) > before).then_some(())
    });
}

#[test]
fn certificates_and_authorities_are_rotated_under_traffic_without_a_failed_check() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let both = old.pem() + &new.pem();
    let identity = Identity::new(&old.client(&[EDGE], &[]), &both);
    let envoys = format!("[{{ id: '{EDGE}', routes: [echo] }}]");
    let setup = setup().mtls(&old.server(), &old.pem(), &envoys);
    let stage = Stage::start(&identity.changes(), setup);
    let traffic = Traffic::start(stage.envoy.plain, &[Request::get(ECHO, "/open")]);
    traffic.flow(200);
    let files = &stage.server.setup;

    // A key that does not belong to the certificate, and then half a file: nothing changes but the count.
    let good = files.read("tls/server.key");
    reloaded(&stage, "refused", || {
        files.write("tls/server.key", &old.server().key);
    });
    traffic.flow(200);
    reloaded(&stage, "refused", || {
        files.write("tls/server.pem", "-----BEGIN CERTIFICATE-----\nMII");
    });
    traffic.flow(200);
    let back = old.server();
    assert_ne!(good, back.key);
    reloaded(&stage, "applied", || files.write_pair(&back));

    // The authority changes with an overlap: trust both, change the server, change Envoy, trust the new one alone.
    reloaded(&stage, "applied", || files.write("tls/clients.pem", &both));
    traffic.flow(200);
    reloaded(&stage, "applied", || files.write_pair(&new.server()));
    traffic.flow(200);
    identity.put(&new.client(&[EDGE], &[]));
    // Envoy connects anew for each 25 requests, and has read its files long before.
    eventually(SOON, "Envoy to take its new pair", || {
        (stage.envoy.stat("sds.envoy.update_success") >= 2).then_some(())
    });
    traffic.flow(400);
    reloaded(&stage, "applied", || {
        files.write("tls/clients.pem", &new.pem());
    });
    traffic.flow(400);

    let seen = traffic.stop();
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["200"], "{seen:?}");
    assert_eq!(
        stage.envoy.stat("http.ingress.ext_authz.countersign.error"),
        0
    );
    assert!(handshakes(&stage, "accepted") > 20);
    assert_eq!(
        (handshakes(&stage, "failed"), handshakes(&stage, "stranger")),
        (0, 0)
    );
    assert!(
        stage
            .server
            .records()
            .iter()
            .all(|record| record["gateway"] == EDGE)
    );
}

#[test]
fn the_two_sides_of_the_page_find_each_other() {
    let authority = Authority::new("both");
    let identity = Identity::new(&authority.client(&[EDGE], &[]), &authority.pem());
    let setup = setup();
    setup.write_pair(&authority.server());
    setup.write("tls/clients.pem", &authority.pem());
    let text = setup.read("countersign.yaml");
    let (before, behind) = text.split_once("\ngrpc:\n").unwrap();
    let (own, after) = behind.split_once("\n\n").unwrap();
    let shown = side(0).replace("0.0.0.0:9191", "127.0.0.1:0");
    let rest: Vec<&str> = own
        .lines()
        .filter(|line| !line.contains("listen:"))
        .collect();
    setup.write(
        "countersign.yaml",
        &format!("{before}\n{shown}{}\n\n{after}", rest.join("\n")),
    );
    let stage = Stage::start(&identity.changes(), setup);
    let asked = Request::get("payments.example.com", "/v1/payments");
    assert_eq!(stage.send(&asked).reason(), "authentication_required");
    assert_eq!(
        stage.send(&Request::get(ECHO, "/open")).reason(),
        "gateway_not_allowed"
    );
}

#[test]
fn an_envoy_that_is_not_listed_or_bound_elsewhere_forwards_nothing() {
    let authority = Authority::new("both");
    let identity = Identity::new(&authority.client(&[EDGE], &[]), &authority.pem());
    let mtls = |envoys: &str| setup().mtls(&authority.server(), &authority.pem(), envoys);
    let bound = mtls(&format!("[{{ id: '{EDGE}', routes: [payments] }}]"));
    let stage = Stage::start(&identity.changes(), bound);
    let refused = stage.send(&Request::get(ECHO, "/open"));
    assert_eq!(
        (refused.status, refused.reason().as_str()),
        (403, "gateway_not_allowed")
    );
    let record = eventually(SOON, "the record", || stage.server.records().pop());
    assert_eq!(
        (record["gateway"].as_str(), record["route"].as_str()),
        (Some(EDGE), Some("echo"))
    );

    // Not even health: Envoy finds nobody to ask.
    let unlisted = mtls("[{ id: 'spiffe://example.org/envoy/other' }]").start();
    let stage = Stage::with(&identity.changes(), unlisted, 0);
    let refused = stage.send(&Request::get(ECHO, "/open"));
    assert_eq!((refused.status, refused.is_from_upstream()), (503, false));
    assert!(handshakes(&stage, "stranger") > 0);
}
