//! The admin listener with TLS and certificates of clients, asked by curl.

use std::fs;
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType,
};
use serde_json::json;

use crate::harness::{SOON, Server, Setup, eventually, send};

const HOST: &str = "ops.example.com";
const ADA: &str = "spiffe://example.org/ops/ada";
const NOBODY: &str = "  # access: [{ name: ops, token: { file: ops.token } }]";
const TOKEN: &str = "0f5a4e1c9b7d3826f0e1d2c3b4a59687";

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Writes `NAME.pem` and `NAME.key` with this name.
    fn issue(&self, setup: &Setup, file: &str, san: SanType, usage: ExtendedKeyUsagePurpose) {
        let mut params = named(file);
        params.subject_alt_names = vec![san];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        fs::write(setup.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
        fs::write(setup.path(&format!("{file}.pem")), certificate.pem()).unwrap();
    }

    fn client(&self, setup: &Setup, file: &str, id: &str) {
        let name = SanType::URI(id.try_into().unwrap());
        self.issue(setup, file, name, ExtendedKeyUsagePurpose::ClientAuth);
    }

    fn server(&self, setup: &Setup) {
        let name = SanType::DnsName(HOST.try_into().unwrap());
        self.issue(setup, "server", name, ExtendedKeyUsagePurpose::ServerAuth);
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A server on all addresses, whose clients need a certificate of `clients`.
fn setup(servers: &Authority, clients: &Authority) -> Setup {
    let setup = Setup::new().replacing(
        NOBODY,
        &format!(
            "  url: https://{HOST}
  tls: {{ certificate: server.pem, key: server.key, client_ca: clients.pem }}
  access: [{{ name: duty, mtls: 'spiffe://example.org/ops/*' }}, {{ name: ops, token: {{ file: ops.token }} }}]"
        ),
    );
    setup.write("ops.token", TOKEN);
    setup.write("servers.pem", &servers.0.pem());
    setup.write("clients.pem", &clients.0.pem());
    servers.server(&setup);
    clients.client(&setup, "ada", ADA);
    clients.client(&setup, "guest", "spiffe://example.org/guests/eve");
    setup.argument("--admin-listen=0.0.0.0:0")
}

/// Status and body; 0 if there is no answer.
fn curl(server: &Server, method: &str, path: &str, more: &[&str]) -> (u16, String) {
    let port = server.admin().port();
    let folder = server.setup.folder();
    let output = Command::new("curl")
        .args([
            "-q",
            "-s",
            "--max-time",
            "20",
            "--noproxy",
            "*",
            "-w",
            "\n%{http_code}",
        ])
        .args(["--cacert", "servers.pem", "--resolve"])
        .arg(format!("{HOST}:{port}:127.0.0.1"))
        .args(["-X", method])
        .args(more)
        .arg(format!("https://{HOST}:{port}{path}"))
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

fn certificate(name: &str) -> [String; 4] {
    let (cert, key) = (format!("{name}.pem"), format!("{name}.key"));
    ["--cert".to_owned(), cert, "--key".to_owned(), key]
}

#[test]
fn certificates_let_in_who_is_listed_and_nobody_else_connects() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let setup = setup(&servers, &clients);
    Authority::new("others").client(&setup, "stranger", ADA);
    let server = setup.start();
    let ask = |who: Option<&str>, line: &str, more: &[&str]| {
        let shown = who.map(certificate);
        let shown = shown.iter().flatten().map(String::as_str);
        let arguments: Vec<&str> = shown.chain(more.iter().copied()).collect();
        let (method, path) = line.split_once(' ').unwrap();
        curl(&server, method, path, &arguments)
    };
    let token = format!("authorization: Bearer {TOKEN}");
    let wrong = "authorization: Bearer wrong";
    // Beyond loopback the status too is for those who are listed.
    for (who, header, status) in [
        (Some("ada"), None, 200),
        (Some("guest"), None, 403),
        (Some("guest"), Some(token.as_str()), 200),
        (Some("ada"), Some(wrong), 401),
        (Some("stranger"), None, 0),
        (None, None, 0),
        (None, Some(token.as_str()), 0),
    ] {
        let more: Vec<&str> = header.map_or(vec![], |header| vec!["-H", header]);
        for line in ["GET /status", "POST /reload"] {
            assert_eq!(ask(who, line, &more).0, status, "{who:?} {header:?} {line}");
        }
    }
    assert_eq!(ask(Some("ada"), "POST /nothing", &[]).0, 404);
    assert_eq!(ask(Some("ada"), "GET /reload", &[]).0, 405);
    let rebound = ask(
        Some("ada"),
        "GET /status",
        &["-H", "host: evil.example.com"],
    );
    assert_eq!(rebound.0, 421);
    let plain = send(server.admin(), "GET /status", "");
    assert!(plain.is_err(), "{plain:?}");
    let by = eventually(SOON, "records", || {
        let records = server.records().into_iter();
        let changes: Vec<_> = records.filter(|it| it["type"] == "admin").collect();
        (changes.len() == 2).then(|| {
            changes
                .iter()
                .map(|it| it["by"].clone())
                .collect::<Vec<_>>()
        })
    });
    let ada = json!({ "name": "duty", "method": "mtls", "id": ADA });
    assert_eq!(by, [ada, json!({ "name": "ops", "method": "token" })]);
    let failed = r#"countersign_tls_handshakes_total{listener="admin",result="failed"}"#;
    assert!(
        server.metric(failed) >= 6.0,
        "{}",
        server.get("/metrics").body
    );
}

#[test]
fn a_new_certificate_is_served_without_a_restart() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let server = setup(&old, &old).start();
    let shown = certificate("ada");
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    let status = || curl(&server, "GET", "/status", &shown).0;
    assert_eq!(status(), 200);
    server.setup.write("servers.pem", &new.0.pem());
    assert_eq!(
        status(),
        0,
        "the old certificate is not of the new authority"
    );
    new.server(&server.setup);
    eventually(SOON, "the new certificate", || {
        (status() == 200).then_some(())
    });
    // The key of another pair: what is in force stays.
    old.server(&server.setup);
    fs::write(server.setup.path("server.key"), "nonsense").unwrap();
    let refused = r#"countersign_tls_reloads_total{listener="admin",result="refused"}"#;
    eventually(SOON, "refused", || {
        (server.metric(refused) >= 1.0).then_some(())
    });
    assert_eq!(status(), 200);
    // Who is let in changes with the authority of clients.
    new.server(&server.setup);
    server.setup.write("clients.pem", &new.0.pem());
    eventually(SOON, "the old clients are out", || {
        (status() == 0).then_some(())
    });
    new.client(&server.setup, "ada", ADA);
    eventually(SOON, "the new ones are in", || {
        (status() == 200).then_some(())
    });
}
