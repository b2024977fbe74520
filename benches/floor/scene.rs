//! Configurations that are measured. Everything that a user would have on is on: a registry, revocations, a store that outlives
//! the process, records to a file, metrics, and both listeners.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::cores::Cores;
use super::served::Server;
use super::tokens::{ISSUER, Issuer};
use super::{http, policy};

/// The operator's token.
const OPERATOR: &str = "an-operator-of-the-bench-with-a-long-token";
/// Identities in the registry, and revocations that are in force; none of them is about who asks.
const REGISTERED: usize = 1_000;
const REVOKED: usize = 100;

/// A configuration in a folder of its own.
pub(crate) struct Scene {
    folder: TempDir,
    keys: String,
    store: String,
}

impl Scene {
    /// One with so many rules.
    pub(crate) fn new(rules: usize, issuer: &Issuer) -> Result<Self> {
        let scene = Self {
            folder: tempfile::tempdir()?,
            keys: "{ file: keys.json, refresh: 1h, stale_for: 24h }".to_owned(),
            store: "{ file: state.db }".to_owned(),
        };
        fs::write(scene.path("keys.json"), issuer.jwks().to_string())?;
        fs::write(scene.path("ops.token"), OPERATOR)?;
        fs::write(scene.path("identities.yaml"), registry()?)?;
        policy::write(&scene.path("policies"), rules)?;
        Ok(scene)
    }

    /// Keys from elsewhere (YAML).
    pub(crate) fn keys(mut self, keys: String) -> Self {
        self.keys = keys;
        self
    }

    /// Another store (YAML).
    pub(crate) fn store(mut self, store: String) -> Self {
        self.store = store;
        self
    }

    /// A policy file more.
    pub(crate) fn policy(self, name: &str, text: &str) -> Result<Self> {
        fs::write(self.path("policies").join(name), text)?;
        Ok(self)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Starts a server with it.
    pub(crate) fn start(&self, cores: Cores) -> Result<Server> {
        fs::write(self.path("countersign.yaml"), self.configuration())?;
        let server = Server::countersign(cores, self.folder(), &[])?;
        revoke(&server)?;
        Ok(server)
    }

    /// Writes the configuration, for whoever starts a server otherwise.
    pub(crate) fn write(&self) -> Result<&Path> {
        fs::write(self.path("countersign.yaml"), self.configuration())?;
        Ok(self.folder())
    }

    fn configuration(&self) -> String {
        let Self { keys, store, .. } = self;
        let socket = self.path("grpc.sock");
        let socket = socket.display();
        format!(
            r#"
version: 1
grpc: {{ listen: "127.0.0.1:0", unix: {socket} }}
metrics: {{ listen: "127.0.0.1:0" }}
admin:
  listen: "127.0.0.1:0"
  access: [{{ name: bench, token: {{ file: ops.token }} }}]
audit: {{ sink: {{ file: audit.jsonl }} }}
store: {store}
policies: [policies]
identities: identities.yaml
providers:
  corp:
    jwt:
      issuer: {ISSUER}
      keys: {keys}
      algorithms: [ES256, RS256]
      unregistered_client: subject
      claims: {{ department: {{ type: string, required: false }} }}
      map: {{ kind: '"human"' }}
"#
        )
    }
}

/// Puts revocations in force.
fn revoke(server: &Server) -> Result<()> {
    for number in 0..REVOKED {
        let body = format!(r#"{{"kind":"subject","issuer":"corp","value":"gone-{number}"}}"#);
        post(server, "/revocations", &body)?;
    }
    Ok(())
}

/// Asks the admin listener as an operator.
pub(crate) fn post(server: &Server, path: &str, body: &str) -> Result<String> {
    let admin: SocketAddr = server.admin.context("no admin listener")?;
    http::post(admin, path, OPERATOR, body)
}

fn registry() -> Result<String> {
    let mut text = "version: 1\nidentities:\n".to_owned();
    for number in 0..REGISTERED {
        writeln!(
            text,
            "  - {{ issuer: corp, id: service-{number}, kind: service, owner: team-{number}@example.com, groups: [staff] }}"
        )?;
    }
    Ok(text)
}

/// The configuration that the demo runs, with free ports and with keys from a file.
pub(crate) fn demo(issuer: &Issuer) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    copy(&from, folder.path())?;
    fs::write(folder.path().join("keys.json"), issuer.jwks().to_string())?;
    let path = folder.path().join("countersign.yaml");
    let mut text = fs::read_to_string(&path)?;
    let socket = folder.path().join("grpc.sock");
    let listen = format!("unix: {}\n  listen: 127.0.0.1:0", socket.display());
    for (from, to) in [
        ("listen: 127.0.0.1:9191", listen.as_str()),
        ("listen: 127.0.0.1:9192", "listen: 127.0.0.1:0"),
        ("listen: 127.0.0.1:9193", "listen: 127.0.0.1:0"),
        ("sink: stdout }", "sink: { file: audit.jsonl } }"),
        ("file: ../target/demo/state.db", "file: state.db"),
        (
            "discovery: http://127.0.0.1:10080/corp ",
            "file: keys.json ",
        ),
        (
            "discovery: http://127.0.0.1:10080/ci\n",
            "file: keys.json\n",
        ),
    ] {
        ensure!(text.contains(from), "countersign.yaml has no `{from}`");
        text = text.replace(from, to);
    }
    fs::write(path, text)?;
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
