//! Lines, byte for byte: programs read them.

use std::time::Duration;

use super::records::{largest, line};
use super::{bare, decision, denied, grant, party};
use crate::audit::{AdminEvent, By, admin, record};
use crate::model::approval::{ApprovalFacts, ApprovalId, Ticket};
use crate::model::decision::{Decision, Spent};
use crate::model::name::RuleId;
use crate::model::party::{Kind, Parties, Party};
use crate::model::reason::FaultCode;
use crate::model::risk::Risk;
use crate::model::time::Timestamp;
use crate::model::verdict::{Constraints, Fault, Grant, Verdict};

/// Every kind of character that a line treats in its own way.
const ODD: &str = "é\u{1}\"\\\n\u{202e}\u{9b}\u{7f}🦀\t\r\u{8}\u{c}/ Bearer 0123456789abcdefgh eyJhbGciOiJFUzI1NiJ9.e30 eyJ ";

/// A grant that does nothing to the request, seen by a gateway, with an approval and no signal that adds anything.
fn plain() -> Decision {
    let mut plain = decision("0198c0de-0000-7000-8000-000000000001", grant());
    plain.verdict = Verdict::Allow(Grant {
        permits: vec![RuleId::new("crm-team").unwrap()],
        constraints: Constraints::default(),
        approval: Some(ApprovalFacts {
            id: ApprovalId::parse("apr_AAAAAAAAAAAAAAAAAAAAAA").unwrap(),
            uses_left: 0,
            approvers: vec![],
        }),
    });
    plain.gateway = Some("spiffe://example.org/edge".into());
    plain.risk = Some(Risk::default());
    plain.spent = Spent {
        total: Duration::MAX,
        identity: Duration::from_micros(1_234_567_890),
        policy: Duration::ZERO,
    };
    plain
}

fn waiting() -> Decision {
    let ticket = Ticket {
        id: Some(ApprovalId::parse("apr_AAAAAAAAAAAAAAAAAAAAAA").unwrap()),
        rule: Some(RuleId::new("four-eyes").unwrap()),
        expires: None,
        url: None,
        status_url: None,
    };
    decision("d-5", Verdict::Pending(ticket))
}

/// Nobody known, at moments that no calendar of four digits has.
fn nobody(millis: i64) -> Decision {
    let mut nobody = bare(ODD, Verdict::Fault(Fault::new(FaultCode::Internal, ODD)));
    nobody.at = Timestamp::from_millis(millis);
    nobody.parties = Some(Parties::alone(Party {
        owner: Some(ODD.into()),
        ..Party::anonymous()
    }));
    nobody
}

fn changes() -> [AdminEvent<'static>; 2] {
    let by = By {
        name: Some("ops"),
        method: "token",
        id: Some("corp/carol"),
        actor: Some("corp/bot"),
    };
    let whole = AdminEvent {
        at: Timestamp::from_millis(-1),
        action: "revoke",
        target: Some("corp/alice"),
        by,
        result: "applied",
        reason: Some(ODD),
        expires: Some(Timestamp::from_millis(1_795_298_401_250)),
    };
    let by = By {
        name: None,
        method: "none",
        id: None,
        actor: None,
    };
    let least = AdminEvent {
        target: None,
        by,
        reason: None,
        expires: None,
        ..whole
    };
    [whole, least]
}

fn lines() -> String {
    let mut anonymous = decision("d-6", denied(ODD));
    anonymous.parties = Some(Parties::alone(party(Kind::Service, ODD)));
    let decisions = [
        decision("d-1", grant()),
        plain(),
        largest(&ODD.repeat(100)),
        largest(ODD),
        bare("d-4", denied("needs `crm:read`")),
        waiting(),
        anonymous,
        nobody(i64::MAX),
        nobody(i64::MIN),
        nobody(-62_167_219_200_001),
        nobody(253_402_300_800_000),
    ];
    let mut lines: String = decisions.iter().map(line).collect();
    let mut others = Vec::new();
    for verdict in [denied(ODD), grant()] {
        record::shadow(&plain(), &verdict, &mut others);
    }
    for change in changes() {
        admin::admin(&change, &mut others);
    }
    lines.push_str(&String::from_utf8(others).unwrap());
    lines
}

#[test]
fn lines_stay_what_they_are() {
    let golden = include_str!("golden.jsonl");
    for (line, golden) in lines().lines().zip(golden.lines()) {
        assert_eq!(line, golden);
    }
    assert!(lines() == golden, "a line more, or one less");
}
