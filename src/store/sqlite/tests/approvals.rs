use std::time::{Duration, Instant};

use super::{at, memory};
use crate::model::approval::{
    Approval, ApprovalId, ApprovalKey, DemandFacts, Details, Involved, Requester, Status,
};
use crate::model::decision::DecisionId;
use crate::model::name::{ActionId, ProviderName, RouteId};
use crate::model::party::{Kind, PartyId};
use crate::model::route::Tier;
use crate::model::time::Timestamp;
use crate::store::approvals::{KEPT, MAX_APPROVALS};
use crate::store::sqlite::Sqlite as Store;
use crate::store::sqlite::writer::Access;
use crate::store::{ApprovalFilter, OpenLimits, Opened, Spent, StoreError, Swapped};

const LIMITS: OpenLimits = OpenLimits {
    per_requester: 1000,
    cooldown: Duration::ZERO,
};

fn pending(number: u8, now: Timestamp) -> Approval {
    let corp = ProviderName::new("corp").unwrap();
    Approval {
        id: ApprovalId::parse(&format!("apr_{number:022}")).unwrap(),
        key: ApprovalKey([number; 32]),
        version: 1,
        status: Status::Pending,
        created: now,
        pending_until: now.plus(Duration::from_mins(15)),
        decided: None,
        valid_until: None,
        uses: 1,
        requester: Requester {
            subject: Involved {
                id: PartyId::new(corp, "alice"),
                kind: Kind::Human,
                owner: None,
            },
            actor: None,
            prior: Vec::new(),
            proof: None,
        },
        tenant: None,
        route: RouteId::new("r").unwrap(),
        action: ActionId::new("a").unwrap(),
        tier: Tier::High,
        resource: None,
        details: Details::default(),
        demand: DemandFacts {
            rules: Vec::new(),
            from: Vec::new(),
            ttl: 60,
            bind: Vec::new(),
            reason_required: false,
        },
        policy_version: "1".into(),
        ended_because: None,
        votes: Vec::new(),
        spent: Vec::new(),
    }
}

async fn open(store: &Store, number: u8, now: Timestamp) -> Result<bool, StoreError> {
    let opened = store
        .open_approval(pending(number, now), LIMITS, now)
        .await?;
    Ok(matches!(opened, Opened::New(_)))
}

async fn ids(store: &Store) -> Vec<String> {
    let all = ApprovalFilter {
        limit: 500,
        ..ApprovalFilter::default()
    };
    let listed = store.approvals(all).await.unwrap();
    listed.iter().map(|it| it.id.to_string()).collect()
}

#[tokio::test]
async fn what_is_over_is_kept_for_thirty_days() {
    let store = memory();
    for number in 0..4 {
        open(&store, number, at(i64::from(number))).await.unwrap();
    }
    // The last moment of the third is 15 minutes after it was opened; what is over goes an hour later than it may.
    let last = at(2).plus(Duration::from_mins(15)).plus(KEPT);
    let last = last.plus(Duration::from_hours(1));
    open(&store, 10, last).await.unwrap();
    assert_eq!(
        ids(&store).await.len(),
        5,
        "nothing goes because another one comes"
    );
    super::sweep::an_hour(&store, last, Instant::now()).await;
    let kept = ids(&store).await;
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(kept.contains(&pending(2, at(0)).id.to_string()), "{kept:?}");
}

/// Fills the table: `until` is when each of them is over. In parts, as an answer has to come in time.
async fn fill(store: &Store, until: Timestamp) {
    const PART: u64 = 5_000;

    let until = until.millis();
    for first in (0..MAX_APPROVALS).step_by(5_000) {
        let last = first + PART;
        let sql = format!(
            "DELETE FROM approvals WHERE seq > {first} AND seq <= {last};
             WITH RECURSIVE n(i) AS (SELECT {first} + 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last})
             INSERT INTO approvals (id, key, subject, actor, status, version, created, until, seq, changed, record)
             SELECT 'apr_9' || printf('%021d', i), x'00', 'corp/eve', '', 'pending', 1, 0, {until} + i, i, 0, '' FROM n"
        );
        let filled = store.ask(Access::Write, move |connection| {
            connection.execute_batch(&sql)
        });
        filled.await.unwrap();
    }
}

async fn count(store: &Store) -> u64 {
    let counted = store.ask(Access::Read, |connection| {
        connection.query_row("SELECT count(*) FROM approvals", [], |row| row.get(0))
    });
    counted.await.unwrap()
}

#[tokio::test]
async fn an_id_that_is_taken_opens_nothing() {
    let (store, now) = (memory(), at(0));
    open(&store, 1, now).await.unwrap();
    let mut used = pending(1, now);
    (used.version, used.status) = (2, Status::Consumed);
    store.change_approval(1, used.clone()).await.unwrap();
    let refused = open(&store, 1, now).await;
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    let kept = store.approval(&used.id).await.unwrap();
    assert_eq!(kept.as_deref(), Some(&used));
}

#[tokio::test]
async fn a_full_store_forgets_what_is_over_and_nothing_that_is_live() {
    let store = memory();
    let now = at(2_000_000);
    fill(&store, now).await;
    let refused = open(&store, 1, now).await;
    assert_eq!(refused, Err(StoreError::Full("approvals")));
    assert_eq!(count(&store).await, MAX_APPROVALS);
    fill(&store, at(1_000_000)).await;
    assert_eq!(open(&store, 1, now).await, Ok(true));
    assert_eq!(count(&store).await, MAX_APPROVALS - 1);
    assert_eq!(open(&store, 2, now).await, Ok(true));
    assert_eq!(open(&store, 3, now).await, Ok(true));
    assert_eq!(count(&store).await, MAX_APPROVALS - 1, "two for one");
}

#[tokio::test]
async fn a_use_wakes_nobody_and_every_other_change_does() {
    let store = memory();
    let mut woken = store.changed.subscribe();
    let mut woken = || {
        let changed = woken.has_changed().unwrap();
        woken.mark_unchanged();
        changed
    };
    let now = at(1_800_000_000);
    assert!(open(&store, 1, now).await.unwrap());
    assert!(woken(), "opened");
    let mut next = pending(1, now);
    next.version = 2;
    next.status = Status::Approved;
    next.decided = Some(now);
    next.valid_until = Some(now.plus(Duration::from_mins(1)));
    let changed = store.change_approval(1, next.clone()).await.unwrap();
    assert!(matches!(changed, Swapped::Done(_)) && woken(), "approved");
    let by = DecisionId::new("1");
    let spent = store.spend_approval(&next.id, 0, 1, &by, now).await;
    assert!(matches!(spent.unwrap(), Spent::Done(_)) && !woken(), "used");
}
