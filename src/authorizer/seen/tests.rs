use super::*;
use crate::model::lifecycle::Level;
use crate::model::name::ProviderName;

fn id(text: &str) -> PartyId {
    PartyId::new(ProviderName::new("corp").unwrap(), text)
}

fn sighting(text: &str) -> Sighting {
    Sighting {
        id: id(text),
        what: What {
            kind: "agent",
            owner: Some(Arc::from("alice")),
            registered: true,
        },
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn raised(text: &str, check: Check) -> Raised {
    Raised {
        check,
        level: Level::Warn,
        id: id(text),
    }
}

fn records(noted: &Noted) -> Vec<SeenRecord> {
    let mut records = noted.records();
    records.sort_by(|a, b| (&a.issuer, &a.id).cmp(&(&b.issuer, &b.id)));
    records
}

#[test]
fn everybody_of_a_call_is_noted_with_what_was_raised_about_them() {
    let seen = Sightings::default();
    let runner = SpiffeId::parse("spiffe://example.org/ci/runner").unwrap();
    let both = [sighting("bot"), sighting("robot")];
    let warned = [raised("bot", Check::Browser)];
    assert_eq!(seen.note(&both, Some(&runner), &warned, at(7)), 0);
    assert_eq!(seen.note(&both[..1], None, &[], at(9)), 0);
    let records = records(&seen.take());
    let short: Vec<_> = records
        .iter()
        .map(|record| {
            let SeenRecord {
                issuer, id, kind, ..
            } = record;
            (issuer.as_str(), id.as_str(), kind.as_str())
        })
        .collect();
    assert_eq!(
        short,
        [
            ("corp", "bot", "agent"),
            ("corp", "robot", "agent"),
            (
                "spiffe://example.org",
                "spiffe://example.org/ci/runner",
                "workload"
            ),
        ]
    );
    assert_eq!(
        (records[0].first_seen, records[0].last_seen),
        (at(7), at(9))
    );
    assert_eq!(records[0].owner.as_deref(), Some("alice"));
    let warnings: Vec<_> = records[0].warned.iter().collect();
    assert_eq!(warnings, [(&"nhi10-browser".to_owned(), &at(7))]);
    assert!(records[1].warned.is_empty());
    assert!(seen.take().is_empty(), "what was taken is gone");
}

#[test]
fn what_could_not_be_written_is_kept_beside_what_came_later() {
    let seen = Sightings::default();
    seen.note(
        &[sighting("bot")],
        None,
        &[raised("bot", Check::Browser)],
        at(1),
    );
    seen.note(&[sighting("old")], None, &[], at(1));
    let failed = seen.take();
    seen.note(
        &[sighting("bot")],
        None,
        &[raised("bot", Check::Workload)],
        at(5),
    );
    assert_eq!(seen.put_back(failed), 0);
    let records = records(&seen.take());
    assert_eq!(records.len(), 2);
    assert_eq!(
        (records[0].first_seen, records[0].last_seen),
        (at(1), at(5))
    );
    let checks: Vec<_> = records[0].warned.keys().collect();
    assert_eq!(checks, ["nhi10-browser", "nhi9-workload"]);
}

#[test]
fn the_memory_is_bounded_and_what_finds_no_room_is_counted() {
    let seen = Sightings::default();
    let many = 3 * SHARDS * MAX_OF_SHARD;
    let dropped: usize = (0..many)
        .map(|n| seen.note(&[sighting(&format!("{n}"))], None, &[], at(1)))
        .sum();
    assert_eq!(dropped, many - SHARDS * MAX_OF_SHARD);
    let full = seen.take();
    assert_eq!(full.records().len(), SHARDS * MAX_OF_SHARD);
    assert_eq!(seen.note(&[sighting("again")], None, &[], at(2)), 0);
    // The one that came later may have taken the last place of its part.
    assert!(seen.put_back(full) <= 1);
    let unwritten = seen.take();
    for n in 0..many {
        seen.note(&[sighting(&format!("later {n}"))], None, &[], at(3));
    }
    let all = unwritten.records().len();
    assert_eq!(seen.put_back(unwritten), all, "no part has room left");
}

/// Not a bound, only a figure to look at: `cargo test --release -- --ignored --nocapture noting`.
#[test]
#[ignore = "prints how long it takes"]
fn noting_a_delegated_call_takes_less_than_a_microsecond() {
    let seen = Sightings::default();
    let runner = SpiffeId::parse("spiffe://example.org/ci/runner").unwrap();
    let both = [sighting("bot"), sighting("robot")];
    let calls = 1_000_000_u32;
    let started = std::time::Instant::now();
    for _ in 0..calls {
        seen.note(&both, Some(&runner), &[], at(1));
    }
    println!("{:?} a call", started.elapsed() / calls);
}

#[test]
fn whoever_has_the_hash_of_another_finds_no_room() {
    let seen = Sightings::default();
    let (bot, other) = (sighting("bot"), sighting("other"));
    {
        let (hash, mut noted) = seen.shard(Whom::Party(&bot.id));
        let entry = (Who::Party(other.id), Seen::new(&other.what, at(1)));
        noted.0.insert(hash, entry);
    }
    assert_eq!(seen.note(&[bot], None, &[], at(2)), 1);
    let records = records(&seen.take());
    let short: Vec<_> = records
        .iter()
        .map(|it| (it.id.as_str(), it.last_seen))
        .collect();
    assert_eq!(short, [("other", at(1))]);
}
