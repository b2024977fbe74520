//! All hostile tokens, minted in one run of Python by `joserfc`.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::TABLES;
use crate::harness::{KeyServer, now, tools};

/// The library that mints, and what it stands on.
const LIBRARY: &str = "joserfc==1.8.0";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hostile/mint.py");

/// Where tokens point with `jku` and `x5u`: nobody must ever come.
pub(super) static LURE: LazyLock<KeyServer> =
    LazyLock::new(|| KeyServer::start(json!({ "keys": [] }).to_string()));

/// The tokens of all tables.
pub(super) static MINTED: LazyLock<Minted> = LazyLock::new(Minted::new);

/// What came back.
pub(super) struct Minted {
    /// The moment that all dates are counted from.
    pub(super) now: i64,
    keys: Keys,
}

/// Keys, and what they have signed.
#[derive(Deserialize)]
pub(crate) struct Keys {
    public: Map<String, Value>,
    private: Map<String, Value>,
    tokens: HashMap<String, String>,
}

impl Minted {
    fn new() -> Self {
        // First, because it may take a while: it never skips, and says what to install if it cannot go on.
        python();
        let now = now();
        let rows: Vec<_> = TABLES.iter().flat_map(|table| table(now)).collect();
        let tokens: Vec<Value> = rows
            .iter()
            .map(|row| row.draft.describe(row.name))
            .collect();
        let keys = Keys::mint(&tokens);
        Self { now, keys }
    }

    /// The token of the row with this name, as it was minted.
    pub(super) fn token(&self, name: &str) -> &str {
        self.keys.token(name)
    }

    /// The key set of `corp`: two keys for ES256, one for RSA, and some that must not be used.
    pub(super) fn corp_keys(&self) -> String {
        json!({ "keys": self.keys.of_corp() }).to_string()
    }

    /// The key set of `ci`: one RSA key, for one algorithm.
    pub(super) fn ci_keys(&self) -> String {
        json!({ "keys": [with(self.keys.public("ci"), "alg", "RS256")] }).to_string()
    }
}

/// A Python that has the library.
fn python() -> PathBuf {
    tools::python_with(&[LIBRARY]).unwrap_or_else(|error| panic!("{error}"))
}

impl Keys {
    /// Makes new keys, and the tokens that are [described](super::Draft::describe).
    pub(crate) fn mint(tokens: &[Value]) -> Self {
        let key =
            |name: &str, kty: &str, size: Value| json!({ "name": name, "kty": kty, "size": size });
        let asked = json!({
            "keys": [
                key("ec", "EC", json!("P-256")), key("ec2", "EC", json!("P-256")), key("p384", "EC", json!("P-384")),
                key("rsa", "RSA", json!(2048)), key("small", "RSA", json!(1024)), key("ci", "RSA", json!(2048)),
                key("ed", "OKP", json!("Ed25519")), key("leaked", "EC", json!("P-256")),
                key("sealed", "EC", json!("P-256")), key("attacker", "EC", json!("P-256")),
            ],
            "tokens": tokens,
        });
        let mut child = Command::new(python())
            .arg(SCRIPT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(asked.to_string().as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{SCRIPT} fails; it says why above");
        let keys: Self = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(keys.tokens.len(), tokens.len(), "two tokens have one name");
        keys
    }

    /// The token with this name, as it was minted.
    pub(crate) fn token(&self, name: &str) -> &str {
        self.tokens
            .get(name)
            .unwrap_or_else(|| panic!("no token is called `{name}`"))
    }

    /// The keys that `corp` publishes: two for ES256, one for RSA, and some that must not be used.
    pub(crate) fn of_corp(&self) -> Vec<Value> {
        let mut keys = ["ec", "ec2", "p384", "rsa", "small", "ed"]
            .map(|name| self.public(name))
            .to_vec();
        keys.push(with(self.public("sealed"), "use", "enc"));
        keys.push(with(self.private["leaked"].clone(), "kid", "leaked"));
        keys
    }

    fn public(&self, name: &str) -> Value {
        with(self.public[name].clone(), "kid", name)
    }
}

fn with(mut jwk: Value, member: &str, value: &str) -> Value {
    jwk[member] = json!(value);
    jwk
}
