//! Many at once, and two servers on one file: never more pass than were approved, and as many where nothing fails.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::PENDING;
use super::stage::{Keeper, POLICY, ask, beside, until_it_is, vault};
use crate::harness::{Answer, Ask, Client, SOON, Server, eventually};

/// Questions in flight at once.
const RACERS: usize = 64;

/// Asks with all clients in turn, all at once.
async fn race(clients: &[Client], ask: &Ask) -> Vec<Answer> {
    let ask = Arc::new(ask.clone());
    let racers = clients.iter().cycle().take(RACERS).map(|client| {
        let (client, ask) = (client.clone(), Arc::clone(&ask));
        tokio::spawn(async move { client.check(&ask).await })
    });
    let racers: Vec<_> = racers.collect();
    let mut answers = Vec::new();
    for racer in racers {
        answers.push(racer.await.unwrap());
    }
    answers
}

/// Of one approved use, the number of those that passed in a race.
async fn passed(clients: &[Client], keeper: &Keeper, ask: &Ask) -> Vec<String> {
    let answers = race(clients, ask).await;
    let keys = answers.iter().filter(|answer| answer.allows());
    let keys: Vec<String> = keys.map(|it| it.sets("idempotency-key").unwrap()).collect();
    for answer in answers.iter().filter(|answer| !answer.allows()) {
        assert_eq!(answer.outcome(), PENDING);
    }
    assert_eq!(
        keeper.all_waiting().await,
        1,
        "one ticket for all the others"
    );
    keys
}

/// Waits until a server knows all that is approved: something that was approved later is known there.
async fn learns(client: &Client, server: &Server, first: &Server, keeper: &Keeper) {
    let path = format!("/v1/vaults/probe-{}/open-often", server.pid());
    let probe = ask(first, "prober", &path);
    assert_eq!(client.check(&probe).await.outcome(), PENDING);
    keeper.approve_of("prober").await;
    for _use in 0..3 {
        until_it_is(client, &probe, "allow").await;
    }
}

#[tokio::test]
async fn one_use_lets_one_of_many_pass() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    for round in 0..4 {
        let ask = ask(&server, "alice", &format!("/v1/vaults/{round}/open"));
        let opened = race(std::slice::from_ref(&client), &ask).await;
        assert!(opened.iter().all(|answer| answer.outcome() == PENDING));
        let approved = keeper.approve_of("alice").await;
        learns(&client, &server, &server, &keeper).await;
        let keys = passed(std::slice::from_ref(&client), &keeper, &ask).await;
        assert_eq!(keys, [approved.id.to_string()], "round {round}");
        keeper.clear().await;
    }
}

#[tokio::test]
async fn three_uses_let_three_pass_each_with_a_key_of_its_own() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let ask = ask(&server, "alice", "/v1/vaults/seven/open-often");
    client.check(&ask).await;
    let id = keeper.approve_of("alice").await.id.clone();
    learns(&client, &server, &server, &keeper).await;
    let keys = passed(&[client], &keeper, &ask).await;
    let expected: BTreeSet<_> = (1..=3).map(|number| format!("{id}-{number}")).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(keys.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[tokio::test]
async fn a_policy_that_allows_fewer_uses_by_now_holds_for_those_who_race() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let ask = ask(&server, "alice", "/v1/vaults/seven/open-often");
    client.check(&ask).await;
    let id = keeper.approve_of("alice").await.id.clone();
    learns(&client, &server, &server, &keeper).await;
    let before = server.status()["policy"]["version"].clone();
    let fewer = POLICY.replace("uses: 3", "uses: 1");
    server.setup.replace("policies/vault.yaml", &fewer);
    eventually(SOON, "reloaded", || {
        (server.status()["policy"]["version"] != before).then_some(())
    });
    let keys = passed(&[client], &keeper, &ask).await;
    assert_eq!(keys, [format!("{id}-1")]);
}

#[tokio::test]
async fn two_servers_on_one_store_let_one_pass_together() {
    let first = vault().start();
    let second = beside(&first).start();
    let keeper = Keeper::of(&first);
    let clients = [first.client().await, second.client().await];
    for round in 0..4 {
        let ask = ask(&first, "alice", &format!("/v1/vaults/{round}/open"));
        let opened = race(&clients, &ask).await;
        assert!(opened.iter().all(|answer| answer.outcome() == PENDING));
        let approved = keeper.approve_of("alice").await;
        for (client, server) in clients.iter().zip([&first, &second]) {
            learns(client, server, &first, &keeper).await;
        }
        let keys = passed(&clients, &keeper, &ask).await;
        assert_eq!(keys, [approved.id.to_string()], "round {round}");
        keeper.clear().await;
    }
}
