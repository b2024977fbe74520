//! A Valkey that forgets everything: what was used is not used again, whoever was out stays out, and what is true stays true.

use super::failing::Before;
use super::model::{BOUND, Model};
use super::stage::{Cluster, PENDING};
use crate::harness::valkey::{Fsync, LineMode, RespAnswer, Valkey};
use crate::harness::{SOON, eventually_async};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_that_is_emptied_is_told_again() {
    everything_is_told_again(Valkey::wipe).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_that_comes_back_without_its_files_is_told_again() {
    everything_is_told_again(|valkey| {
        valkey.lose_files();
        valkey.revive();
    })
    .await;
}

async fn everything_is_told_again(wipe: impl Fn(&Valkey)) {
    let mut model = Model::of(Cluster::start(Fsync::Never).await);
    let before = Before::of(&mut model).await;
    // Acknowledged, and nobody else may have read it.
    let late = [model.caller().await, model.caller().await];
    assert!(model.revoke(&late[0], 0));
    assert!(model.revoke(&late[1], 1));
    wipe(&model.cluster.valkey);
    // What is said while others still put back what they know is not forgotten over that.
    eventually_async(SOON, "it is acknowledged", async || {
        model.clear(before.drill, 1).then_some(())
    })
    .await;
    before.rush(&mut model).await;
    tokio::time::sleep(BOUND * 2).await;
    before.rush(&mut model).await;
    model.serves().await;
    // Nobody can tell what has been used of what could be used.
    for vault in [&before.kept, &before.tried, &before.used] {
        model.opens(vault, 0, PENDING).await;
        model.opens(vault, 1, PENDING).await;
    }
    model.end().await;
}

/// Says until when nothing counts as settled, so that how busy this machine is does not matter: how long ago everybody began to put
/// back what they know, as Valkey has it.
fn began(valkey: &Valkey, millis: &str) {
    valkey.ask(&["HSET", "{countersign}:meta", "since", millis]);
}

/// One server knows of a revocation and cannot say so yet, when the other one reads a state that has nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_relies_on_a_valkey_that_was_not_told_everything_yet() {
    let mut model = Model::of(Cluster::start(Fsync::Never).await);
    let gone = model.caller().await;
    let other = &model.cluster.lines[1];
    other.set(LineMode::Refuse);
    other.cut();
    assert!(model.revoke(&gone, 0));
    let [first, other] = [0, 1].map(|at| &model.cluster.lines[at]);
    first.set(LineMode::Refuse);
    first.cut();
    let valkey = &model.cluster.valkey;
    valkey.lose_files();
    valkey.revive();
    other.set(LineMode::Forward);
    eventually_async(SOON, "the other one is back", async || {
        let known = valkey.ask(&["EXISTS", "{countersign}:meta"]);
        (known == RespAnswer::Number(1)).then_some(())
    })
    .await;
    began(valkey, "9999999999999");
    // What it knew before is too old now, and what it reads is not everything.
    tokio::time::sleep(BOUND * 2).await;
    first.set(LineMode::Forward);
    eventually_async(SOON, "it is put back", async || {
        let known = valkey.ask(&["HLEN", "{countersign}:revocations"]);
        (known == RespAnswer::Number(1)).then_some(())
    })
    .await;
    began(valkey, "0");
    model.serves().await;
    model.end().await;
}
