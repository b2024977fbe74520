//! What a fixture happens in: real servers on a real store, issuers, keepers, and a box that opens when a keeper approves.

use std::fs;

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::fixture::lay_over;
use super::forged::Keyring;
use crate::harness::valkey::{Fsync, Line, Valkey};
use crate::harness::{CONFIG, Client, IntrospectionServer, Issuer, Key, KeyServer, Server, Setup};

/// What the page is called, and whom tokens of approvers are for.
pub(super) const HOME: &str = "http://inbox.localhost";
/// What operators show.
pub(super) const OPS: &str = "0f5a4e1c9b7d3826f0e1d2c3b4a59687";
/// A token of alice that says nothing itself.
pub(super) const OPAQUE: &str = "an-opaque-token-of-alice";
const POLICY: &str = include_str!("boxes.yaml");
const POLICY_FILE: &str = "policies/boxes.yaml";

/// What is not as usual: one server, with its state in a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is so, or is not, whatever the others are"
)]
pub(super) struct WorldSpec {
    /// Servers on one store; 1 unless said.
    replicas: Option<usize>,
    /// The state is in a Valkey, behind a line that can fail.
    valkey: bool,
    /// The second server reaches it without that line.
    pub(super) second_is_direct: bool,
    /// There is no store but memory.
    pub(super) memory: bool,
    /// There is another Valkey, which can take over.
    standby: bool,
    /// The provider's keys are fetched.
    fetched_keys: bool,
    /// Laid over the configuration.
    settings: Value,
}

/// One world of one play.
pub(super) struct World {
    pub(super) servers: Vec<Server>,
    pub(super) clients: Vec<Client>,
    pub(super) corp: Issuer,
    pub(super) sister: Issuer,
    pub(super) keyring: Keyring,
    pub(super) valkey: Option<Shared>,
    pub(super) keys: Option<KeyServer>,
    /// Who is asked about tokens that say nothing themselves.
    pub(super) introspection: IntrospectionServer,
    /// The approvals that were waited for, in order.
    pub(super) waited_for: Vec<String>,
    /// The question that is not answered yet.
    pub(super) begun: Option<JoinHandle<String>>,
    pub(super) spec: WorldSpec,
    policy: String,
    folder: TempDir,
}

/// A Valkey that all servers of a world share.
pub(super) struct Shared {
    pub(super) primary: Valkey,
    pub(super) standby: Option<Valkey>,
    pub(super) line: Line,
}

impl Shared {
    fn start(spec: &WorldSpec) -> Self {
        let primary = Valkey::start(Fsync::Always);
        let standby = spec.standby.then(|| {
            let standby = Valkey::start(Fsync::Never);
            standby.follow(&primary);
            standby
        });
        let line = Line::to(primary.address());
        Self {
            primary,
            standby,
            line,
        }
    }
}

impl World {
    pub(super) async fn start(spec: &WorldSpec) -> Self {
        let mut corp = Issuer::new("https://corp.example.com");
        // The first one signs; the other is unknown until it is published.
        corp.keys.push(Key::es256("next"));
        let keys = spec
            .fetched_keys
            .then(|| KeyServer::start(first_key(&corp)));
        let introspection = IntrospectionServer::start();
        let alice =
            json!({ "sub": "alice", "aud": "https://desk.example.com", "client_id": "web" });
        introspection.activate(OPAQUE, &alice);
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self {
            servers: Vec::new(),
            clients: Vec::new(),
            sister: Issuer::new("https://sister.example.com"),
            keyring: Keyring::new(folder.path()),
            corp,
            valkey: spec.valkey.then(|| Shared::start(spec)),
            keys,
            introspection,
            waited_for: Vec::new(),
            begun: None,
            spec: spec.clone(),
            policy: POLICY.to_owned(),
            folder,
        };
        for replica in 0..spec.replicas.unwrap_or(1) {
            let server = world.setup(replica).start();
            world.clients.push(server.client().await);
            world.servers.push(server);
        }
        world
    }

    /// Replaces a process, which is killed, by another one.
    pub(super) async fn restart(&mut self, replica: usize) {
        let setup = self.setup(replica);
        // The old one is gone before the new one begins.
        drop(self.servers.remove(replica));
        let server = setup.start();
        self.clients[replica] = server.client().await;
        self.servers.insert(replica, server);
    }

    /// Where the file of the state is.
    pub(super) fn state_file(&self) -> std::path::PathBuf {
        self.folder.path().join("state.db")
    }

    /// Writes another policy; every server reads it by itself.
    pub(super) fn change_policy(&mut self, from: &str, to: &str) {
        assert_eq!(self.policy.matches(from).count(), 1, "`{from}`");
        self.policy = self.policy.replace(from, to);
        for server in &self.servers {
            server.setup.replace(POLICY_FILE, &self.policy);
        }
    }

    fn setup(&self, replica: usize) -> Setup {
        // What is written beyond the size that a file may have is an error then, and no signal.
        let setup = Setup::new().first("trap '' XFSZ");
        fs::remove_dir_all(setup.path("policies")).unwrap();
        setup.write(POLICY_FILE, &self.policy);
        setup.write("identities.yaml", include_str!("identities.yaml"));
        setup.write("ops.token", OPS);
        setup.write("client.secret", "cl1ent-s3cret");
        setup.write("corp.jwks.json", &first_key(&self.corp));
        setup.write("sister.jwks.json", &self.sister.jwks());
        self.keyring.write(&setup);
        let mut settings = self.settings(replica);
        if !self.spec.settings.is_null() {
            lay_over(&mut settings, self.spec.settings.clone());
        }
        setup.write(CONFIG, &settings.to_string());
        setup
    }
}

/// What is published at first.
pub(super) fn first_key(issuer: &Issuer) -> String {
    let mut keys: Value = serde_json::from_str(&issuer.jwks()).unwrap();
    keys["keys"].as_array_mut().unwrap().truncate(1);
    keys.to_string()
}
