//! What `import` writes, and that it loads.

use std::fs;
use std::process::Stdio;

use serde_json::json;

use super::server::{Manner, McpServer};
use super::{adopt, check, crm, folder, hostile, import};
use crate::harness::{SOON, eventually, program, run};

#[test]
fn a_file_becomes_a_policy() {
    let folder = folder(&crm());
    let ran = import(folder.path(), "tools.json", &["--provider", "corp"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    insta::assert_snapshot!(format!("{}{}", ran.stdout, ran.stderr));
}

#[test]
fn what_is_written_loads_and_is_what_was_listed() {
    for tools in [crm(), hostile(), Vec::new()] {
        let folder = folder(&tools);
        let policy = adopt(folder.path());
        let ran = check(folder.path(), &["--json"]);
        assert_eq!(ran.exit, 0, "{policy}\n{ran:?}");
        let problems = ran.json()["problems"].clone();
        let codes: Vec<&str> = problems
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["code"].as_str().unwrap())
            .filter(|code| *code != "no-rules")
            .collect();
        assert_eq!(codes, vec!["nobody-permits"; tools.len()], "{policy}");

        let ran = check(folder.path(), &["--against", "tools.json"]);
        assert_eq!(ran.exit, 0, "{policy}\n{ran:?}");
        assert!(
            ran.stdout.contains("against route crm: as reviewed\n"),
            "{ran:?}"
        );
    }
}

#[test]
fn the_example_of_a_permit_is_one() {
    let folder = folder(&crm());
    let policy = adopt(folder.path());
    let (before, example) = policy.split_once("# rules:\n").unwrap();
    let example: Vec<&str> = example
        .lines()
        .map(|line| line.trim_start_matches("# "))
        .collect();
    let example = example.join("\n");
    fs::write(
        folder.path().join("policies/crm.yaml"),
        format!("{before}rules:\n{example}"),
    )
    .unwrap();
    let ran = check(folder.path(), &["--json"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert_eq!(ran.json()["rules"], 2);
    assert_eq!(
        ran.json()["problems"].as_array().unwrap().len(),
        2,
        "{ran:?}"
    );
}

#[test]
fn nothing_of_a_hostile_server_reaches_the_terminal_as_it_is() {
    let folder = folder(&hostile());
    let written = import(folder.path(), "tools.json", &[]);
    let compared = {
        adopt(folder.path());
        super::save(folder.path(), &[]);
        let gone = check(folder.path(), &["--against", "tools.json"]);
        let mut renamed = hostile();
        for tool in &mut renamed {
            tool["name"] = format!("{} \u{202e}", tool["name"].as_str().unwrap()).into();
        }
        super::save(folder.path(), &renamed);
        let new = check(folder.path(), &["--against", "tools.json"]);
        assert_eq!((gone.exit, new.exit), (1, 1), "{gone:?} {new:?}");
        format!("{}{}", gone.stdout, new.stdout)
    };
    for text in [written.stdout, written.stderr, compared] {
        let plain = |c: char| c == '\n' || c == ' ' || c.is_ascii_graphic() || c == '…';
        assert!(text.chars().all(plain), "{text}");
    }
}

#[test]
fn a_server_is_asked_in_every_way_that_it_speaks() {
    let folder = folder(&crm());
    let from_file = import(folder.path(), "tools.json", &[]).stdout;
    let without_source = |policy: &str| {
        policy
            .lines()
            .filter(|line| !line.contains("--against"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    for (manner, last) in [
        (Manner::Json, "DELETE"),
        (Manner::Events, "DELETE"),
        (Manner::Alone, "tools/list"),
    ] {
        let server = McpServer::start(manner, &crm(), None);
        let ran = import(folder.path(), &server.url(), &[]);
        assert_eq!(ran.exit, 0, "{manner:?} {ran:?}");
        assert_eq!(
            without_source(&ran.stdout),
            without_source(&from_file),
            "{manner:?}"
        );
        let asked = server.asked();
        assert_eq!(
            asked
                .iter()
                .filter(|method| *method == "tools/list")
                .count(),
            3,
            "{asked:?}"
        );
        assert_eq!(asked.last().map(String::as_str), Some(last), "{asked:?}");
    }
}

#[test]
fn a_token_is_sent_and_never_shown() {
    let folder = folder(&[]);
    fs::write(folder.path().join("token"), "s3cr3t-of-mine\n").unwrap();
    fs::write(folder.path().join("wrong"), "s3cr3t-of-others\n").unwrap();
    let server = McpServer::start(Manner::Json, &crm(), Some("s3cr3t-of-mine"));
    let url = server.url();
    for (more, exit, said) in [
        (&["--token-file", "token"][..], 0, "3 tools"),
        (
            &["--token-env", "MCP_TOKEN"],
            5,
            "`MCP_TOKEN` of the environment is not set",
        ),
        (&["--token-file", "wrong"], 5, "refuses the token"),
        (&["--token-file", "none"], 5, "`none` cannot be read"),
        (&[], 5, "pass `--token-file FILE` or `--token-env NAME`"),
        (
            &["--token-file", "token", "--token-env", "X"],
            2,
            "cannot be used with",
        ),
    ] {
        let ran = import(folder.path(), &url, more);
        assert_eq!(ran.exit, exit, "{more:?} {ran:?}");
        assert!(ran.stderr.contains(said), "{more:?} {ran:?}");
        assert!(!format!("{ran:?}").contains("s3cr3t"), "{ran:?}");
    }
    let mut command = program();
    command
        .env("MCP_TOKEN", "s3cr3t-of-mine")
        .current_dir(folder.path());
    let done = command
        .args([
            "import",
            "mcp",
            &url,
            "--url",
            "https://x.example.com",
            "--token-env",
            "MCP_TOKEN",
        ])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn json_has_the_policy_and_what_it_was_made_of() {
    let folder = folder(&crm());
    let ran = import(folder.path(), "tools.json", &["--json"]);
    let value = ran.json();
    assert_eq!(
        (&value["ok"], &value["route"]),
        (&json!(true), &json!("crm"))
    );
    assert_eq!(
        value["policy"],
        import(folder.path(), "tools.json", &[]).stdout
    );
    let export = &value["actions"][1];
    assert_eq!(
        (&export["action"], &export["tier"]),
        (&json!("crm.export_customers"), &json!("critical"))
    );
    assert_eq!(
        export["args"]["filter_region"],
        json!({ "type": "string", "optional": true, "at": "/filter/region", "because": null })
    );
    assert!(ran.stderr.is_empty(), "{ran:?}");
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_type_instead() {
    let folder = folder(&crm());
    fs::write(
        folder.path().join("twice.json"),
        json!({ "tools": [crm()[0], crm()[0]] }).to_string(),
    )
    .unwrap();
    for (arguments, exit, said) in [
        (&["tools.json"][..], 2, "--url https://mcp.example.com/crm"),
        (
            &["http://127.0.0.1:1/mcp"],
            2,
            "--url https://mcp.example.com/crm",
        ),
        (&["tools.json", "--path", "/crm"], 2, "--host"),
        (
            &[
                "tools.json",
                "--host",
                "mcp.example.com",
                "--provider",
                "a b",
            ],
            2,
            "`a b` is not a",
        ),
        (
            &["none.json", "--host", "mcp.example.com"],
            5,
            "cannot read `none.json`",
        ),
        (
            &["twice.json", "--host", "mcp.example.com"],
            5,
            "two tools of the name `list_customers`",
        ),
        (&["http://mcp.example.com/crm"], 2, "--url"),
        (
            &["http://mcp.example.com/crm", "--host", "mcp.example.com"],
            5,
            "loopback only",
        ),
        (
            &["http://127.0.0.1:1/mcp", "--host", "mcp.example.com"],
            5,
            "cannot list the tools of http://127.0.0.1:1/mcp",
        ),
        (
            &[
                "https://u:s3cr3t@mcp.example.com/crm",
                "--host",
                "x.example.com",
            ],
            5,
            "credentials",
        ),
    ] {
        let ran = run(folder.path(), [&["import", "mcp"], arguments].concat());
        assert_eq!(ran.exit, exit, "{arguments:?} {ran:?}");
        assert!(ran.stderr.contains(said), "{arguments:?} {ran:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        let ran = run(
            folder.path(),
            [&["import", "mcp", "--json"], arguments].concat(),
        );
        assert!(exit == 2 || ran.json()["ok"] == false, "{ran:?}");
    }
}

#[test]
fn an_answer_is_read_from_standard_input() {
    let folder = folder(&crm());
    let file = fs::File::open(folder.path().join("tools.json")).unwrap();
    let mut command = program();
    command.args([
        "import",
        "mcp",
        "-",
        "--url",
        "https://mcp.example.com/crm",
        "--server",
        "crm",
    ]);
    let done = command.stdin(Stdio::from(file)).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert!(
        String::from_utf8(done.stdout)
            .unwrap()
            .contains("crm.list_customers:")
    );
}

#[test]
fn ctrl_c_ends_the_session_and_the_command() {
    let folder = folder(&[]);
    let server = McpServer::start(Manner::Silent, &[], None);
    let mut command = program();
    command.args([
        "import",
        "mcp",
        &server.url(),
        "--url",
        "https://mcp.example.com/crm",
    ]);
    let child = command
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let asks = || {
        server
            .asked()
            .contains(&"tools/list".to_owned())
            .then_some(())
    };
    eventually(SOON, "tools/list", asks);
    let signalled = std::process::Command::new("bash")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status();
    assert!(signalled.unwrap().success());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert_eq!(
        String::from_utf8(done.stderr).unwrap(),
        "error: cancelled\n"
    );
    assert!(done.stdout.is_empty());
    assert_eq!(server.asked().last().map(String::as_str), Some("DELETE"));
}
