//! The configuration of every world.

use serde_json::{Value, json};

use super::world::{HOME, World};

impl World {
    /// The configuration of a server, before a fixture lays its own over it.
    pub(super) fn settings(&self, replica: usize) -> Value {
        let provider = |issuer: &str, keys: Value| {
            json!({ "jwt": {
                "issuer": issuer, "keys": keys, "algorithms": ["ES256"], "unregistered_client": "subject",
                "map": {
                    "kind": "claims.sub.endsWith('-bot') ? 'agent' : 'human'",
                    "groups": "has(claims.groups) ? claims.groups : []",
                },
            } })
        };
        let keys = match &self.keys {
            Some(keys) => {
                json!({ "url": keys.url(), "refresh": "1s", "stale_for": "5s", "min_interval": "1s" })
            }
            None => json!({ "file": "corp.jwks.json" }),
        };
        let legacy = json!({ "introspection": {
            "endpoint": self.introspection.url(), "client": { "id": "countersign", "secret": { "file": "client.secret" } },
            "unregistered_client": "subject", "map": { "kind": "'human'" },
        } });
        let here = "127.0.0.1:0";
        json!({
            "version": 1,
            "grpc": { "listen": here, "drain": { "delay": "50ms", "grace": "5s" } },
            "metrics": { "listen": here },
            "admin": { "listen": here, "url": HOME, "access": [{ "name": "ops", "token": { "file": "ops.token" } }] },
            "audit": { "sink": { "file": "audit.jsonl" } },
            "approvals": {
                "providers": ["corp", "sister"], "pending_per_requester": 3, "cooldown": "3s", "token": self.keyring.settings(),
            },
            "store": self.store(replica),
            "policies": ["policies"],
            "identities": "identities.yaml",
            "providers": {
                "corp": provider(&self.corp.iss, keys),
                "sister": provider(&self.sister.iss, json!({ "file": "sister.jwks.json" })),
                "legacy": legacy,
            },
        })
    }

    fn store(&self, replica: usize) -> Value {
        // How old knowledge may be is for the fixtures that are about it: this machine may be busy.
        let staleness = json!({ "low": "5m", "medium": "2m", "high": "2m", "critical": "2m" });
        let mut store = json!({ "replica": format!("replica-{replica}"), "staleness": staleness });
        match &self.valkey {
            Some(shared) => {
                let direct = self.spec.second_is_direct && replica == 1;
                let line = format!("redis://{}", shared.line.address());
                let url = if direct { shared.primary.url() } else { line };
                store["valkey"] = json!({ "url": url });
            }
            None if self.spec.memory => {}
            None => store["file"] = json!(self.state_file()),
        }
        store
    }
}
