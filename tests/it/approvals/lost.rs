//! A store that has lost its last moments: what is known of an approval here counts more than what the store says of it.

use std::sync::Arc;
use std::time::Duration;

use countersign::approval::{ApprovalError, Approvals};
use countersign::model::approval::{Approval, Spending, Status};
use countersign::store::{Opened, Store, StoreError, StoreSettings};
use rusqlite::{Connection, params};

use super::PENDING;
use super::stage::{Keeper, ask, until_it_is, vault};
use crate::harness::Server;
use crate::state::fixtures::{LIMITS, decision, key, now, pending};

/// What the store says of the only approval.
struct Said(String, i64, i64, String);

fn file(server: &Server) -> Connection {
    let connection = Connection::open(server.setup.path("state.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}

fn said(file: &Connection) -> Said {
    let one = "SELECT status, version, until, record FROM approvals";
    let read =
        |row: &rusqlite::Row<'_>| Ok(Said(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    file.query_row(one, [], read).unwrap()
}

/// Lets the store say this, without a word to those who follow it.
fn say(file: &Connection, Said(status, version, until, record): &Said) {
    let all = "UPDATE approvals SET status = ?1, version = ?2, until = ?3, record = ?4";
    let changed = file.execute(all, params![status, version, until, record]);
    assert_eq!(changed, Ok(1));
}

#[tokio::test]
async fn a_use_that_the_store_has_lost_is_not_made_again() {
    let server = vault().start();
    let (client, keeper) = (server.client().await, Keeper::of(&server));
    let ask = ask(&server, "alice", "/v1/vaults/seven/open");
    assert_eq!(client.check(&ask).await.outcome(), PENDING);
    keeper.approve().await;
    let file = file(&server);
    let unused = said(&file);
    until_it_is(&client, &ask, "allow").await;
    let used = said(&file);
    assert_eq!((&*unused.0, &*used.0), ("approved", "consumed"));

    say(&file, &unused);
    for _retry in 0..3 {
        let outcome = client.check(&ask).await.outcome();
        assert_eq!(outcome, "fault 503 approval_unavailable");
    }
    assert_eq!(server.count("countersign_approvals_spent_total"), 1);
    // Somebody has given it back.
    say(&file, &used);
    assert_eq!(client.check(&ask).await.outcome(), PENDING);
    assert_eq!(keeper.all_waiting().await, 1, "another one is waited for");
}

/// What is known of an approval that the store has in its first version.
async fn known(change: impl FnOnce(&mut Approval)) -> (Approvals, Approval) {
    let store = Store::open(&StoreSettings::in_memory()).unwrap();
    let first = pending("alice", key(1), now());
    let opened = store.open_approval(first.clone(), LIMITS, now()).await;
    assert!(matches!(opened, Ok(Opened::New(_))), "{opened:?}");
    let approvals = Approvals::kept_in(store);
    let mut known = first.clone();
    change(&mut known);
    approvals.apply(&Arc::new(known));
    (approvals, first)
}

#[tokio::test]
async fn a_store_that_has_lost_a_change_an_end_or_a_use_is_not_believed() {
    let newer = |it: &mut Approval| it.version = 2;
    let over = |it: &mut Approval| it.status = Status::Revoked;
    let used = |it: &mut Approval| {
        it.spent.push(Spending {
            decision: decision(1),
            at: now(),
        });
    };
    let changes: [fn(&mut Approval); 3] = [newer, over, used];
    for change in changes {
        let (approvals, first) = known(change).await;
        let fetched = approvals.fetch(&first.id).await;
        let settling = ApprovalError::Store(StoreError::Settling);
        assert_eq!(fetched, Err(settling));
    }
    let (approvals, first) = known(|_| ()).await;
    let fetched = approvals.fetch(&first.id).await.unwrap();
    assert_eq!(fetched.as_deref(), Some(&first));
}

#[tokio::test]
async fn what_is_over_is_not_forgotten_on_the_word_of_a_store_that_does_not_have_it() {
    let (approvals, first) = known(|_| ()).await;
    approvals.forget(&first.id);
    assert!(approvals.get(&first.id).is_none());
    let (approvals, first) = known(|it| it.status = Status::Revoked).await;
    approvals.forget(&first.id);
    assert!(approvals.get(&first.id).is_some());
}
