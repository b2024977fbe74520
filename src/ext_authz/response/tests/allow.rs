//! An allow's bytes, compared with the messages that every other answer is made of.

use prost::Message as _;

use super::*;
use crate::model::approval::ApprovalFacts;
use crate::model::decision::DpopFacts;
use crate::model::name::SignalId;
use crate::model::risk::{Risk, Said, Weighed};

type Map = BTreeMap<Arc<str>, String>;

/// Mostly what Envoy can carry out, so that most answers are allows.
fn map(value: &'static str) -> impl Strategy<Value = Map> {
    let name =
        prop_oneof![40 => "[a-z-]{1,6}", 1 => "[A-Z:é]{0,2}", 2 => Just("dpop-nonce".to_owned())];
    let long = (16_000..16_390_usize).prop_map(|length| "v".repeat(length));
    let value = prop_oneof![40 => value.prop_map(|it| it), 1 => "[ -~é\r\n]{0,6}", 2 => long];
    let entries = proptest::collection::btree_map(name.prop_map(Arc::from), value, 0..4);
    prop_oneof![20 => entries, 1 => many()]
}

/// About as many entries as there can be.
fn many() -> impl Strategy<Value = Map> {
    (98..103_usize).prop_map(|count| {
        let names = (0..count).map(|at| Arc::from(format!("x{at}")));
        names.map(|name| (name, "1".to_owned())).collect()
    })
}

fn names() -> impl Strategy<Value = BTreeSet<Arc<str>>> {
    map("x").prop_map(|map| map.into_keys().collect())
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-9.0..9.0).prop_map(Value::Double),
        Just(Value::Double(f64::NAN)),
        ".{0,200}".prop_map(Value::string),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..3);
        let map = proptest::collection::btree_map("[a-z]{1,3}".prop_map(Arc::from), inner, 0..3);
        prop_oneof![
            list.prop_map(|items| Value::List(items.into())),
            map.prop_map(|entries| Value::Map(Arc::new(entries))),
        ]
    })
}

prop_compose! {
    fn constraints()(
        headers in map("[!-~]{0,200}"),
        strip in names(),
        query in map("[ -~]{0,9}"),
        strip_query in names(),
        response_headers in map("[!-~]{0,9}"),
        metadata in prop_oneof![
            3 => Just(BTreeMap::new()),
            1 => proptest::collection::btree_map("[a-z]{1,3}".prop_map(Arc::from), values(), 1..3),
        ],
    ) -> Constraints {
        Constraints { headers, strip, query, strip_query, response_headers, metadata, token: None }
    }
}

/// Texts around every length that matters: of one byte and of two, and where they are cut.
fn lengths() -> impl Strategy<Value = String> {
    let length = prop_oneof![0..20_usize, 110..140_usize, 490..530_usize, Just(20_000)];
    (length, "[a-zé]").prop_map(|(length, letter)| letter.repeat(length))
}

prop_compose! {
    fn decisions()(
        constraints in constraints(),
        [id, subject, version] in [lengths(), lengths(), lengths()],
        anonymous in any::<bool>(),
        acting in any::<bool>(),
        warned in any::<bool>(),
        scored in proptest::option::of(0..90_u8),
        nonce in proptest::option::of(proptest::option::of("[!-~]{1,9}")),
        presented in any::<bool>(),
        approved in any::<bool>(),
        known in any::<bool>(),
    ) -> Decision {
        let mut decision = decision(grant(constraints));
        decision.id = DecisionId::new(id);
        decision.policy_version = Arc::from(version);
        let parties = decision.parties.as_mut().unwrap();
        if anonymous {
            parties.subject = Party::anonymous();
        } else {
            parties.subject.id.id = Arc::from(subject);
        }
        if !acting {
            parties.actor = None;
        }
        if warned {
            let id = parties.subject.id.clone();
            decision.lifecycle = vec![Raised { check: Check::Browser, level: Level::Warn, id }];
        }
        decision.risk = scored.map(|points| Risk {
            signals: vec![Weighed { id: SignalId::new("s").unwrap(), points, said: Said::Holds }],
        });
        decision.dpop = nonce.map(|nonce| DpopFacts {
            presented,
            algorithms: Arc::from("ES256"),
            nonce: nonce.map(String::into_boxed_str),
        });
        if let (true, Verdict::Allow(grant)) = (approved, &mut decision.verdict) {
            grant.approval = Some(ApprovalFacts {
                id: ApprovalId::parse("apr_AAAAAAAAAAAAAAAAAAAAAA").unwrap(),
                uses_left: 1,
                approvers: Vec::new(),
            });
        }
        if !known {
            (decision.route, decision.action, decision.parties) = (None, None, None);
        }
        decision
    }
}

proptest! {
    #[test]
    fn the_bytes_of_an_allow_are_those_of_its_message(decision in decisions()) {
        let mut bytes = b"before".to_vec();
        let encoded = encode_allow(&decision, &mut bytes);
        let message = check_response(&decision);
        prop_assert_eq!(encoded.is_ok(), code(&message) == 0);
        prop_assert!(bytes.starts_with(b"before"));
        if encoded.is_err() {
            prop_assert_eq!(bytes, b"before");
            return Ok(());
        }
        let bytes = bytes.split_off(b"before".len());
        prop_assert_eq!(bytes.len(), message.encoded_len());
        prop_assert_eq!(CheckResponse::decode(bytes.as_slice()).unwrap(), message);
    }
}

#[test]
fn only_an_allow_is_written_as_one() {
    let mut bytes = Vec::new();
    for verdict in [
        Verdict::Deny(Denial::new(Reason::NotPermitted)),
        Verdict::Fault(Fault::new(FaultCode::Internal, "x")),
    ] {
        assert_eq!(encode_allow(&decision(verdict), &mut bytes), Err(Unfit));
    }
    assert!(bytes.is_empty());
    let allow = decision(grant(Constraints::default()));
    encode_allow(&allow, &mut bytes).unwrap();
    assert_eq!(
        CheckResponse::decode(&*bytes).unwrap(),
        check_response(&allow)
    );
}
