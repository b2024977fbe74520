//! Conditions while the server runs: set by operators, by the command line and by signed messages, and forgotten when their time is
//! over.

use std::time::Duration;

use countersign::keys::secret::{Secret, SecretSpec};
use countersign::keys::{SignedMessage, WebhookKey};
use serde_json::{Value, json};

use crate::harness::{
    Ask, Reply, SOON, Server, Setup, eventually, eventually_async, run, send_body,
};

const TOKEN: &str = "0f5a4e1c9b7d3826f0e1d2c3b4a59687";
const NOBODY: &str = "  # access: [{ name: ops, token: { file: ops.token } }]";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What may be done in a drill only.
const POLICY: &str = r#"
version: 1
conditions: { drill: bool, calm: bool }
routes:
  drill:
    match: { host: drill.example.com }
    url: https://drill.example.com
    providers: [corp]
    actions: { drill.run: { http: "POST /run" } }
rules:
  - { id: drillers, permit: drill.run, to: { issuer: corp, kind: human } }
  - { id: only-in-a-drill, forbid: drill.run, unless: conditions.drill && conditions.calm }
"#;

fn setup() -> Setup {
    let access = "  access: [{ name: ops, token: { file: ops.token } }]\nhooks: { conditions: { secret: { file: hook.secret } } }";
    let setup = Setup::new().replacing(NOBODY, access);
    setup.write("ops.token", TOKEN);
    setup.write("hook.secret", SECRET);
    setup.write("policies/drill.yaml", POLICY);
    setup.edit(
        "conditions.yaml",
        "conditions:\n",
        "conditions:\n  calm: true\n",
    );
    setup
}

/// Status and body.
fn ask(server: &Server, line: &str, body: &Value) -> (u16, Value) {
    let headers = format!("authorization: Bearer {TOKEN}\r\n");
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let reply = send_body(server.admin(), line, &headers, &body).unwrap();
    (reply.status, reply.json())
}

fn set(server: &Server, name: &str, body: &Value) -> (u16, Value) {
    ask(server, &format!("PUT /conditions/{name}"), body)
}

fn listed(server: &Server, name: &str) -> Value {
    let (status, body) = ask(server, "GET /conditions", &Value::Null);
    assert_eq!(status, 200, "{body}");
    let list = body["conditions"].as_array().unwrap().clone();
    let found = list.into_iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("no `{name}` in {body}"))
}

async fn becomes(server: &Server, outcome: &str) {
    let client = server.client().await;
    let token = server
        .setup
        .corp
        .token("alice")
        .audience("https://drill.example.com");
    let run = Ask::new("POST", "drill.example.com", "/run").bearer(&token.sign());
    eventually_async(SOON, outcome, async || {
        (client.check(&run).await.outcome() == outcome).then_some(())
    })
    .await;
}

const NO: &str = "deny 403 forbidden";

#[tokio::test]
async fn what_an_operator_says_counts_until_it_is_over_and_has_a_record() {
    let server = setup().start();
    becomes(&server, NO).await;
    let untouched = json!({ "name": "drill", "value": false, "file": false, "set": null });
    assert_eq!(listed(&server, "drill"), untouched);

    let (status, said) = set(
        &server,
        "drill",
        &json!({ "value": true, "reason": "DR-7", "expires": "1h" }),
    );
    assert_eq!((status, &said["result"]), (200, &json!("true")), "{said}");
    becomes(&server, "allow").await;
    let shown = listed(&server, "drill");
    assert_eq!(shown["value"], true);
    assert_eq!(shown["set"]["by"], "ops");
    assert_eq!(shown["set"]["reason"], "DR-7");
    assert_eq!(shown["set"]["expires"], said["expires"]);

    // What the file says is overruled the same way.
    let (status, _) = set(
        &server,
        "calm",
        &json!({ "value": false, "reason": "not any more" }),
    );
    assert_eq!(status, 200);
    becomes(&server, NO).await;
    let (status, cleared) = ask(&server, "DELETE /conditions/calm", &Value::Null);
    assert_eq!((status, &cleared["result"]), (200, &json!("cleared")));
    becomes(&server, "allow").await;
    assert_eq!(listed(&server, "calm")["set"], Value::Null);

    // A short one ends by itself.
    let (status, _) = set(
        &server,
        "drill",
        &json!({ "value": true, "reason": "DR-7", "expires": "1s" }),
    );
    assert_eq!(status, 200);
    becomes(&server, NO).await;

    let changes = eventually(SOON, "a record for each change", || {
        let records = server.records().into_iter();
        let changes: Vec<_> = records.filter(|it| it["type"] == "admin").collect();
        (changes.len() == 4).then_some(changes)
    });
    let told: Vec<_> = changes
        .iter()
        .map(|it| format!("{} {} {}", it["action"], it["target"], it["result"]).replace('"', ""))
        .collect();
    let expected = [
        "conditions.set drill true",
        "conditions.set calm false",
        "conditions.clear calm cleared",
        "conditions.set drill true",
    ];
    assert_eq!(told, expected);
    assert_eq!(changes[0]["reason"], "DR-7");
    assert_eq!(changes[0]["expires"], said["expires"]);
    assert_eq!(changes[1].get("expires"), None);
    assert!(changes.iter().all(|it| it["by"]["name"] == "ops"));
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_and_changes_nothing() {
    let server = setup().start();
    let yes = json!({ "value": true, "reason": "x" });
    let (status, problem) = set(&server, "dril", &yes);
    assert_eq!(
        (status, &problem["code"]),
        (404, &json!("condition_unknown"))
    );
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("did you mean `drill`?"), "{detail}");
    for (body, code) in [
        (json!({ "value": true }), "body_invalid"),
        (json!({ "value": "true", "reason": "x" }), "body_invalid"),
        (
            json!({ "value": true, "reason": "x", "for": "1h" }),
            "body_invalid",
        ),
        (json!({ "value": true, "reason": " " }), "condition_invalid"),
        (
            json!({ "value": true, "reason": "a\nb" }),
            "condition_invalid",
        ),
        (
            json!({ "value": true, "reason": "x".repeat(257) }),
            "condition_invalid",
        ),
        (
            json!({ "value": true, "reason": "x", "expires": "soon" }),
            "condition_invalid",
        ),
        (
            json!({ "value": true, "reason": "x", "expires": "0s" }),
            "condition_invalid",
        ),
        (
            json!({ "value": true, "reason": "x", "expires": "400d" }),
            "condition_invalid",
        ),
        (
            json!({ "value": true, "reason": "x", "expires": "2020-01-01T00:00:00Z" }),
            "condition_invalid",
        ),
    ] {
        let (status, problem) = set(&server, "drill", &body);
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{body}");
    }
    for line in [
        "GET /conditions",
        "PUT /conditions/drill",
        "DELETE /conditions/drill",
    ] {
        let reply = send_body(server.admin(), line, "", "").unwrap();
        assert_eq!(reply.status, 401, "{line}");
    }
    assert_eq!(listed(&server, "drill")["set"], Value::Null);
    becomes(&server, NO).await;
}

#[tokio::test]
async fn what_was_said_is_known_after_a_restart() {
    let kept = tempfile::tempdir().unwrap();
    let store = format!("{}", kept.path().join("state.db").display());
    let start = || {
        setup()
            .replacing("file: state.db", &format!("file: {store}"))
            .start()
    };
    let server = start();
    let (status, _) = set(
        &server,
        "drill",
        &json!({ "value": true, "reason": "DR-7" }),
    );
    assert_eq!(status, 200);
    server.signal("KILL");
    drop(server);
    let server = start();
    becomes(&server, "allow").await;
}

#[tokio::test]
async fn the_command_line_says_it_too() {
    let server = setup().start();
    let admin = format!("http://{}", server.admin());
    let token = server.setup.path("ops.token");
    let cli = |arguments: &[&str]| {
        let common = ["--admin", &admin, "--token-file", token.to_str().unwrap()];
        run(
            server.setup.folder(),
            [&["conditions"], arguments, &common].concat(),
        )
    };
    let done = cli(&["set", "drill", "true", "--reason", "DR-7", "--for", "1h"]);
    assert!(done.exit == 0, "{done:?}");
    assert!(
        done.stdout.starts_with("`drill` is true until 20"),
        "{}",
        done.stdout
    );
    becomes(&server, "allow").await;
    let shown = cli(&[]);
    let line = shown
        .stdout
        .lines()
        .find(|line| line.starts_with("drill"))
        .unwrap();
    let cells: Vec<_> = line.split_whitespace().collect();
    assert_eq!(cells[..4], ["drill", "true", "false", "ops"]);
    assert_eq!(cells.last(), Some(&"DR-7"));
    assert_eq!(cli(&["list"]).stdout, shown.stdout);
    let listed: Value = serde_json::from_str(&cli(&["list", "--json"]).stdout).unwrap();
    assert_eq!(listed["conditions"][1]["set"]["reason"], "DR-7");
    let done = cli(&["clear", "drill", "--reason", "over"]);
    assert_eq!(
        done.stdout,
        "`drill` is left to the file of conditions again\n"
    );
    becomes(&server, NO).await;
    let refused = cli(&["set", "dril", "true", "--reason", "x"]);
    assert!(refused.exit != 0);
    assert!(
        refused.stderr.contains("did you mean `drill`?"),
        "{}",
        refused.stderr
    );
}

/// A message as a sender signs it, `ago` seconds ago.
struct Message {
    id: &'static str,
    ago: u64,
    body: String,
}

impl Message {
    /// One about `drill`, so since now, unless the body says otherwise.
    fn new(id: &'static str, body: &Value) -> Self {
        let now = countersign::ext_authz::now().to_string();
        let mut whole = json!({ "name": "drill", "at": now });
        for (name, value) in body.as_object().unwrap() {
            whole[name] = value.clone();
        }
        Self {
            id,
            ago: 0,
            body: whole.to_string(),
        }
    }

    fn ago(mut self, seconds: u64) -> Self {
        self.ago = seconds;
        self
    }

    /// Sends it, signed with what `change` makes of it.
    fn send(&self, server: &Server, change: impl Fn(String) -> String) -> Reply {
        let now = countersign::ext_authz::now().minus(Duration::from_secs(self.ago));
        let timestamp = now.seconds().to_string();
        let spec = SecretSpec::File(server.setup.path("hook.secret"));
        let secret = Secret::load(&spec, server.setup.folder()).unwrap();
        let signature = WebhookKey::read(&secret).unwrap().sign(SignedMessage {
            id: self.id,
            timestamp: &timestamp,
            body: self.body.as_bytes(),
        });
        let headers = format!(
            "webhook-id: {}\r\nwebhook-timestamp: {timestamp}\r\nwebhook-signature: {signature}\r\n",
            self.id
        );
        send_body(
            server.admin(),
            "POST /hooks/conditions/drill",
            &change(headers),
            &self.body,
        )
        .unwrap()
    }
}

fn as_it_is(headers: String) -> String {
    headers
}

fn code(reply: &Reply) -> String {
    reply.json()["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_signed_message_says_it_once() {
    let server = setup().start();
    let body = json!({ "value": true, "reason": "pager 41", "expires": "1h" });
    let message = Message::new("msg_1", &body).ago(60);
    let reply = message.send(&server, as_it_is);
    assert_eq!(
        (reply.status, &reply.json()["result"]),
        (200, &json!("true"))
    );
    becomes(&server, "allow").await;
    assert_eq!(listed(&server, "drill")["set"]["by"], "webhook msg_1");
    // The sender has not heard the answer, and sends it again.
    let again = eventually(SOON, "the same again", || {
        let reply = message.send(&server, as_it_is);
        (reply.status == 200).then_some(reply)
    });
    assert_eq!(again.json()["result"], "unchanged");
    // Somebody else has said something since: an old message does not come back.
    let (status, _) = ask(
        &server,
        "DELETE /conditions/drill",
        &json!({ "reason": "over" }),
    );
    assert_eq!(status, 200);
    becomes(&server, NO).await;
    let stale = message.send(&server, as_it_is);
    assert_eq!((stale.status, code(&stale).as_str()), (409, "message_used"));
    becomes(&server, NO).await;
    let next = Message::new("msg_2", &body).send(&server, as_it_is);
    assert_eq!(next.status, 200);
    becomes(&server, "allow").await;
    let record = eventually(SOON, "its record", || {
        let records = server.records().into_iter();
        let mut of_hook = records.filter(|it| it["by"]["method"] == "webhook");
        of_hook.next()
    });
    assert_eq!(record["by"]["id"], "msg_1");
    assert_eq!(record["by"]["name"], "hooks.conditions");
    assert_eq!(record["reason"], "pager 41");
}

#[tokio::test]
async fn a_message_that_is_not_signed_like_that_changes_nothing() {
    let server = setup().start();
    let body = json!({ "value": true, "reason": "pager 41" });
    let message = |id| Message::new(id, &body);
    let without = |name: &'static str| {
        move |headers: String| {
            let lines = headers.split_inclusive("\r\n");
            lines
                .filter(|line| !line.starts_with(name))
                .collect::<String>()
        }
    };
    let other_id = |headers: String| headers.replace("msg_3", "msg_4");
    let other_time =
        |headers: String| headers.replace("webhook-timestamp: 1", "webhook-timestamp: 2");
    let twice = |headers: String| format!("{headers}webhook-id: msg_3\r\n");
    let changes: [(&str, &dyn Fn(String) -> String); 6] = [
        ("no id", &without("webhook-id")),
        ("no time", &without("webhook-timestamp")),
        ("no signature", &without("webhook-signature")),
        ("another id", &other_id),
        ("another time", &other_time),
        ("two ids", &twice),
    ];
    for (what, change) in changes {
        let reply = message("msg_3").send(&server, change);
        assert_eq!(
            (reply.status, code(&reply).as_str()),
            (401, "message_unsigned"),
            "{what}"
        );
        assert!(reply.header("www-authenticate").is_some());
    }
    let old = message("msg_3").ago(400).send(&server, as_it_is);
    assert_eq!(old.status, 401);
    // Signed, and not what it should be: nothing is used up.
    let odd = Message::new("msg_5", &json!({ "value": true }));
    assert_eq!(odd.send(&server, as_it_is).status, 400);
    becomes(&server, NO).await;
    assert_eq!(message("msg_5").send(&server, as_it_is).status, 200);
    becomes(&server, "allow").await;
}

#[tokio::test]
async fn a_message_that_comes_late_undoes_nothing_that_was_said_since() {
    let server = setup().start();
    let now = countersign::ext_authz::now();
    let since = |seconds| now.minus(Duration::from_secs(seconds)).to_string();
    let body = |value: bool, at: String| json!({ "value": value, "reason": "x", "at": at });
    let older = Message::new("msg_old", &body(false, since(20)));
    let newer = Message::new("msg_new", &body(true, since(10)));
    assert_eq!(newer.send(&server, as_it_is).status, 200);
    becomes(&server, "allow").await;
    assert_eq!(listed(&server, "drill")["set"]["at"], since(10));
    let late = older.send(&server, as_it_is);
    assert_eq!(
        (late.status, code(&late).as_str()),
        (409, "message_outdated")
    );
    // Nor does it undo what a person says, who has seen more.
    let (status, _) = set(
        &server,
        "drill",
        &json!({ "value": true, "reason": "still" }),
    );
    assert_eq!(status, 200);
    let late = Message::new("msg_late", &body(false, since(1))).send(&server, as_it_is);
    assert_eq!(
        (late.status, code(&late).as_str()),
        (409, "message_outdated")
    );
    assert_eq!(listed(&server, "drill")["set"]["reason"], "still");
    becomes(&server, "allow").await;
}

#[tokio::test]
async fn a_message_is_about_the_condition_that_it_names_and_says_since_when() {
    let server = setup().start();
    let ahead = countersign::ext_authz::now().plus(Duration::from_hours(1));
    for (number, change) in [
        json!({ "name": "calm" }),
        json!({ "at": ahead.to_string() }),
        json!({ "at": "yesterday" }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = json!({ "value": true, "reason": "x" });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let id = ["msg_a", "msg_b", "msg_c"][number];
        let reply = Message::new(id, &body).send(&server, as_it_is);
        assert_eq!(
            (reply.status, code(&reply).as_str()),
            (400, "condition_invalid"),
            "{change}"
        );
    }
    let mut silent = Message::new("msg_d", &json!({}));
    silent.body = json!({ "value": true, "reason": "x" }).to_string();
    let reply = silent.send(&server, as_it_is);
    assert_eq!((reply.status, code(&reply).as_str()), (400, "body_invalid"));
    assert_eq!(listed(&server, "drill")["set"], Value::Null);
}
