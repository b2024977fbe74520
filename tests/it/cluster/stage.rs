//! Servers in front of one vault, each with a line of its own to one Valkey.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::valkey::{Fsync, Line, Valkey};
use crate::harness::{Answer, Ask, Client, KEPT, SOON, Server, Setup, now, send_body};
use crate::revocation;

const VAULT: &str = "https://vault.example.com";
/// Whom tokens of keepers are meant for in the project's configuration.
const ADMIN: &str = "http://127.0.0.1:9193";
pub(super) const PENDING: &str = "pending 403 approval_required";

/// Everything here is as critical as can be, so what is known may be a second old. Opening takes a keeper, drills a fire.
const POLICY: &str = "\
version: 1
routes:
  vault:
    match: { host: vault.example.com }
    url: https://vault.example.com
    providers: [corp]
    actions:
      vault.look:  { http: 'GET /v1/vaults/{name}', tier: critical }
      vault.drill: { http: 'POST /v1/vaults/{name}/drill', tier: critical }
      vault.open:  { http: 'POST /v1/vaults/{name}/open', tier: critical }
conditions: { fire: bool }
rules:
  - { id: openers, permit: vault.*, to: { issuer: corp, group: openers } }
  - { id: drills, forbid: vault.drill, unless: conditions.fire }
  - { id: one-keeper, guard: vault.open,
      require: [{ approval: { from: { issuer: corp, group: keepers }, ttl: 10m } }] }
";

const PATIENT: [&str; 2] = [
    ", timeouts: { command: 2s, connect: 1s }",
    ", staleness: { low: 5m, medium: 2m, high: 2m, critical: 2m }",
];

/// The servers, a client of each, and what is between them.
pub(super) struct Cluster {
    pub(super) servers: Vec<Server>,
    pub(super) clients: Vec<Client>,
    pub(super) lines: Vec<Line>,
    pub(super) valkey: Valkey,
    patience: Option<[&'static str; 2]>,
}

impl Cluster {
    /// Two servers, `one` and `two`, which are ready.
    pub(super) async fn start(fsync: Fsync) -> Self {
        Self::with(fsync, None).await
    }

    /// The same with servers that wait for the store, and decide with old knowledge, on a machine that does much else.
    pub(super) async fn patient(fsync: Fsync) -> Self {
        Self::with(fsync, Some(PATIENT)).await
    }

    async fn with(fsync: Fsync, patience: Option<[&'static str; 2]>) -> Self {
        let mut cluster = Self {
            servers: Vec::new(),
            clients: Vec::new(),
            lines: Vec::new(),
            valkey: Valkey::start(fsync),
            patience,
        };
        for name in ["one", "two"] {
            let line = Line::to(cluster.valkey.address());
            let server = cluster.setup(name, &line).start_unready();
            cluster.clients.push(server.client().await);
            cluster.servers.push(server);
            cluster.lines.push(line);
        }
        for server in &cluster.servers {
            server.wait_until_ready();
        }
        cluster
    }

    /// What another server starts with.
    pub(super) fn setup(&self, name: &str, line: &Line) -> Setup {
        let [waits, relies] = self.patience.unwrap_or_default();
        let valkey = format!("url: redis://{}{waits}", line.address());
        let store = format!("store: {{ valkey: {{ {valkey} }}, replica: {name}{relies} }}");
        let setup = revocation::setup().replacing(KEPT, &store);
        setup.write("policies/vault.yaml", POLICY);
        if let Some(first) = self.servers.first() {
            for keys in ["corp.jwks.json", "ci.jwks.json"] {
                setup.write(keys, &first.setup.read(keys));
            }
        }
        setup
    }

    /// Starts a server in the place of one that is dead.
    pub(super) async fn restart(&mut self, index: usize, name: &str) {
        self.servers[index] = self.setup(name, &self.lines[index]).start();
        self.clients[index] = self.servers[index].client().await;
    }

    /// A token of somebody who may do everything that needs no approval.
    pub(super) fn token(&self, who: &str) -> String {
        let token = self.servers[0].setup.corp.token(who).audience(VAULT);
        let token = token.claim("sid", json!(format!("session-of-{who}")));
        let token = token.claim("jti", json!(format!("token-of-{who}")));
        token.groups(&["openers"]).sign()
    }

    pub(super) fn look(&self, who: &str) -> Ask {
        Ask::new("GET", "vault.example.com", "/v1/vaults/seven").bearer(&self.token(who))
    }

    pub(super) fn drill(&self) -> Ask {
        self.post("warden", "/v1/vaults/seven/drill")
    }

    pub(super) fn open(&self, who: &str, vault: &str) -> Ask {
        self.post(who, &format!("/v1/vaults/{vault}/open"))
    }

    fn post(&self, who: &str, path: &str) -> Ask {
        // What is not seen whole is not approved, so there is a body.
        let ask = Ask::new("POST", "vault.example.com", path).body("{}");
        ask.bearer(&self.token(who))
    }

    /// Has a keeper approve this at one of the servers.
    pub(super) fn approve(&self, at: usize, id: &str) {
        let (status, said) = self.keeper(at, &format!("POST /approvals/{id}/approve"));
        assert_eq!(
            (status, &said["status"]),
            (200, &json!("approved")),
            "{said}"
        );
    }

    /// How an approval stands in the store.
    pub(super) fn approval(&self, at: usize, id: &str) -> Value {
        let (status, said) = self.keeper(at, &format!("GET /approvals/{id}"));
        assert_eq!(status, 200, "{said}");
        said
    }

    fn keeper(&self, at: usize, line: &str) -> (u16, Value) {
        let token = self.servers[0].setup.corp.token("kim").audience(ADMIN);
        let token = token.groups(&["keepers"]).claim("acr", json!("phr"));
        let token = token.claim("auth_time", json!(now())).sign();
        let headers = format!("authorization: Bearer {token}\r\n");
        let reply = send_body(self.servers[at].admin(), line, &headers, "").unwrap();
        (reply.status, reply.json())
    }

    /// Asks the admin listener as an operator.
    pub(super) fn operator(&self, at: usize, line: &str, body: &Value) -> (u16, Value) {
        revocation::ask(&self.servers[at], line, body)
    }

    /// Opens an approval at one server, has it approved there, and uses it at the other one, in the end.
    pub(super) async fn serves(&self, vault: &str) {
        for at in 0..self.servers.len() {
            let ask = self.open("prober", &format!("{vault}-{at}"));
            let waiting = until(&self.clients[at], &ask, PENDING).await;
            self.approve(at, &waited_for(&waiting));
            until(&self.clients[(at + 1) % self.servers.len()], &ask, "allow").await;
        }
    }
}

/// Asks until the answer is this one.
pub(super) async fn until(client: &Client, ask: &Ask, expected: &str) -> Answer {
    let end = Instant::now() + SOON;
    loop {
        let answer = client.check(ask).await;
        let outcome = answer.outcome();
        if outcome == expected {
            return answer;
        }
        assert!(
            Instant::now() < end,
            "{outcome} instead of {expected}: {ask:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The id of the approval that a refused call waits for.
pub(super) fn waited_for(answer: &Answer) -> String {
    assert_eq!(answer.outcome(), PENDING);
    let id = &answer.problem()["approval"]["id"];
    id.as_str().expect("an id").to_owned()
}
