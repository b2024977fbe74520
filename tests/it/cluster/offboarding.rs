//! Whoever leaves is out everywhere, and the command line says when each replica had it, or which one has not.

use serde_json::{Value, json};

use super::stage::{Cluster, until};
use crate::harness::valkey::{Fsync, Line};
use crate::harness::{Ask, Ran, SOON, eventually_async, run};

const GONE: &str = "deny 403 identity_revoked";

/// Runs a verb against the first server.
async fn verb(cluster: &Cluster, arguments: &[&str]) -> Ran {
    let server = &cluster.servers[0];
    let (folder, admin) = (
        server.setup.folder().to_owned(),
        format!("http://{}", server.admin()),
    );
    let mut all: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    all.extend(["--admin", &admin, "--token-file", "ops.token"].map(str::to_owned));
    tokio::task::spawn_blocking(move || run(&folder, all))
        .await
        .unwrap()
}

/// A call of the build system's.
fn health(cluster: &Cluster, sub: &str) -> Ask {
    let token = cluster.servers[0]
        .setup
        .ci
        .token(sub)
        .audience("https://api.example.com");
    let token = token.claim("environment", json!("staging")).sign();
    Ask::new("GET", "api.example.com", "/healthz").bearer(&token)
}

/// What a verb said of a replica.
fn since<'a>(said: &'a Value, name: &str) -> &'a Value {
    let replicas = said["replicas"].as_array().unwrap();
    let replica = replicas.iter().find(|it| it["name"] == name);
    &replica.unwrap_or_else(|| panic!("{name} is not named: {said}"))["since"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_leaves_is_out_on_every_replica_which_is_named_with_its_time() {
    let cluster = Cluster::start(Fsync::Never).await;
    let (theirs, others) = (
        health(&cluster, "legacy-sync"),
        health(&cluster, "deployer"),
    );
    for client in &cluster.clients {
        until(client, &theirs, "allow").await;
    }
    let ran = verb(
        &cluster,
        &[
            "offboard",
            "bob@example.com",
            "--reason",
            "left",
            "--wait",
            "20s",
        ],
    )
    .await;
    assert_eq!(ran.exit, 0, "{ran:?}");
    for line in [
        "off-boarded owner bob@example.com: ",
        "  one enforces it since 20",
        "  two enforces it since 20",
    ] {
        assert!(ran.stderr.contains(line), "{line}: {ran:?}");
    }
    // Not eventually: both have said so.
    for client in &cluster.clients {
        assert_eq!(client.check(&theirs).await.outcome(), GONE);
        assert_eq!(client.check(&others).await.outcome(), "allow");
    }

    let leaving = cluster.look("nina");
    for client in &cluster.clients {
        until(client, &leaving, "allow").await;
    }
    cluster.servers[1].signal("STOP");
    let ran = verb(&cluster, &["offboard", "corp/nina", "--wait", "1s"]).await;
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(
        ran.stderr.contains("replica two did not say within 1s"),
        "{ran:?}"
    );
    let ran = verb(
        &cluster,
        &["offboard", "corp/nina", "--wait", "1s", "--json"],
    )
    .await;
    let said = ran.json();
    assert_eq!((ran.exit, &said["complete"]), (1, &json!(false)), "{said}");
    assert!(
        since(&said, "one").is_string() && since(&said, "two").is_null(),
        "{said}"
    );
    assert_eq!(cluster.clients[0].check(&leaving).await.outcome(), GONE);
    cluster.servers[1].signal("CONT");
    let ran = verb(
        &cluster,
        &["offboard", "corp/nina", "--wait", "20s", "--json"],
    )
    .await;
    let said = ran.json();
    assert_eq!((ran.exit, &said["complete"]), (0, &json!(true)), "{said}");
    assert!(
        since(&said, "one").is_string() && since(&said, "two").is_string(),
        "{said}"
    );
    assert_eq!(cluster.clients[1].check(&leaving).await.outcome(), GONE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_joins_late_knows_who_is_out_before_it_answers() {
    let cluster = Cluster::start(Fsync::Never).await;
    let [gone, here] = ["nina", "olga"].map(|who| cluster.look(who));
    for client in &cluster.clients {
        until(client, &gone, "allow").await;
    }
    let ran = verb(&cluster, &["offboard", "corp/nina", "--wait", "20s"]).await;
    assert_eq!(ran.exit, 0, "{ran:?}");
    let line = Line::to(cluster.valkey.address());
    let late = cluster.setup("three", &line).start_unready();
    let client = late.client().await;
    // From the first answer on, ready or not: it cannot say, or it says no.
    eventually_async(SOON, "the late one decides", async || {
        let outcome = client.check(&gone).await.outcome();
        let right = outcome == GONE || outcome.starts_with("fault 503 ");
        assert!(right, "{outcome}");
        client.check(&here).await.allows().then_some(())
    })
    .await;
    assert_eq!(client.check(&gone).await.outcome(), GONE);
    let ran = verb(
        &cluster,
        &["offboard", "corp/olga", "--wait", "20s", "--json"],
    )
    .await;
    let said = ran.json();
    assert_eq!(ran.exit, 0, "{said}");
    assert!(since(&said, "three").is_string(), "{said}");
    assert_eq!(client.check(&here).await.outcome(), GONE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_to_be_true_at_one_is_true_at_the_other() {
    let cluster = Cluster::start(Fsync::Never).await;
    let drill = cluster.drill();
    for client in &cluster.clients {
        until(client, &drill, "deny 403 forbidden").await;
    }
    for (words, outcome) in [
        (
            &[
                "conditions",
                "set",
                "fire",
                "true",
                "--reason",
                "smoke",
                "--for",
                "1h",
            ][..],
            "allow",
        ),
        (
            &["conditions", "clear", "fire", "--reason", "no smoke"],
            "deny 403 forbidden",
        ),
    ] {
        let ran = verb(&cluster, words).await;
        assert_eq!(ran.exit, 0, "{ran:?}");
        for client in &cluster.clients {
            until(client, &drill, outcome).await;
        }
    }
}
