use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::name::ProviderName;

fn name(text: &str) -> ProviderName {
    ProviderName::new(text).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

fn target(kind: &str, issuer: Option<&str>, value: &str) -> Target {
    Target::parse(kind, issuer, value).unwrap()
}

fn entry(target: Target) -> Revocation {
    Revocation {
        target,
        not_before: None,
        blocked: None,
        lifted: None,
        expires: None,
        reason: Arc::from("a test"),
        by: Arc::from("ops"),
        at: at(10),
    }
}

fn blocked(target: Target) -> Arc<Revocation> {
    let entry = entry(target);
    Arc::new(Revocation {
        blocked: Some(at(10)),
        ..entry
    })
}

fn cut(target: Target, not_before: i64) -> Arc<Revocation> {
    let entry = entry(target);
    Arc::new(Revocation {
        not_before: Some(at(not_before)),
        ..entry
    })
}

fn with(entries: &[Arc<Revocation>]) -> Revocations {
    let revocations = Revocations::default();
    revocations.apply(entries);
    revocations
}

fn standing(revocations: &Revocations, names: &[Name<'_>], issued: Option<i64>) -> &'static str {
    let Some(mut judge) = revocations.judge() else {
        return "good";
    };
    for name in names {
        judge.name(name, issued.map(at));
    }
    match judge.standing() {
        Standing::Good => "good",
        Standing::Credential(_) => "credential",
        Standing::Identity(_) => "identity",
    }
}

#[test]
fn a_cut_refuses_what_was_issued_until_then_and_what_does_not_say_when() {
    let corp = name("corp");
    let known = with(&[cut(target("subject", Some("corp"), "alice"), 20)]);
    let alice = [Name::Subject(&corp, "alice")];
    for (issued, expected) in [
        (Some(19), "credential"),
        (Some(20), "credential"),
        (Some(21), "good"),
        (None, "credential"),
    ] {
        assert_eq!(standing(&known, &alice, issued), expected, "{issued:?}");
    }
    for other in [
        Name::Subject(&corp, "Alice"),
        Name::Actor(&corp, "alice"),
        Name::Subject(&name("ci"), "alice"),
        Name::Owner("alice"),
    ] {
        assert_eq!(standing(&known, &[other], Some(1)), "good", "{other:?}");
    }
}

#[test]
fn a_block_holds_whatever_was_issued_until_it_is_lifted_and_a_lift_moves_no_cut() {
    let corp = name("corp");
    let bot = || target("actor", Some("corp"), "bot");
    let names = [Name::Actor(&corp, "bot")];
    let known = with(&[blocked(bot())]);
    assert_eq!(standing(&known, &names, Some(1_000)), "identity");
    known.apply(&[cut(bot(), 20)]);
    let lifted = Revocation {
        lifted: Some(at(10)),
        ..entry(bot())
    };
    known.apply(&[Arc::new(lifted)]);
    assert_eq!(standing(&known, &names, Some(1_000)), "good");
    assert_eq!(standing(&known, &names, Some(20)), "credential");
    // What was lifted stays lifted when the old block comes once more.
    known.apply(&[blocked(bot())]);
    assert_eq!(standing(&known, &names, Some(1_000)), "good");
}

#[test]
fn a_new_credential_helps_where_a_thing_is_revoked_and_not_where_somebody_is() {
    let corp = name("corp");
    let jkt = "jkt:0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let spiffe = "spiffe://example.org/ci/deployer";
    for (kind, issuer, value, named, expected) in [
        (
            "token",
            Some("corp"),
            "t",
            Name::Token(&corp, "t"),
            "credential",
        ),
        (
            "session",
            Some("corp"),
            "s",
            Name::Session(&corp, "s"),
            "credential",
        ),
        (
            "key",
            Some("corp"),
            "k",
            Name::Key(&corp, "k"),
            "credential",
        ),
        ("api_key", None, "a", Name::ApiKey("a"), "credential"),
        ("proof_key", None, jkt, Name::ProofKey(jkt), "credential"),
        (
            "subject",
            Some("corp"),
            "u",
            Name::Subject(&corp, "u"),
            "identity",
        ),
        (
            "actor",
            Some("corp"),
            "u",
            Name::Actor(&corp, "u"),
            "identity",
        ),
        (
            "client",
            Some("corp"),
            "c",
            Name::Client(&corp, "c"),
            "identity",
        ),
        ("issuer", Some("corp"), "", Name::Issuer(&corp), "identity"),
        ("spiffe", None, spiffe, Name::Spiffe(spiffe), "identity"),
        (
            "spiffe_prefix",
            None,
            "spiffe://example.org/ci",
            Name::Spiffe(spiffe),
            "identity",
        ),
        ("owner", None, "ana", Name::Owner("ana"), "identity"),
    ] {
        let known = with(&[blocked(target(kind, issuer, value))]);
        assert_eq!(standing(&known, &[named], Some(1_000)), expected, "{kind}");
        let known = with(&[cut(target(kind, issuer, value), 20)]);
        assert_eq!(standing(&known, &[named], Some(20)), "credential", "{kind}");
        assert_eq!(standing(&known, &[named], Some(21)), "good", "{kind}");
    }
    // One who is blocked decides, in whatever order the names come.
    let known = with(&[
        blocked(target("token", Some("corp"), "t")),
        blocked(target("subject", Some("corp"), "u")),
    ]);
    let (token, subject) = (Name::Token(&corp, "t"), Name::Subject(&corp, "u"));
    assert_eq!(standing(&known, &[token, subject], None), "identity");
    assert_eq!(standing(&known, &[subject, token], None), "identity");
}

#[test]
fn a_prefix_is_whole_segments() {
    let prefix = |value| with(&[blocked(target("spiffe_prefix", None, value))]);
    for (value, id, expected) in [
        (
            "spiffe://example.org",
            "spiffe://example.org/ci",
            "identity",
        ),
        (
            "spiffe://example.org/ci",
            "spiffe://example.org/ci",
            "identity",
        ),
        (
            "spiffe://example.org/ci",
            "spiffe://example.org/ci/a/b",
            "identity",
        ),
        (
            "spiffe://example.org/ci/a",
            "spiffe://example.org/ci/a/b",
            "identity",
        ),
        (
            "spiffe://example.org/ci",
            "spiffe://example.org/cid",
            "good",
        ),
        ("spiffe://example.org/ci", "spiffe://example.org/c", "good"),
        (
            "spiffe://example.org/ci/a",
            "spiffe://example.org/ci",
            "good",
        ),
        (
            "spiffe://example.org",
            "spiffe://example.org.evil/ci",
            "good",
        ),
        ("spiffe://example.org", "spiffe://example.com/ci", "good"),
    ] {
        let known = prefix(value);
        assert_eq!(
            standing(&known, &[Name::Spiffe(id)], None),
            expected,
            "{value} {id}"
        );
    }
}

#[test]
fn a_crowd_of_entries_is_found_one_by_one_and_counted_once() {
    let corp = name("corp");
    let known = Revocations::default();
    for n in 0..1_500 {
        known.apply(&[blocked(target("token", Some("corp"), &n.to_string()))]);
    }
    // The same again is merged, also where it stands in the other layer.
    for n in 0..700 {
        known.apply(&[cut(target("token", Some("corp"), &n.to_string()), 20)]);
    }
    assert_eq!((known.len(), known.entries().len()), (1_500, 1_500));
    for n in 0..1_500 {
        let id = n.to_string();
        let entry = known.get(&target("token", Some("corp"), &id)).unwrap();
        assert!(entry.is_blocked(), "{n}");
        assert_eq!(entry.not_before.is_some(), n < 700, "{n}");
        assert_eq!(
            standing(&known, &[Name::Token(&corp, &id)], Some(90)),
            "credential"
        );
    }
    assert_eq!(
        standing(&known, &[Name::Token(&corp, "1500")], None),
        "good"
    );
}

#[test]
fn looking_allocates_nothing_whether_there_is_anything_or_not() {
    let corp = name("corp");
    let names = [
        Name::Token(&corp, "t"),
        Name::Subject(&corp, "alice"),
        Name::Issuer(&corp),
        Name::Spiffe("spiffe://example.org/ci/deployer"),
        Name::Owner("ana"),
    ];
    let others = [
        ("token", Some("corp"), "u"),
        ("subject", Some("corp"), "bob"),
        ("issuer", Some("ci"), ""),
        ("spiffe", None, "spiffe://example.org/ci/other"),
        ("spiffe_prefix", None, "spiffe://example.org/cd"),
        ("owner", None, "bob"),
    ];
    let others = others.map(|(kind, issuer, value)| blocked(target(kind, issuer, value)));
    for known in [Revocations::default(), with(&others)] {
        // The first look of a thread makes its place in the table's guard.
        assert_eq!(standing(&known, &names, None), "good");
        let mut found = "";
        let cost = allocation_counter::measure(|| found = standing(&known, &names, None));
        assert_eq!((found, cost.count_total), ("good", 0), "{known:?}");
    }
}

#[test]
fn targets_whose_hashes_fall_together_stay_two() {
    let mut table = Table::default();
    let (a, b) = (target("owner", None, "a"), target("owner", None, "b"));
    table.put_at(blocked(a.clone()), u64::MAX);
    table.put_at(cut(b.clone(), 5), u64::MAX);
    let found = |target: &Target| {
        table
            .find_at(&Name::of(target), u64::MAX)
            .map(|it| it.is_blocked())
    };
    assert_eq!((found(&a), found(&b)), (Some(true), Some(false)));
    assert_eq!(found(&target("owner", None, "c")), None);
}

#[test]
fn there_is_room_for_a_bounded_number_and_for_what_makes_many_needless() {
    let known = Revocations::default();
    let entries = (0..MAX_ENTRIES).map(|n| blocked(target("token", Some("corp"), &n.to_string())));
    known.apply(&entries.collect::<Vec<_>>());
    assert!(
        known.has_room_for(&target("token", Some("corp"), "7")),
        "known already"
    );
    assert!(!known.has_room_for(&target("token", Some("corp"), "new")));
    assert!(!known.has_room_for(&target("subject", Some("corp"), "new")));
    assert!(known.has_room_for(&target("issuer", Some("corp"), "")));
    assert!(known.has_room_for(&target("owner", None, "ana")));
    // What others have acknowledged is taken over all the same.
    known.apply(&[blocked(target("token", Some("corp"), "new"))]);
    assert_eq!(known.len(), MAX_ENTRIES + 1);
}

#[test]
fn what_has_ended_is_forgotten_later_and_never_because_a_clock_was_set() {
    let start = Instant::now();
    let later = |minutes: u64| start + Duration::from_mins(minutes);
    let wall = |minutes: i64| at(minutes * 60);
    let ended = Revocation {
        expires: Some(wall(1)),
        ..entry(target("token", Some("corp"), "t"))
    };
    let known = with(&[Arc::new(ended), blocked(target("owner", None, "ana"))]);
    known.sweep(wall(0), later(0));
    known.sweep(wall(600), later(1));
    known.sweep(wall(2), later(2));
    assert_eq!(known.len(), 2, "the clock was set forward and back");
    known.sweep(wall(600), later(3));
    for minute in 4..63 {
        known.sweep(wall(597 + minute), later(u64::try_from(minute).unwrap()));
        assert_eq!(
            known.len(),
            2,
            "the clock was set {} minutes ago",
            minute - 3
        );
    }
    known.sweep(wall(660), later(63));
    assert_eq!(known.len(), 1);
    assert!(
        known.get(&target("owner", None, "ana")).is_some(),
        "no end, no sweep"
    );
    assert!(known.revision() > 1);
}

/// Few names, so that entries and calls meet.
fn any_target() -> impl Strategy<Value = Target> {
    let issuer = prop_oneof![Just("corp"), Just("ci")];
    let id = prop_oneof![Just("a"), Just("b")];
    let path = prop_oneof![Just("x"), Just("x/y"), Just("xy")];
    let kind = 0..Target::KINDS.len();
    (kind, issuer, id, path).prop_map(|(kind, issuer, id, path)| {
        let kind = Target::KINDS[kind];
        let key = format!("jkt:{}", id.repeat(43));
        let spiffe = format!("spiffe://{id}.org/{path}");
        let approval = format!("apr_{}", id.repeat(22));
        match kind {
            "issuer" => target(kind, Some(issuer), ""),
            "spiffe" | "spiffe_prefix" => target(kind, None, &spiffe),
            "api_key" | "owner" => target(kind, None, id),
            "proof_key" => target(kind, None, &key),
            "approval" => target(kind, None, &approval),
            _ => target(kind, Some(issuer), id),
        }
    })
}

fn any_entry() -> impl Strategy<Value = Arc<Revocation>> {
    let time = || proptest::option::of((0..4_i64).prop_map(at));
    (any_target(), time(), time(), time()).prop_map(|(target, not_before, blocked, lifted)| {
        Arc::new(Revocation {
            not_before,
            blocked,
            lifted,
            ..entry(target)
        })
    })
}

/// What a scan of all entries says, one after the other.
fn scan(entries: &[Arc<Revocation>], named: &Target, issued: Option<Timestamp>) -> bool {
    let mut merged: Vec<Revocation> = Vec::new();
    for entry in entries {
        match merged.iter_mut().find(|it| it.target == entry.target) {
            Some(known) => *known = known.clone().merge(Revocation::clone(entry)),
            None => merged.push(Revocation::clone(entry)),
        }
    }
    merged.iter().any(|entry| {
        let covers = match (&entry.target, named) {
            (Target::SpiffePrefix(prefix), Target::Spiffe(id)) => {
                id == prefix || id.starts_with(&format!("{prefix}/"))
            }
            (one, other) => one == other,
        };
        covers && entry.concerns(issued)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_index_agrees_with_a_scan(
        entries in proptest::collection::vec(any_entry(), 0..12),
        split in 0..12_usize,
        named in any_target(),
        issued in proptest::option::of(0..5_i64),
    ) {
        let known = Revocations::default();
        let (first, second) = entries.split_at(split.min(entries.len()));
        known.apply(first);
        known.apply(second);
        let indexed = standing(&known, &[Name::of(&named)], issued) != "good";
        prop_assert_eq!(indexed, scan(&entries, &named, issued.map(at)));
    }

    #[test]
    fn the_order_of_entries_and_how_often_they_come_does_not_matter(
        entries in proptest::collection::vec(any_entry(), 0..12),
        again in 0..12_usize,
    ) {
        let known = |entries: &[Arc<Revocation>]| {
            let mut known = with(entries).entries();
            known.sort_by(|a, b| a.target.cmp(&b.target));
            known
        };
        let mut turned: Vec<_> = entries.iter().rev().map(Arc::clone).collect();
        turned.extend(entries.iter().take(again).map(Arc::clone));
        prop_assert_eq!(known(&entries), known(&turned));
    }
}
