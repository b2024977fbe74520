//! What needs no server.

use std::path::Path;

use super::settings::Place;
use super::*;

fn check(text: &str) -> Result<ValkeySettings, String> {
    let mut spec: ValkeySpec = serde_json::from_str(text).map_err(|error| error.to_string())?;
    spec.relative_to(Path::new("/etc/countersign"));
    ValkeySettings::try_from(spec).map_err(|error| error.to_string())
}

fn place(text: &str) -> String {
    check(&format!(r#"{{"url": "{text}"}}"#)).map_or_else(|error| error, |it| it.place.to_string())
}

#[test]
fn addresses_are_read_and_nothing_else_is_taken_for_one() {
    for (text, read) in [
        ("redis://a.example.com", "a.example.com:6379"),
        ("rediss://a.example.com:7000/", "a.example.com:7000"),
        ("valkey://127.0.0.1:1", "127.0.0.1:1"),
        ("redis://[::1]:7000", "::1:7000"),
    ] {
        assert_eq!(place(text), read);
    }
    for text in [
        "a.example.com:6379",
        "http://a",
        "redis://",
        "redis://a:b",
        "redis://a:0",
        "redis://a:6379/1",
        "redis://a?x=y",
        "redis://[::1",
    ] {
        assert!(
            place(text).starts_with("`url` is `redis://host:port`"),
            "{text}: {}",
            place(text)
        );
    }
    // What could be a password is not repeated.
    let said = place("redis://app:hunter2@a");
    assert!(
        said.contains("`password: { file: … }`") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn what_does_not_fit_together_is_said() {
    for (text, said) in [
        ("{}", "`url` or `sentinel`"),
        (
            r#"{"url": "redis://a", "sentinel": {"master": "m", "nodes": ["a"]}}"#,
            "not both",
        ),
        (
            r#"{"url": "redis://a", "username": "app"}"#,
            "no `password`",
        ),
        (r#"{"url": "redis://a", "tls": {}}"#, "`rediss://`"),
        (
            r#"{"url": "rediss://a", "tls": {"key": "k"}}"#,
            "`certificate` and `key`",
        ),
        (r#"{"url": "redis://a", "prefix": "a}b"}"#, "`prefix` is"),
        (
            r#"{"url": "redis://a", "wait": "11s"}"#,
            "`wait` is 1ms to 10s",
        ),
        (
            r#"{"url": "redis://a", "timeouts": {"command": "0s"}}"#,
            "`timeouts.command` is",
        ),
        (
            r#"{"sentinel": {"master": "m", "nodes": []}}"#,
            "1 to 16 `nodes`",
        ),
        (
            r#"{"sentinel": {"master": "m", "nodes": ["a b"]}}"#,
            "`a b` is not `host:port`",
        ),
    ] {
        let error = check(text).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn files_are_seen_from_the_configuration() {
    let settings = check(
        r#"{"sentinel": {"master": "m", "nodes": ["a"], "password": {"file": "s"}}, "password": {"file": "p"},
            "tls": {"ca": "ca.pem", "certificate": "/c.pem", "key": "k.pem"}}"#,
    );
    let said = format!("{:?}", settings.unwrap());
    for path in ["s", "p", "ca.pem", "k.pem"] {
        assert!(
            said.contains(&format!("\"/etc/countersign/{path}\"")),
            "{said}"
        );
    }
    assert!(said.contains("\"/c.pem\""), "{said}");
}

#[test]
fn a_sentinel_has_a_port_of_its_own() {
    let settings = check(r#"{"sentinel": {"master": "m", "nodes": ["a", "b:1"]}}"#).unwrap();
    let Place::Sentinel { nodes, .. } = settings.place else {
        panic!("no Sentinel");
    };
    let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    assert_eq!(nodes, ["a:26379", "b:1"]);
}

#[test]
fn a_server_settles_for_as_long_as_the_slowest_needs_to_find_it() {
    let settle = |text: &str| Connector::new(check(text).unwrap()).settle();
    let usual = settle(r#"{"url": "redis://a"}"#);
    assert_eq!(usual, Duration::from_millis(2950));
    let slow = settle(r#"{"url": "redis://a", "timeouts": {"connect": "10s", "command": "2s"}}"#);
    assert_eq!(slow, usual + Duration::from_secs(9 + 3));
}
