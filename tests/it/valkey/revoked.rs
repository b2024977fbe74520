//! An approval that is revoked while the store counts its use.

use countersign::approval::{Approvals, Ballot, Voted};
use countersign::model::approval::Status;
use countersign::model::revocation::{Revocation, Target};
use countersign::store::ApprovalFilter;
use serde_json::json;

use super::stores::{open, settled};
use crate::approvals::stage::{ask, clock, vault, voter};
use crate::harness::valkey::{Fsync, Valkey};
use crate::harness::{KEPT, SOON, Server, eventually, eventually_async};
use crate::state::fixtures::{now, revocation};

fn knows(server: &Server, seq: u64) {
    eventually(SOON, "the server knows of it", || {
        let position = server.count("countersign_state_applied_position");
        (position >= seq).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_is_revoked_while_it_is_used_lets_nobody_pass() {
    let (first, second) = (Valkey::start(Fsync::Never), Valkey::start(Fsync::Never));
    let quick = open(&json!({ "url": first.url() }));
    second.follow(&first);
    settled(&quick).await;
    let valkey = json!({
        "url": first.url(), "min_replicas": 1, "wait": "4s", "timeouts": { "command": "3s" },
    });
    let kept = format!(
        "store: {{ valkey: {valkey}, staleness: {{ low: 5m, medium: 2m, high: 2m, critical: 2m }} }}"
    );
    let server = vault().replacing(KEPT, &kept).start();
    let client = server.client().await;
    let call = ask(&server, "alice", "/v1/vaults/seven/open-often");
    let waits = client.check(&call).await.outcome();
    assert_eq!(waits, "pending 403 approval_required");
    let pending = ApprovalFilter {
        status: Some(Status::Pending),
        limit: 1,
        ..ApprovalFilter::default()
    };
    let waiting = quick.approvals(pending.clone()).await.unwrap().remove(0);
    let ballot = Ballot {
        voter: voter("kim"),
        approve: true,
        reason: None,
    };
    let approvals = Approvals::kept_in(quick.clone());
    let voted = approvals
        .vote(&waiting.id, &ballot, &|_vote| true, clock())
        .await
        .unwrap();
    let Voted::Done(approved, position) = voted else {
        panic!("{voted:?}");
    };
    knows(&server, position.seq);

    // The use is counted, and its confirmation does not come.
    second.pause();
    let (asking, question) = (client.clone(), call.clone());
    let asked = tokio::spawn(async move { asking.check(&question).await });
    eventually_async(SOON, "the use is counted", async || {
        let known = quick.approval(&approved.id).await.unwrap().unwrap();
        (known.spent.len() == 1).then_some(())
    })
    .await;
    let target = Target::parse("approval", None, approved.id.as_str()).unwrap();
    let entry = Revocation {
        blocked: Some(now()),
        ..revocation(target, now())
    };
    let done = quick.revoke(vec![entry]).await.unwrap();
    knows(&server, done.position.seq);
    assert!(!asked.is_finished());
    second.resume();
    let answer = asked.await.unwrap();
    assert_eq!(answer.outcome(), "pending 403 approval_required");
    let next = quick.approvals(pending).await.unwrap();
    assert!(
        matches!(next.as_slice(), [next] if next.id != approved.id),
        "another one is waited for: {next:?}"
    );
}
