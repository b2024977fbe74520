//! What a line says, and what it never says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{JWT, SECRET, bare, decision, denied, grant, party};
use crate::audit::{record, spec};
use crate::model::approval::{ApprovalFacts, ApprovalId, Ticket};
use crate::model::decision::{ArgumentFacts, Decision, RequestFacts};
use crate::model::lifecycle::{Check, Level, Raised};
use crate::model::name::{ActionId, ProviderName, RouteId, RuleId, SignalId};
use crate::model::party::{Kind, Parties, Party};
use crate::model::reason::{FaultCode, Reason};
use crate::model::risk::{Risk, Said, Weighed};
use crate::model::route::Tier;
use crate::model::rpc::{RpcFacts, RpcKind};
use crate::model::spiffe::SpiffeId;
use crate::model::value::Value;
use crate::model::verdict::{Constraints, Denial, Fault, Grant, Remedy, TokenDemand, Verdict};

pub(super) fn line(decision: &Decision) -> String {
    let mut line = Vec::new();
    record::decision(decision, &mut line);
    String::from_utf8(line).unwrap()
}

fn json(decision: &Decision) -> Json {
    serde_json::from_str(&line(decision)).unwrap()
}

#[test]
fn a_record_says_who_asked_for_what_and_how_it_ended() {
    let expected = json!({
        "type": "decision", "time": "2026-11-21T22:00:01.250Z", "decision_id": "d-1",
        "verdict": "allow", "reason": "permitted", "rule": "crm-team",
        "permits": ["crm-team", "crm-agents"],
        "request": {"id": "r-1", "method": "GET", "host": "api.example.com", "path": "/v1/secrets/db"},
        "route": "platform-api", "action": "secrets.read", "tier": "critical",
        "subject": {"kind": "human", "issuer": "corp", "id": "alice"},
        "actor": {"kind": "agent", "issuer": "corp", "id": "crm-bot", "owner": "bob"},
        "delegation_depth": 1,
        "credential": {"provider": "corp", "token_id": "t-1", "issued": "2026-11-21T22:00:00.000Z",
            "expires": "2026-11-21T22:05:00.000Z", "key": "k-1"},
        "workload": "spiffe://example.org/crm/bot",
        "constraints": {"headers": ["x-user"], "strip": ["authorization"], "query": ["limit"],
            "strip_query": ["debug"], "response_headers": ["x-note"], "metadata": ["cost"]},
        "policy_version": "v1",
        "duration_us": {"total": 90, "identity": 60, "policy": 20},
    });
    assert_eq!(json(&decision("d-1", grant())), expected);
}

#[test]
fn a_refusal_says_remedy_and_cause_and_what_is_unknown_is_left_out() {
    let remedy = Remedy::Scope {
        missing: vec![Arc::from("crm:read")],
        needed: vec![Arc::from("crm:read")],
    };
    let denial = Denial::new(Reason::InsufficientScope).with(remedy);
    let record = json(&bare(
        "d-2",
        Verdict::Deny(denial.because("needs `crm:read`")),
    ));
    assert_eq!(record["remedy"], "scope");
    assert_eq!(record["cause"], "needs `crm:read`");
    for absent in [
        "request",
        "route",
        "action",
        "subject",
        "actor",
        "credential",
        "workload",
        "rule",
    ] {
        assert_eq!(record.get(absent), None, "{absent}");
    }
    let mut anonymous = bare(
        "d-3",
        Verdict::Fault(Fault::new(FaultCode::Internal, "panic")),
    );
    anonymous.parties = Some(Parties::alone(Party::anonymous()));
    let record = json(&anonymous);
    assert_eq!(record["subject"], json!({"kind": "anonymous"}));
    assert_eq!(
        (&record["verdict"], &record["cause"]),
        (&json!("fault"), &json!("panic"))
    );
}

#[test]
fn a_record_says_what_was_warned_about_whom_and_not_what_denied() {
    let raised = |check, level| Raised {
        check,
        level,
        id: party(Kind::Agent, "crm-bot").id,
    };
    let mut warned = decision("d-1", grant());
    warned.lifecycle = vec![
        raised(Check::RotationOverdue, Level::Warn),
        raised(Check::Offboarded, Level::Deny),
    ];
    assert_eq!(
        json(&warned)["warnings"],
        json!([{"check": "nhi7-rotation-overdue", "issuer": "corp", "id": "crm-bot"}])
    );
}

#[test]
fn a_record_says_what_was_asked_and_which_signals_added_to_its_risk() {
    let signal = |id: &str, points, said| Weighed {
        id: SignalId::new(id).unwrap(),
        points,
        said,
    };
    let failed = Said::Failed(format!("`args.{SECRET}` is absent"));
    let mut asked = decision("d-1", grant());
    asked.rpc = Some(RpcFacts {
        kind: RpcKind::Notification,
        revision: None,
        elicits_url: false,
        method: Some(Arc::from("tools/call")),
        name: Some(Arc::from("export")),
    });
    asked.arguments = Some(ArgumentFacts {
        names: vec![Arc::from("rows")],
        digest: Some([0; 32]),
    });
    asked.risk = Some(Risk {
        signals: vec![
            signal("a", 30, Said::Holds),
            signal("b", 20, Said::Not),
            signal("c", 80, failed),
        ],
    });
    let record = json(&asked);
    let expected = json!({ "method": "tools/call", "name": "export" });
    assert_eq!(record["message"], expected);
    let read = |uri: &str| {
        let mut asked = decision("d-1", grant());
        asked.rpc = Some(RpcFacts {
            kind: RpcKind::Notification,
            revision: None,
            elicits_url: false,
            method: Some(Arc::from("resources/read")),
            name: Some(Arc::from(uri)),
        });
        json(&asked)["message"]["name"].clone()
    };
    for uri in ["https://a.test/b?key=s3cret", "https://a.test/b#s3cret"] {
        assert_eq!(read(uri), json!("https://a.test/b"));
    }
    assert_eq!(record["args"], json!(["rows"]));
    assert_eq!(record["args_digest"], json!("A".repeat(43)));
    let signals = json!([{ "id": "a", "add": 30 }, { "id": "c", "add": 80, "failed": true }]);
    assert_eq!(record["risk"], json!({ "score": 100, "signals": signals }));
    assert!(!line(&asked).contains(SECRET));
}

#[test]
fn a_record_says_which_approval_was_used_or_is_waited_for() {
    let id = ApprovalId::parse("apr_AAAAAAAAAAAAAAAAAAAAAA").unwrap();
    let mut used = decision("d-1", grant());
    let Verdict::Allow(granted) = &mut used.verdict else {
        panic!("an allow");
    };
    granted.approval = Some(ApprovalFacts {
        id: id.clone(),
        uses_left: 2,
        approvers: vec![party(Kind::Human, "carol").id],
    });
    let expected = json!({
        "id": "apr_AAAAAAAAAAAAAAAAAAAAAA",
        "uses_left": 2,
        "approvers": [{ "issuer": "corp", "id": "carol" }],
    });
    assert_eq!(json(&used)["approval"], expected);
    let ticket = |id| Ticket {
        id,
        rule: None,
        expires: None,
        url: None,
        status_url: None,
    };
    let waiting = decision("d-2", Verdict::Pending(ticket(Some(id))));
    let expected = json!({ "id": "apr_AAAAAAAAAAAAAAAAAAAAAA" });
    assert_eq!(json(&waiting)["approval"], expected);
    let unopened = decision("d-3", Verdict::Pending(ticket(None)));
    assert!(json(&unopened).get("approval").is_none());
}

#[test]
fn no_value_that_may_be_secret_is_in_a_record() {
    let text = line(&decision("d-1", grant()));
    assert!(!text.contains("s3cret"), "{text}");

    let mut careless = decision("d-2", denied(&format!("got `Bearer {SECRET}` and {JWT}")));
    let request = careless.request.as_mut().unwrap();
    request.id = Some(JWT.into());
    request.path = format!("/reset/{JWT}");
    careless.parties = Some(Parties::alone(party(Kind::Human, JWT)));
    Arc::make_mut(&mut careless.credential.as_mut().unwrap().1).id = Some(Arc::from(JWT));
    let text = line(&careless);
    assert!(!text.contains("eyJ") && !text.contains("s3cret"), "{text}");
    assert!(text.contains("/reset/[redacted]"), "{text}");
}

/// A decision with as much of everything as there can be, and more.
pub(super) fn largest(long: &str) -> Decision {
    let shared: Arc<str> = Arc::from(long);
    let name = "n".repeat(128);
    let many = |value: &str| -> BTreeMap<Arc<str>, String> {
        (0..100)
            .map(|n| (Arc::from(format!("{n}{long}")), value.to_owned()))
            .collect()
    };
    let issuer = ProviderName::new(&name).unwrap();
    let mut worst = party(Kind::Anonymous, long);
    worst.id.issuer = Some(issuer.clone());
    worst.owner = Some(Arc::clone(&shared));
    let keys = |map: &BTreeMap<Arc<str>, String>| map.keys().cloned().collect();
    let constraints = Constraints {
        headers: many("v"),
        strip: keys(&many("v")),
        query: many("v"),
        strip_query: keys(&many("v")),
        response_headers: many("v"),
        metadata: many("v")
            .into_keys()
            .map(|key| (key, Value::Null))
            .collect(),
        token: Some(TokenDemand {
            audience: Arc::clone(&shared),
            scope: keys(&many("v")),
            ttl: Duration::from_secs(30),
        }),
    };
    let permits = vec![RuleId::new(&name).unwrap(); 2];
    let mut large = decision(
        long,
        Verdict::Allow(Grant {
            permits,
            constraints,
            approval: Some(ApprovalFacts {
                id: ApprovalId::parse("apr_AAAAAAAAAAAAAAAAAAAAAA").unwrap(),
                uses_left: u32::MAX,
                approvers: vec![worst.id.clone(); 20],
            }),
        }),
    );
    large.request = Some(RequestFacts {
        id: Some(long.to_owned()),
        method: long.to_owned(),
        host: long.to_owned(),
        path: long.to_owned(),
    });
    large.route.as_mut().unwrap().id = RouteId::new(&name).unwrap();
    large.action = Some((ActionId::new(&name).unwrap(), Tier::Critical));
    large.parties = Some(Parties {
        subject: worst.clone(),
        actor: Some(worst),
        depth: usize::MAX,
        prior: Vec::new(),
    });
    let token = Arc::make_mut(&mut large.credential.as_mut().unwrap().1);
    (token.id, token.key) = (Some(Arc::clone(&shared)), Some(Arc::clone(&shared)));
    large.credential.as_mut().unwrap().0 = issuer;
    large.policy_version = shared;
    large.workload = SpiffeId::parse(&format!("spiffe://a/{}", "a".repeat(2000)));
    large.lifecycle = vec![
        Raised {
            check: Check::RotationOverdue,
            level: Level::Warn,
            id: large.parties.as_ref().unwrap().subject.id.clone(),
        };
        100
    ];
    ask_much(&mut large, long);
    large
}

/// What was asked, as long as it can be.
fn ask_much(large: &mut Decision, long: &str) {
    large.rpc = Some(RpcFacts {
        kind: RpcKind::Notification,
        revision: None,
        elicits_url: false,
        method: Some(Arc::from(long)),
        name: Some(Arc::from(long)),
    });
    large.arguments = Some(ArgumentFacts {
        names: vec![Arc::from(long); 100],
        digest: Some([255; 32]),
    });
    large.risk = Some(Risk {
        signals: vec![
            Weighed {
                id: SignalId::new(&"n".repeat(128)).unwrap(),
                points: 100,
                said: Said::Failed(long.to_owned()),
            };
            100
        ],
    });
}

#[test]
fn a_record_is_one_line_of_bounded_length_whatever_the_request_holds() {
    let long = "\u{1}\"\\\n\u{202e}".repeat(5000);
    let mut large = largest(&long);
    let granted = line(&large);
    large.verdict = Verdict::Deny(
        Denial::new(Reason::StepUpRequired)
            .because(long.clone())
            .by(&RuleId::new(&"n".repeat(128)).unwrap()),
    );
    for text in [granted, line(&large)] {
        assert!(text.len() <= spec::MAX_LINE, "{}", text.len());
        assert_eq!(text.matches('\n').count(), 1);
        assert!(text.contains('…'));
        serde_json::from_str::<Json>(&text).unwrap();
    }
}
