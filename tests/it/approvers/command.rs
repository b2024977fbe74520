//! `countersign approvals`, as a person and as a script uses it.

use serde_json::json;

use super::{call, caller, lead, setup, waited_for};
use crate::harness::{Ran, Server, program};

/// Runs a verb of `countersign approvals` as the holder of a token.
pub(super) fn run(server: &Server, token: Option<&str>, arguments: &[&str]) -> Ran {
    let mut command = program();
    command.env_remove("COUNTERSIGN_TOKEN");
    command.envs(token.map(|token| ("COUNTERSIGN_TOKEN", token)));
    let admin = format!("--admin=http://{}", server.admin());
    command.arg("approvals").args(arguments).arg(admin);
    let output = command.current_dir(server.setup.folder()).output().unwrap();
    Ran {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn a_person_lists_looks_and_approves() {
    let server = setup().start();
    let alice = caller(&server, "alice");
    // What a caller writes into a path is shown to somebody's terminal.
    let id = waited_for(&call(&server, &alice, "/open/%E2%80%AE7").await);
    let ana = lead(&server, "ana", &["leads"]);
    let listed = run(&server, Some(&ana), &["list", "--status=pending"]);
    assert_eq!(listed.exit, 0, "{listed:?}");
    assert!(
        listed.stdout.contains(&id) && listed.stdout.contains("box \\u{202e}7"),
        "{listed:?}"
    );
    let shown = run(&server, Some(&ana), &["show", &id]);
    assert_eq!(shown.exit, 0, "{shown:?}");
    for line in [
        "status         pending until ",
        "who asks       corp/alice\n",
        "action         boxes.open (high)\n",
        "calls          POST /open/\\u{202e}7\n",
        "first asked as POST vault.example.com/open/\\u{202e}7\n",
        "  \"id\": \"\\u{202e}7\"",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {}", shown.stdout);
    }
    assert!(!shown.stdout.contains('\u{202e}'), "{}", shown.stdout);
    let waiting = run(&server, Some(&alice), &["wait", &id, "--timeout=0s"]);
    assert_eq!(
        (waiting.exit, waiting.stdout.as_str()),
        (4, "pending\n"),
        "{waiting:?}"
    );
    let approved = run(&server, Some(&ana), &["approve", &id, "--reason=ok"]);
    assert_eq!(
        (approved.exit, approved.stdout.as_str()),
        (0, "approved\n"),
        "{approved:?}"
    );
    assert!(
        approved.stderr.contains("good for one use until"),
        "{approved:?}"
    );
    let waited = run(&server, Some(&alice), &["wait", &id, "--json"]);
    assert_eq!(waited.exit, 0, "{waited:?}");
    assert_eq!(waited.json()["status"], json!("approved"));
}

#[tokio::test]
async fn a_script_is_told_by_the_exit_status() {
    let server = setup().start();
    let alice = caller(&server, "alice");
    let ana = lead(&server, "ana", &["leads"]);
    for (path, who, verb) in [
        ("/open/1", &ana, "deny"),
        ("/open/2", &alice, "cancel"),
        ("/open/3", &ana, "revoke"),
    ] {
        let id = waited_for(&call(&server, &alice, path).await);
        let ended = run(&server, Some(who), &[verb, &id]);
        assert_eq!(ended.exit, 0, "{ended:?}");
        let waited = run(&server, Some(&alice), &["wait", &id]);
        assert_eq!(waited.exit, 3, "{waited:?}");
    }
}

#[tokio::test]
async fn what_goes_wrong_is_said_with_what_to_do() {
    let server = setup().start();
    let alice = caller(&server, "alice");
    let id = waited_for(&call(&server, &alice, "/open/1").await);
    let stale = server.setup.corp.token("ana").audience(super::AUDIENCE);
    let stale = stale.groups(&["leads"]).sign();
    for (token, arguments, exit, said) in [
        (
            None,
            &["list"][..],
            1,
            "say who you are: `--token-file FILE`, or `COUNTERSIGN_TOKEN`",
        ),
        (
            Some(&alice),
            &["list"],
            1,
            "(401 token_audience); the server does not take this token",
        ),
        (
            Some(&stale),
            &["approve", &id],
            1,
            "sign in again with `acr_values=phr phrh` not longer than 300 s ago",
        ),
        (
            Some(&stale),
            &["approve", "apr_1"],
            2,
            "an approval's id is `apr_` and 22 letters",
        ),
        (
            Some(&stale),
            &["show", "apr_0123456789abcdefghijkl"],
            1,
            "there is no approval with this id (404 approval_unknown)",
        ),
    ] {
        let ran = run(&server, token.map(String::as_str), arguments);
        assert_eq!(ran.exit, exit, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
    // The configuration says where the listener is, and this one chose its port when it started.
    let mut command = program();
    let output = command.args(["approvals", "list", "--config=countersign.yaml"]);
    let output = output
        .env_remove("COUNTERSIGN_TOKEN")
        .current_dir(server.setup.folder())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("ops.example.com") || said.contains("pass `--admin URL`"),
        "{said}"
    );
}
