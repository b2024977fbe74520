//! A configuration in a folder of its own: the project's, with free ports and with keys that a test holds.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Issuer, Pair, Server};

/// The server's configuration, inside the folder.
pub(crate) const CONFIG: &str = "countersign.yaml";
/// Where decision records go.
const AUDIT: &str = "audit.jsonl";

/// A folder that holds a configuration, and the issuers that it trusts.
#[derive(Debug)]
pub(crate) struct Setup {
    folder: TempDir,
    pub(crate) corp: Issuer,
    pub(crate) ci: Issuer,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    /// What a shell does before it becomes the program.
    pub(crate) first: Option<String>,
}

/// Where the state is kept in a test's configuration.
pub(crate) const KEPT: &str =
    "store: { file: state.db, staleness: { low: 5m, medium: 2m, high: 2m, critical: 2m } }";

impl Setup {
    /// A copy of `config/`. Listeners take free ports, keys come from files, records and
    /// state go to files of the folder, and a drain is short.
    pub(crate) fn new() -> Self {
        let setup = Self {
            folder: tempfile::tempdir().unwrap(),
            corp: Issuer::new("http://127.0.0.1:10080/corp"),
            ci: Issuer::new("http://127.0.0.1:10080/ci"),
            arguments: Vec::new(),
            environment: Vec::new(),
            first: None,
        };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        copy(&source, setup.folder.path());
        setup.write_keys();
        for (from, to) in [
            ("listen: 127.0.0.1:9191", "listen: 127.0.0.1:0"),
            ("listen: 127.0.0.1:9192", "listen: 127.0.0.1:0"),
            ("listen: 127.0.0.1:9193", "listen: 127.0.0.1:0"),
            ("delay: 3s, grace: 10s", "delay: 50ms, grace: 5s"),
            ("sink: stdout }", "sink: { file: audit.jsonl } }"),
            // Two cores run hundreds of servers: how old knowledge may be has tests of its own.
            ("store: { file: ../target/demo/state.db }", KEPT),
            (
                "discovery: http://127.0.0.1:10080/corp ",
                "file: corp.jwks.json ",
            ),
            (
                "discovery: http://127.0.0.1:10080/ci\n",
                "file: ci.jwks.json\n",
            ),
        ] {
            setup.edit(CONFIG, from, to);
        }
        setup
    }

    /// Listens on a Unix socket as well.
    pub(crate) fn unix(self) -> Self {
        let socket = self.path("grpc.sock");
        self.grpc(&format!("unix: {}", socket.display()))
    }

    /// Lets only `envoys` (YAML) ask over TCP: writes a server's pair, and who signs the certificates of clients.
    pub(crate) fn mtls(self, pair: &Pair, client_ca: &str, envoys: &str) -> Self {
        self.write_pair(pair);
        self.write("tls/clients.pem", client_ca);
        let tls =
            "{ certificate: tls/server.pem, key: tls/server.key, client_ca: tls/clients.pem }";
        self.grpc(&format!("tls: {tls}\n  envoys: {envoys}"))
    }

    /// Writes a server's pair where [`Setup::mtls`] names it.
    pub(crate) fn write_pair(&self, pair: &Pair) {
        self.write("tls/server.pem", &pair.certificate);
        self.write("tls/server.key", &pair.key);
    }

    /// Adds one line to the `grpc` section.
    pub(crate) fn grpc(self, line: &str) -> Self {
        self.edit(CONFIG, "\ngrpc:\n", &format!("\ngrpc:\n  {line}\n"));
        self
    }

    /// Replaces a text of the server's settings before it starts.
    pub(crate) fn replacing(self, from: &str, to: &str) -> Self {
        self.edit(CONFIG, from, to);
        self
    }

    /// Starts with an argument more.
    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Starts by way of a shell that does this first.
    pub(crate) fn first(mut self, command: &str) -> Self {
        self.first = Some(command.to_owned());
        self
    }

    /// Starts with an environment variable more.
    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Reads a file of the folder.
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()))
    }

    /// Writes a file of the folder in place.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a file of the folder beside it and moves it into place.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        let beside = self.path(".replacement");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.path(name)).unwrap();
    }

    /// Replaces a text that occurs exactly once in a file, in place.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {name}:\n{text}");
        self.write(name, &text.replace(from, to));
    }

    /// Publishes the keys that the issuers have now.
    pub(crate) fn write_keys(&self) {
        self.replace("corp.jwks.json", &self.corp.jwks());
        self.replace("ci.jwks.json", &self.ci.jwks());
    }

    /// Where decision records go.
    pub(crate) fn audit_file(&self) -> PathBuf {
        self.path(AUDIT)
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn start(self) -> Server {
        let server = Server::spawn(self);
        server.wait_until_ready();
        server
    }

    /// Starts a server and waits only until it listens.
    pub(crate) fn start_unready(self) -> Server {
        Server::spawn(self)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
