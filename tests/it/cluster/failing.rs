//! A Valkey that dies, stops, or cannot be reached: nothing passes that would not have passed otherwise, what was acknowledged is
//! there afterwards, and service goes on by itself.

use std::time::Duration;

use serde_json::json;

use super::model::{BOUND, Model};
use super::stage::{Cluster, PENDING, until};
use crate::harness::valkey::{Fsync, LineMode};

const FIRE: &str = "PUT /conditions/fire";
const NO_FIRE: &str = "DELETE /conditions/fire";

/// What somebody was told before the trouble.
pub(super) struct Before {
    /// Approved, and not used.
    pub(super) kept: String,
    /// Approved, and tried while there is trouble.
    pub(super) tried: String,
    /// Approved and used.
    pub(super) used: String,
    /// The number of a call that is allowed because of a condition.
    pub(super) drill: usize,
}

impl Before {
    pub(super) async fn of(model: &mut Model) -> Self {
        let (status, said) =
            model
                .cluster
                .operator(0, FIRE, &json!({ "value": true, "reason": "smoke" }));
        assert_eq!(status, 200, "{said}");
        let drill = model.cluster.drill();
        let drill = model.watch(&drill).await;
        let gone = model.caller().await;
        assert!(model.revoke(&gone, 0));
        let used = model.approved(0).await;
        model.opens(&used, 1, "allow").await;
        let (kept, tried) = (model.approved(0).await, model.approved(1).await);
        Self {
            kept,
            tried,
            used,
            drill,
        }
    }

    /// What is kept is there: who could open can, once, who could not cannot, and what is true is true.
    pub(super) async fn is_kept(&self, model: &mut Model) {
        model.serves().await;
        model.opens(&self.kept, 1, "allow").await;
        model.opens(&self.kept, 0, PENDING).await;
        model.opens(&self.used, 0, PENDING).await;
        let drill = model.cluster.drill();
        for client in &model.cluster.clients {
            until(client, &drill, "allow").await;
        }
        let (status, said) = model
            .cluster
            .operator(1, NO_FIRE, &json!({ "reason": "no smoke" }));
        assert_eq!(status, 200, "{said}");
        for client in &model.cluster.clients {
            until(client, &drill, "deny 403 forbidden").await;
        }
    }

    /// Everybody tries what they can while nothing can be used; whether anything passed.
    pub(super) async fn rush(&self, model: &mut Model) -> usize {
        let mut passed = model.rush(&self.tried).await;
        passed += model.rush(&self.used).await;
        passed
    }
}

async fn begin(fsync: Fsync) -> (Model, Before) {
    let mut model = Model::of(Cluster::start(fsync).await);
    let before = Before::of(&mut model).await;
    (model, before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_that_is_killed_and_comes_back_has_lost_nothing() {
    let (mut model, before) = begin(Fsync::Always).await;
    for _ in 0..2 {
        // Acknowledged, and nobody else may have read it.
        let late = [model.caller().await, model.caller().await];
        assert!(model.revoke(&late[0], 0));
        assert!(model.revoke(&late[1], 1));
        model.cluster.valkey.kill();
        assert_eq!(
            before.rush(&mut model).await,
            0,
            "something was used up nowhere"
        );
        let during = model.caller_to_be();
        assert!(!model.revoke(&during, 0), "acknowledged by nobody");
        tokio::time::sleep(BOUND + BOUND / 2).await;
        model.cluster.valkey.revive();
        before.rush(&mut model).await;
        model.serves().await;
    }
    before.is_kept(&mut model).await;
    model.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_that_pauses_is_not_waited_for() {
    let (mut model, before) = begin(Fsync::Never).await;
    for pause in [Duration::from_millis(300), BOUND * 2] {
        let late = model.caller().await;
        assert!(model.revoke(&late, 1));
        model.cluster.valkey.pause();
        let during = model.caller_to_be();
        model.revoke(&during, 0);
        before.rush(&mut model).await;
        tokio::time::sleep(pause).await;
        model.cluster.valkey.resume();
        before.rush(&mut model).await;
        model.serves().await;
    }
    before.is_kept(&mut model).await;
    model.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_cut_off_allows_nothing_that_it_cannot_know() {
    let (mut model, before) = begin(Fsync::Never).await;
    for mode in [
        LineMode::Stall,
        LineMode::SwallowRequests,
        LineMode::SwallowAnswers,
        LineMode::Refuse,
    ] {
        let (theirs, ours) = (model.caller().await, model.caller().await);
        let shared = model.approved(0).await;
        model.cluster.lines[1].set(mode);
        if mode == LineMode::Refuse {
            model.cluster.lines[1].cut();
        }
        // The one that is cut off believes that both may pass, and that nobody has used this.
        assert!(model.revoke(&theirs, 0), "{mode:?}");
        model.opens(&shared, 0, "allow").await;
        assert_eq!(model.rush(&shared).await, 0, "{mode:?}");
        before.rush(&mut model).await;
        assert!(
            !model.revoke(&ours, 1),
            "{mode:?}: acknowledged without the store"
        );
        tokio::time::sleep(BOUND + BOUND / 2).await;
        model.cluster.lines[1].set(LineMode::Forward);
        model.cluster.lines[1].cut();
        model.rush(&shared).await;
        model.serves().await;
    }
    before.is_kept(&mut model).await;
    model.end().await;
}
