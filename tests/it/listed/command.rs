//! What is printed, and how it ends.

use serde_json::{Value, json};

use super::{list, rich};
use crate::harness::Setup;

fn header<'a>(listed: &'a Value, name: &str) -> &'a Value {
    let all = listed["envoy"]["headers"].as_array().unwrap();
    let found = all.iter().find(|header| header["header"] == name);
    found.unwrap_or_else(|| panic!("no `{name}` in {listed:#}"))
}

#[test]
fn the_list_of_the_sample_is_ready_to_paste() {
    let ran = list(&Setup::new(), &[]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    insta::assert_snapshot!(format!("{}---\n{}", ran.stdout, ran.stderr));
}

#[test]
fn each_header_says_who_reads_it_and_where_that_is_written() {
    let setup = rich();
    let listed = list(&setup, &["--json"]).json();
    assert_eq!(
        (&listed["ok"], &listed["problems"]),
        (&json!(true), &json!([]))
    );
    let line = |file: &str, text: &str| {
        let read = setup.read(file);
        let found = read.lines().position(|line| line.contains(text));
        found.unwrap() + 1
    };
    for (name, by, which, file, text) in [
        (
            "x-tenant",
            "rule",
            "one-tenant",
            "policies/rich.yaml",
            "id: one-tenant",
        ),
        (
            "x-tell",
            "rule",
            "told-who-asks",
            "policies/rich.yaml",
            "id: told-who-asks",
        ),
        ("x-odd", "signal", "odd", "policies/rich.yaml", "odd: {"),
        (
            "x-partner-key",
            "provider",
            "partners",
            "countersign.yaml",
            "  partners:",
        ),
        (
            "cookie",
            "provider",
            "portal",
            "countersign.yaml",
            "  portal:",
        ),
        (
            "x-forwarded-client-cert",
            "provider",
            "mesh",
            "countersign.yaml",
            "  mesh:",
        ),
        (
            "mcp-param-*",
            "route",
            "desk",
            "policies/rich.yaml",
            "  desk:",
        ),
    ] {
        let needed = header(&listed, name)["needed"].as_array().unwrap();
        let one = needed
            .iter()
            .find(|need| need["by"] == by && need["name"] == which);
        let one = one.unwrap_or_else(|| panic!("`{name}`: {needed:?}"));
        assert!(one["file"].as_str().unwrap().ends_with(file), "{one}");
        assert_eq!(one["line"], line(file, text), "{one}");
        assert_eq!(one["decides"], true, "{one}");
    }
    let browser = &header(&listed, "sec-fetch-*")["needed"][0];
    assert_eq!(
        (&browser["by"], &browser["name"], &browser["line"]),
        (&json!("setting"), &json!("lifecycle.browser"), &Value::Null)
    );
    assert_eq!(
        header(&listed, "x-request-id")["needed"][0]["decides"],
        false
    );
    assert_eq!(listed["envoy"]["every_header"], json!([]));
}

#[test]
fn what_nobody_reads_is_not_listed() {
    let setup = Setup::new().replacing("browser: warn ", "browser: off ");
    let before = list(&Setup::new(), &[]).stdout;
    let after = list(&setup, &[]).stdout;
    assert!(before.contains("\"sec-fetch-\"") && !after.contains("\"sec-fetch-\""));
    assert!(before.contains("\"mcp-param-\"") && !before.contains("x-forwarded-client-cert"));
}

#[test]
fn a_header_under_a_computed_name_does_not_load_so_no_list_is_ever_too_short() {
    let setup = rich();
    setup.edit(
        "policies/rich.yaml",
        "must: risk.score < 50",
        "must: 'request.headers[subject.id] == \"x\"'",
    );
    let ran = list(&setup, &[]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (5, ""));
    assert!(ran.stderr.contains("policies/rich.yaml:"), "{ran:?}");
    assert!(ran.stderr.contains("is a group of attributes"), "{ran:?}");
}

#[test]
fn it_is_a_check_all_the_same() {
    let setup = rich();
    let policy = setup.read("policies/rich.yaml");
    assert_eq!(list(&setup, &["--deny-warnings"]).exit, 0);
    setup.write("policies/rich.yaml", &format!("{policy}nonsense: 1\n"));
    let ran = list(&setup, &[]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (5, ""));
    assert_eq!(list(&setup, &["--json"]).json()["ok"], false);
    assert_eq!(list(&setup, &["--against", "tools.json"]).exit, 2);
}
