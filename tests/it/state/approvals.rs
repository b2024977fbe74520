//! Opening, changing and using approvals.

use std::sync::Arc;

use countersign::model::approval::{Approval, ApprovalId, Place as Standing, State, Status};
use countersign::model::party::PartyId;
use countersign::store::{ApprovalFilter, OpenLimits, Opened, Spent, Store, StoreError, Swapped};

use super::Place;
use super::fixtures::{LIMITS, MINUTE, approved, corp, decision, ended, key, now, pending, vote};

async fn open(store: &Store, new: &Approval) -> Arc<Approval> {
    let opened = store.open_approval(new.clone(), LIMITS, new.created).await;
    match opened.unwrap() {
        Opened::New(opened) => opened,
        other => panic!("{other:?}"),
    }
}

/// Opens and approves; the approved state.
async fn usable(store: &Store, number: u64, uses: u32) -> Approval {
    let now = now();
    let known = open(store, &pending("alice", key(number), now)).await;
    let next = approved(&known, "bob", uses, now);
    let done = store.change_approval(1, next.clone()).await.unwrap();
    assert!(matches!(done, Swapped::Done(_)), "{done:?}");
    next
}

pub(crate) async fn a_record_comes_back_as_it_was_put(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let new = pending("alice", key(1), now);
    assert_eq!(*open(&store, &new).await, new);
    let mut next = approved(&new, "bob", 2, now);
    next.votes.push(vote("carol", true, now));
    let done = store.change_approval(1, next.clone()).await;
    assert!(matches!(done, Ok(Swapped::Done(_))), "{done:?}");
    let id = next.id.clone();
    // Another handle reads what this one wrote.
    let read = place.open().await.approval(&id).await.unwrap();
    assert_eq!(read.as_deref(), Some(&next));
    let bare = Approval {
        requester: countersign::model::approval::Requester {
            actor: None,
            prior: Vec::new(),
            proof: None,
            ..pending("dora", key(2), now).requester
        },
        tenant: None,
        resource: None,
        details: countersign::model::approval::Details::default(),
        ..pending("dora", key(2), now)
    };
    open(&store, &bare).await;
    let read = store.approval(&bare.id).await.unwrap();
    assert_eq!(read.as_deref(), Some(&bare));
    let unknown = pending("alice", key(3), now).id;
    assert_eq!(store.approval(&unknown).await, Ok(None));
}

pub(crate) async fn of_racing_attempts_one_opens(place: &impl Place) {
    let stores = [place.open().await, place.open().await];
    let now = now();
    for number in 0..4 {
        let attempts: Vec<_> = (0..64)
            .map(|attempt: usize| {
                let (store, new) = (
                    stores[attempt % 2].clone(),
                    pending("alice", key(number), now),
                );
                tokio::spawn(async move { store.open_approval(new, LIMITS, now).await })
            })
            .collect();
        let (mut opened, mut known) = (Vec::new(), Vec::new());
        for attempt in attempts {
            match attempt.await.unwrap().unwrap() {
                Opened::New(it) => opened.push(it),
                Opened::Known(it) => known.push(it),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((opened.len(), known.len()), (1, 63));
        assert!(known.iter().all(|it| *it == opened[0]));
    }
}

pub(crate) async fn what_is_waited_for_is_limited_for_each_requester(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let limits = OpenLimits {
        per_requester: 3,
        ..LIMITS
    };
    let attempt = |subject: &str, number| {
        let new = pending(subject, key(number), now);
        store.open_approval(new, limits, now)
    };
    let mut first = None;
    for number in 0..3 {
        let opened = attempt("alice", number).await.unwrap();
        let Opened::New(opened) = opened else {
            panic!("{opened:?}");
        };
        first.get_or_insert(opened);
    }
    assert_eq!(attempt("alice", 3).await, Ok(Opened::TooMany));
    // What waits already is found, and others may ask.
    let known = attempt("alice", 0).await.unwrap();
    assert!(matches!(known, Opened::Known(_)), "{known:?}");
    let other = attempt("dora", 3).await.unwrap();
    assert!(matches!(other, Opened::New(_)), "{other:?}");
    // One that is decided is not waited for.
    let next = approved(&first.unwrap(), "bob", 1, now);
    store.change_approval(1, next).await.unwrap();
    let again = attempt("alice", 4).await.unwrap();
    assert!(matches!(again, Opened::New(_)), "{again:?}");
    // Nor is one that has expired.
    let later = now.plus(16 * MINUTE);
    let new = pending("alice", key(5), later);
    let later = store.open_approval(new, limits, later).await.unwrap();
    assert!(matches!(later, Opened::New(_)), "{later:?}");
}

pub(crate) async fn taking_back_is_no_way_around_the_limit(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let limits = OpenLimits {
        per_requester: 3,
        ..LIMITS
    };
    let attempt = |number, at| {
        let new = pending("alice", key(number), at);
        store.open_approval(new, limits, at)
    };
    for number in 0..3 {
        let opened = attempt(number, now).await.unwrap();
        let Opened::New(opened) = opened else {
            panic!("{opened:?}");
        };
        let next = ended(&opened, Status::Cancelled, now);
        store.change_approval(1, next).await.unwrap();
    }
    assert_eq!(attempt(3, now).await, Ok(Opened::TooMany));
    let last = now.plus(15 * MINUTE);
    assert_eq!(attempt(3, last).await, Ok(Opened::TooMany));
    // By then nobody would wait for them any more.
    let later = attempt(3, now.plus(16 * MINUTE)).await.unwrap();
    assert!(matches!(later, Opened::New(_)), "{later:?}");
}

pub(crate) async fn nothing_is_opened_for_a_while_after_a_no(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let known = open(&store, &pending("alice", key(1), now)).await;
    let no = ended(&known, Status::Denied, now);
    store.change_approval(1, no.clone()).await.unwrap();
    for (after, denied) in [(0, true), (4, true), (5, false), (6, false)] {
        let at = now.plus(after * MINUTE);
        let new = pending("alice", key(1), at);
        let opened = store.open_approval(new, LIMITS, at).await.unwrap();
        match opened {
            Opened::Denied(it) => assert!(denied && *it == no, "{after}"),
            Opened::New(it) => {
                assert!(!denied, "{after}");
                let next = ended(&it, Status::Cancelled, at);
                store.change_approval(1, next).await.unwrap();
            }
            other => panic!("{after}: {other:?}"),
        }
    }
}

pub(crate) async fn an_approval_that_expired_is_asked_for_again(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let first = usable(&store, 1, 1).await;
    let attempt = |after| {
        let at = now.plus(after * MINUTE);
        let new = pending("alice", key(1), at);
        store.open_approval(new, LIMITS, at)
    };
    assert_eq!(attempt(9).await, Ok(Opened::Known(Arc::new(first))));
    let opened = attempt(11).await.unwrap();
    let Opened::New(second) = opened else {
        panic!("{opened:?}");
    };
    assert_eq!(attempt(12).await, Ok(Opened::Known(second)));
    // The one that nobody decided about expires too.
    let third = attempt(30).await.unwrap();
    assert!(matches!(third, Opened::New(_)), "{third:?}");
}

pub(crate) async fn of_racing_votes_one_is_first(place: &impl Place) {
    let stores = [place.open().await, place.open().await];
    let now = now();
    let known = open(&stores[0], &pending("alice", key(1), now)).await;
    let votes: Vec<_> = (0..32)
        .map(|voter: usize| {
            let store = stores[voter % 2].clone();
            let next = approved(&known, &format!("voter-{voter}"), 1, now);
            tokio::spawn(async move { (next.clone(), store.change_approval(1, next).await) })
        })
        .collect();
    let (mut done, mut stale) = (Vec::new(), Vec::new());
    for vote in votes {
        let (next, swapped) = vote.await.unwrap();
        match swapped.unwrap() {
            Swapped::Done(_) => done.push(next),
            Swapped::Stale(known) => stale.push(known),
            Swapped::Missing => panic!("missing"),
        }
    }
    assert_eq!((done.len(), stale.len()), (1, 31));
    assert!(stale.iter().all(|it| **it == done[0]));
    let unknown = approved(&pending("alice", key(2), now), "bob", 1, now);
    let missing = stores[0].change_approval(1, unknown).await;
    assert_eq!(missing, Ok(Swapped::Missing));
    let skipped = Approval {
        version: 7,
        ..done[0].clone()
    };
    let refused = stores[0].change_approval(2, skipped).await;
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
}

pub(crate) async fn never_more_uses_than_approved(place: &impl Place) {
    let stores = [place.open().await, place.open().await];
    for (number, uses) in [(1, 1), (2, 1), (3, 5), (4, 31)] {
        let approval = usable(&stores[0], number, uses).await;
        let racers: Vec<_> = (0..32)
            .map(|racer: usize| {
                let (store, id) = (stores[racer % 2].clone(), approval.id.clone());
                tokio::spawn(async move {
                    let by = decision(racer);
                    (
                        by.clone(),
                        store.spend_approval(&id, 1, u32::MAX, &by, now()).await,
                    )
                })
            })
            .collect();
        let (mut winners, mut left) = (Vec::new(), Vec::new());
        for racer in racers {
            let (by, spent) = racer.await.unwrap();
            match spent.unwrap() {
                Spent::Done(next) => {
                    winners.push(by);
                    left.push(next.uses_left());
                }
                Spent::Gone(state) => assert_eq!(state, State::Is(Status::Consumed)),
                other => panic!("{other:?}"),
            }
        }
        left.sort_unstable();
        assert_eq!(left, (0..uses).collect::<Vec<_>>(), "each use once");
        let read = stores[1].approval(&approval.id).await.unwrap().unwrap();
        assert_eq!(read.status, Status::Consumed);
        assert_eq!(read.version, 2 + u64::from(uses));
        let counted: Vec<_> = read.spent.iter().map(|it| &it.decision).collect();
        assert_eq!(counted.len(), winners.len());
        assert!(winners.iter().all(|by| counted.contains(&by)));
    }
}

pub(crate) async fn rules_that_allow_fewer_uses_by_now_count(place: &impl Place) {
    let stores = [place.open().await, place.open().await];
    let approval = usable(&stores[0], 1, 5).await;
    let race = async |uses: u32, from: usize| {
        let racers: Vec<_> = (from..from + 32)
            .map(|racer| {
                let (store, id) = (stores[racer % 2].clone(), approval.id.clone());
                tokio::spawn(async move {
                    let by = decision(racer);
                    store.spend_approval(&id, 1, uses, &by, now()).await
                })
            })
            .collect();
        let mut done = 0;
        for racer in racers {
            match racer.await.unwrap().unwrap() {
                Spent::Done(_) => done += 1,
                Spent::Gone(state) => assert_eq!(state, State::Is(Status::Consumed)),
                other => panic!("{other:?}"),
            }
        }
        done
    };
    assert_eq!(race(2, 0).await, 2, "five were approved, two are allowed");
    assert_eq!(race(1, 100).await, 0);
    let read = stores[1].approval(&approval.id).await.unwrap().unwrap();
    assert_eq!((read.status, read.spent.len()), (Status::Approved, 2));
    assert_eq!(
        race(u32::MAX, 200).await,
        3,
        "never more than were approved"
    );
}

pub(crate) async fn what_cannot_be_used_is_not(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let spend = |approval: &Approval, votes, at| {
        let (store, id) = (store.clone(), approval.id.clone());
        async move {
            store
                .spend_approval(&id, votes, u32::MAX, &decision(1), at)
                .await
                .unwrap()
        }
    };
    let gone = |status| Spent::Gone(State::Is(status));
    let waiting = open(&store, &pending("alice", key(1), now)).await;
    assert_eq!(spend(&waiting, 0, now).await, gone(Status::Pending));
    for (number, status) in [
        (2, Status::Revoked),
        (3, Status::Denied),
        (4, Status::Cancelled),
    ] {
        let known = usable(&store, number, 3).await;
        let next = ended(&known, status, now);
        store.change_approval(2, next.clone()).await.unwrap();
        assert_eq!(spend(&next, next.votes.len(), now).await, gone(status));
    }
    let late = usable(&store, 5, 1).await;
    let over = late.valid_until.unwrap();
    let expired = spend(&late, 1, over.plus(MINUTE)).await;
    assert_eq!(expired, Spent::Gone(State::Expired));
    // Somebody voted since it was looked at.
    let changed = spend(&late, 2, now).await;
    assert_eq!(changed, Spent::Changed(Arc::new(late.clone())));
    let unknown = pending("alice", key(9), now);
    assert_eq!(spend(&unknown, 0, now).await, Spent::Missing);
    assert!(matches!(spend(&late, 1, over).await, Spent::Done(_)));
    assert_eq!(spend(&late, 1, over).await, gone(Status::Consumed));
}

pub(crate) async fn history_is_listed_newest_first(place: &impl Place) {
    let (store, now) = (place.open().await, now());
    let mut all = Vec::new();
    for number in 0..7 {
        let subject = if number % 2 == 0 { "alice" } else { "dora" };
        // Two of a moment, so that the order needs more than time.
        let at = now.plus(std::time::Duration::from_secs(number / 2));
        all.push(open(&store, &pending(subject, key(number), at)).await);
    }
    all.reverse();
    all.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
    let no = ended(&all[3], Status::Denied, now);
    store.change_approval(1, no.clone()).await.unwrap();
    all[3] = Arc::new(no);
    let filter = |limit| ApprovalFilter {
        limit,
        ..ApprovalFilter::default()
    };
    assert_eq!(store.approvals(filter(500)).await.unwrap(), all);
    let first = store.approvals(filter(3)).await.unwrap();
    assert_eq!(first, all[..3]);
    let rest = ApprovalFilter {
        before: Some(first[2].place()),
        ..filter(500)
    };
    assert_eq!(store.approvals(rest).await.unwrap(), all[3..]);
    let forgotten = Standing {
        id: ApprovalId::parse("apr_0000000000000000000000").unwrap(),
        ..first[2].place()
    };
    let since = all.iter().position(|it| it.created < forgotten.created);
    let rest = ApprovalFilter {
        before: Some(forgotten),
        ..filter(500)
    };
    let behind = store.approvals(rest).await.unwrap();
    assert_eq!(
        behind,
        all[since.unwrap()..],
        "behind one that is not there"
    );
    let denied = ApprovalFilter {
        status: Some(Status::Denied),
        ..filter(500)
    };
    assert_eq!(store.approvals(denied).await.unwrap(), all[3..4]);
    let by = |who: &str| ApprovalFilter {
        requester: Some(PartyId::new(corp(), who)),
        ..filter(500)
    };
    assert_eq!(store.approvals(by("alice")).await.unwrap().len(), 4);
    assert_eq!(store.approvals(by("crm-bot")).await.unwrap(), all);
    assert_eq!(store.approvals(by("nobody")).await.unwrap(), []);
}
