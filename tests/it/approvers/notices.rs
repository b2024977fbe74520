//! What others are told of approvals without asking: signed, once, and nothing that a caller wrote.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{ask, call, caller, lead, setup, waited_for};
use crate::harness::{SOON, eventually, eventually_async};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A message as it came.
#[derive(Debug)]
struct Message {
    head: String,
    body: String,
}

impl Message {
    fn header(&self, name: &str) -> &str {
        let pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = pairs.filter(|(it, _)| it.eq_ignore_ascii_case(name));
        found
            .next()
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))
            .1
    }

    /// What it says, if it is signed.
    fn verified(&self) -> Value {
        let key = STANDARD
            .decode(SECRET.strip_prefix("whsec_").unwrap())
            .unwrap();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let tag = self
            .header("webhook-signature")
            .strip_prefix("v1,")
            .unwrap();
        let signed = format!("{id}.{at}.{}", self.body);
        let tag = STANDARD.decode(tag).unwrap();
        aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &tag).expect("the signature");
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A receiver that is busy at first.
fn receiver(refusals: usize) -> (String, Receiver<Message>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/inbox", listener.local_addr().unwrap());
    let (sender, messages) = channel();
    std::thread::spawn(move || {
        for (count, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length: usize = lengths.next().map_or(0, |(_, it)| it.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let status = if count < refusals {
                "503 Busy"
            } else {
                "204 No Content"
            };
            write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            .unwrap();
            let body = String::from_utf8(body).unwrap();
            if sender.send(Message { head, body }).is_err() {
                return;
            }
        }
    });
    (url, messages)
}

#[tokio::test]
async fn others_are_told_in_signed_messages_without_what_a_caller_wrote() {
    let (url, messages) = receiver(1);
    let setup = setup();
    let notify = format!(
        "notify: [{{ url: '{url}', secret: {{ file: whsec }}, events: [opened, approved, consumed] }}], providers: [corp]"
    );
    setup.edit(
        "countersign.yaml",
        "approvals: { providers: [corp]",
        &format!("approvals: {{ {notify}"),
    );
    setup.write("whsec", SECRET);
    let server = setup.start();
    let alice = caller(&server, "alice");
    let id = waited_for(&call(&server, &alice, "/open/only-the-caller-knows").await);
    let ana = lead(&server, "ana", &["leads"]);

    let refused = messages.recv_timeout(SOON).unwrap();
    let opened = messages.recv_timeout(SOON).unwrap();
    assert_eq!(refused.header("webhook-id"), opened.header("webhook-id"));
    let said = opened.verified();
    assert_eq!(said["type"], json!("approval.opened"));
    assert_eq!(said["data"]["id"], json!(id));
    assert_eq!(said["data"]["action"], json!("boxes.open"));
    assert_eq!(said["data"]["requester"]["subject"], json!("corp/alice"));
    assert_eq!(
        said["data"]["url"],
        json!(format!("https://ops.example.com/approvals/{id}"))
    );
    assert!(!opened.body.contains("only-the-caller-knows"), "{opened:?}");

    let reason = r#"{"reason":"only between us"}"#;
    let said = ask(
        &server,
        &format!("POST /approvals/{id}/approve"),
        Some(&ana),
        reason,
    );
    assert_eq!(said.status, 200, "{said:?}");
    let approved = messages.recv_timeout(SOON).unwrap();
    assert_eq!(approved.verified()["type"], json!("approval.approved"));
    assert!(!approved.body.contains("between us"), "{approved:?}");
    assert!(
        call(&server, &alice, "/open/only-the-caller-knows")
            .await
            .allows()
    );
    let consumed = messages.recv_timeout(SOON).unwrap();
    assert_eq!(consumed.verified()["type"], json!("approval.consumed"));
    let series = "countersign_approval_notices_total{result=\"delivered\"}";
    eventually(SOON, "three that arrived", || {
        (server.count(series) == 3).then_some(())
    });

    // Nobody wants to hear of this one.
    let other = waited_for(&call(&server, &alice, "/open/8").await);
    let opened = messages.recv_timeout(SOON).unwrap();
    assert_eq!(opened.verified()["data"]["id"], json!(other));
    let said = ask(
        &server,
        &format!("POST /approvals/{other}/deny"),
        Some(&ana),
        "",
    );
    assert_eq!(said.status, 200, "{said:?}");
    let last = waited_for(&call(&server, &alice, "/open/9").await);
    let next = messages.recv_timeout(SOON).unwrap();
    assert_eq!(next.verified()["data"]["id"], json!(last), "{next:?}");
}

#[tokio::test]
async fn of_two_replicas_on_one_store_one_tells_of_an_event() {
    let (url, messages) = receiver(0);
    let notify = format!(
        "approvals: {{ notify: [{{ url: '{url}', secret: {{ file: whsec }}, events: [opened, approved, consumed] }}], providers: [corp]"
    );
    let with = || {
        let setup = setup();
        setup.edit(
            "countersign.yaml",
            "approvals: { providers: [corp]",
            &notify,
        );
        setup.write("whsec", SECRET);
        setup
    };
    let one = with().start();
    let beside = with();
    beside.write("corp.jwks.json", &one.setup.corp.jwks());
    let state = one.setup.path("state.db").display().to_string();
    beside.edit(
        "countersign.yaml",
        "file: state.db",
        &format!("file: {state}"),
    );
    let two = beside.start();

    let alice = caller(&one, "alice");
    let ana = lead(&one, "ana", &["leads"]);
    let mut expected = Vec::new();
    for number in 0..5 {
        // Asked at one, approved at the other, and used at either.
        let path = format!("/open/{number}");
        let (asked, other) = if number % 2 == 0 {
            (&one, &two)
        } else {
            (&two, &one)
        };
        let id = waited_for(&call(asked, &alice, &path).await);
        let line = format!("POST /approvals/{id}/approve");
        eventually(SOON, "the other one knows of it", || {
            (ask(other, &line, Some(&ana), "").status == 200).then_some(())
        });
        eventually_async(SOON, "it passes", async || {
            call(asked, &alice, &path).await.allows().then_some(())
        })
        .await;
        for word in ["opened", "approved", "consumed"] {
            expected.push(format!("approval.{word} {id}"));
        }
    }
    let (mut told, mut ids) = (Vec::new(), std::collections::BTreeSet::new());
    while told.len() < expected.len() {
        let message = messages.recv_timeout(SOON).unwrap();
        let said = message.verified();
        assert!(
            ids.insert(message.header("webhook-id").to_owned()),
            "{message:?}"
        );
        let (kind, id) = (
            said["type"].as_str().unwrap(),
            said["data"]["id"].as_str().unwrap(),
        );
        told.push(format!("{kind} {id}"));
    }
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
    // Nothing comes a second time from the one that was not first.
    let more = messages.recv_timeout(std::time::Duration::from_secs(3));
    assert!(more.is_err(), "{more:?}");
}

#[test]
fn a_target_that_cannot_be_told_is_a_mistake() {
    let setup = setup();
    let notify =
        "notify: [{ url: 'http://chat.example.com/x', secret: { file: none } }], providers: [corp]";
    setup.edit(
        "countersign.yaml",
        "approvals: { providers: [corp]",
        &format!("approvals: {{ {notify}"),
    );
    let checked = crate::harness::run(setup.folder(), ["check", "--config=countersign.yaml"]);
    assert_eq!(checked.exit, 5, "{checked:?}");
    assert!(
        checked
            .stderr
            .contains("plain `http` is allowed on loopback only"),
        "{checked:?}"
    );
}
