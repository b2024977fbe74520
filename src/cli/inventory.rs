//! The registry, joined with who was seen.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::party::PartyId;
use crate::model::time::Timestamp;
use crate::registry::{Lifecycle, Registered, Registry, Status};
use crate::store::SeenRecord;

/// One identity: what is registered of it, and what was seen.
#[derive(Debug)]
pub(super) struct Row {
    issuer: String,
    id: String,
    pub(super) kind: String,
    owner: Option<String>,
    standing: Standing,
    groups: Vec<String>,
    environment: Option<String>,
    expires: Option<Timestamp>,
    rotated: Option<Timestamp>,
    overdue: bool,
    first_used: Option<Timestamp>,
    pub(super) last_used: Option<Timestamp>,
    /// The checks that were raised about it, and when last.
    pub(super) warnings: BTreeMap<String, Timestamp>,
}

/// How an identity stands in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Registered(Status),
    Expired,
    /// It was registered once, and is used all the same.
    Orphan,
    Unregistered,
    /// A person, a client or a workload: the registry is not about those.
    Outside,
}

impl Standing {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Registered(status) => status.as_str(),
            Self::Expired => "expired",
            Self::Orphan => "orphan",
            Self::Unregistered => "unregistered",
            Self::Outside => "-",
        }
    }
}

/// Every identity that is registered or was seen, by issuer and id.
pub(super) fn rows(
    registry: &Registry,
    lifecycle: &Lifecycle,
    seen: Vec<SeenRecord>,
    now: Timestamp,
) -> Vec<Row> {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for (id, known) in registry.iter() {
        let row = Row::registered(id, known, lifecycle, now);
        rows.insert((row.issuer.clone(), row.id.clone()), row);
    }
    for record in seen {
        let key = (record.issuer.clone(), record.id.clone());
        match rows.get_mut(&key) {
            Some(row) => row.used(record),
            None => {
                rows.insert(key, Row::seen(record));
            }
        }
    }
    rows.into_values().collect()
}

impl Row {
    /// The heads of the columns.
    pub(super) const HEAD: [&str; 11] = [
        "ISSUER",
        "ID",
        "KIND",
        "OWNER",
        "STATUS",
        "GROUPS",
        "ENVIRONMENT",
        "EXPIRES",
        "ROTATED",
        "LAST USED",
        "WARNINGS",
    ];

    fn registered(id: &PartyId, known: &Registered, lifecycle: &Lifecycle, now: Timestamp) -> Self {
        let Registered {
            kind,
            owner,
            groups,
            status,
            expires,
            workloads: _,
            environment,
            rotation,
        } = known;
        let over = *status == Status::Active && expires.is_some_and(|end| now >= end);
        Self {
            issuer: id
                .issuer
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            id: id.id.to_string(),
            kind: kind.to_string(),
            owner: Some(owner.to_string()),
            standing: if over {
                Standing::Expired
            } else {
                Standing::Registered(*status)
            },
            groups: groups.iter().map(ToString::to_string).collect(),
            environment: environment.as_deref().map(ToOwned::to_owned),
            expires: *expires,
            rotated: rotation.map(|rotation| rotation.at),
            overdue: rotation.is_some_and(|rotation| now >= lifecycle.due(rotation)),
            first_used: None,
            last_used: None,
            warnings: BTreeMap::new(),
        }
    }

    fn seen(record: SeenRecord) -> Self {
        let standing = match (record.kind.as_str(), record.registered) {
            ("service" | "agent", true) => Standing::Orphan,
            ("service" | "agent", false) => Standing::Unregistered,
            _ => Standing::Outside,
        };
        Self {
            issuer: record.issuer,
            id: record.id,
            kind: record.kind,
            owner: record.owner,
            standing,
            groups: Vec::new(),
            environment: None,
            expires: None,
            rotated: None,
            overdue: false,
            first_used: Some(record.first_seen),
            last_used: Some(record.last_seen),
            warnings: record.warned,
        }
    }

    fn used(&mut self, record: SeenRecord) {
        self.first_used = Some(record.first_seen);
        self.last_used = Some(record.last_seen);
        self.warnings = record.warned;
    }

    pub(super) fn to_json(&self) -> Value {
        let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let warnings = self.warnings.iter();
        json!({
            "issuer": self.issuer,
            "id": self.id,
            "kind": self.kind,
            "owner": self.owner,
            "status": match self.standing {
                Standing::Outside => None,
                standing => Some(standing.as_str()),
            },
            "groups": self.groups,
            "environment": self.environment,
            "expires": moment(self.expires),
            "rotated": moment(self.rotated),
            "rotation_overdue": self.overdue,
            "first_used": moment(self.first_used),
            "last_used": moment(self.last_used),
            "warnings": warnings
                .map(|(check, at)| json!({ "check": check, "last": at.to_string() }))
                .collect::<Vec<_>>(),
        })
    }

    /// One text a column; `-` is nothing.
    pub(super) fn cells(&self) -> [String; Self::HEAD.len()] {
        let or_dash = |text: Option<&str>| text.map_or_else(|| "-".to_owned(), printable);
        let rotated = match (self.rotated, self.overdue) {
            (Some(at), true) => format!("{} (overdue)", day(at)),
            (Some(at), false) => day(at),
            (None, _) => "-".to_owned(),
        };
        let owner = match (self.standing, &self.owner) {
            (Standing::Orphan, Some(owner)) => format!("(was {})", printable(owner)),
            (_, owner) => or_dash(owner.as_deref()),
        };
        let groups = self.groups.join(" ");
        let warnings = self.warnings.iter();
        let warnings: Vec<String> = warnings
            .map(|(check, at)| format!("{} {}", printable(check), second(*at)))
            .collect();
        [
            printable(&self.issuer),
            printable(&self.id),
            printable(&self.kind),
            owner,
            self.standing.as_str().to_owned(),
            or_dash((!groups.is_empty()).then_some(groups.as_str())),
            or_dash(self.environment.as_deref()),
            self.expires.map_or_else(|| "never".to_owned(), day),
            rotated,
            self.last_used.map_or_else(|| "never".to_owned(), second),
            if warnings.is_empty() {
                "-".to_owned()
            } else {
                warnings.join(", ")
            },
        ]
    }
}

/// `2027-01-31` for midnight, and otherwise the second.
fn day(at: Timestamp) -> String {
    let text = second(at);
    match text.strip_suffix("T00:00:00Z") {
        Some(day) => day.to_owned(),
        None => text,
    }
}

fn second(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.')
        .map_or_else(|| text.clone(), |(second, _)| format!("{second}Z"))
}

/// Most characters of a cell: one long id would push the columns of all rows off the screen. `--json` has all of it.
const MAX_CELL: usize = 96;

/// Ids come from tokens: a terminal is given nothing that it would obey, and nothing that reorders what is read.
fn printable(text: &str) -> String {
    let misleads = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut rest = text.chars().map(|c| {
        if misleads(c) {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    });
    let mut shown: String = rest.by_ref().take(MAX_CELL).collect();
    if rest.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(issuer: &str, id: &str, kind: &str, owner: Option<&str>) -> SeenRecord {
        SeenRecord {
            issuer: issuer.to_owned(),
            id: id.to_owned(),
            kind: kind.to_owned(),
            owner: owner.map(ToOwned::to_owned),
            registered: false,
            first_seen: Timestamp::from_seconds(1_795_298_401),
            last_seen: Timestamp::from_seconds(1_795_298_402),
            warned: BTreeMap::from([("nhi1-unregistered".to_owned(), Timestamp::from_seconds(0))]),
        }
    }

    #[test]
    fn who_was_seen_and_is_not_registered_is_an_orphan_unregistered_or_none_of_the_registrys_business()
     {
        for (kind, owner, registered, status) in [
            ("service", None, false, "unregistered"),
            // An API key has an owner, whether its identity is registered or not.
            ("service", Some("alice"), false, "unregistered"),
            ("agent", Some("alice"), true, "orphan"),
            ("human", None, false, "-"),
            ("client", None, false, "-"),
            ("workload", None, false, "-"),
        ] {
            let record = SeenRecord {
                registered,
                ..record("corp", "x", kind, owner)
            };
            assert_eq!(Row::seen(record).cells()[4], status, "{kind}");
        }
        let unregistered = Row::seen(record("partners", "x", "service", Some("alice")));
        assert_eq!(unregistered.cells()[3], "alice");
        let orphan = Row::seen(SeenRecord {
            registered: true,
            ..record("corp", "x", "agent", Some("alice"))
        });
        assert_eq!(orphan.cells()[3], "(was alice)");
        assert_eq!(orphan.cells()[9], "2026-11-21T22:00:02Z");
        assert_eq!(orphan.cells()[10], "nhi1-unregistered 1970-01-01T00:00:00Z");
    }

    #[test]
    fn a_terminal_is_given_nothing_that_it_obeys() {
        let cells = Row::seen(record("corp", "a\u{1b}[2J\u{202e}b\n", "human", None)).cells();
        assert_eq!(cells[1], "a\u{fffd}[2J\u{fffd}b\u{fffd}");
    }

    #[test]
    fn one_long_id_does_not_push_the_others_off_the_screen() {
        for (length, shown) in [(96, 96), (97, 97), (1024, 97)] {
            let cells = Row::seen(record("corp", &"é".repeat(length), "human", None)).cells();
            assert_eq!(cells[1].chars().count(), shown, "{length}");
            assert_eq!(cells[1].ends_with('…'), length > 96);
        }
    }

    #[test]
    fn dates_are_short() {
        assert_eq!(day(Timestamp::parse("2027-01-31").unwrap()), "2027-01-31");
        let noon = Timestamp::parse("2027-01-31T12:00:00Z").unwrap();
        assert_eq!(day(noon), "2027-01-31T12:00:00Z");
    }
}
