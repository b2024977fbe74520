//! Dynamic metadata of every answer, for Envoy's access log and its later filters (namespace
//! `envoy.filters.http.ext_authz`).
//!
//! Always there: `decision_id`, `verdict`, `reason`, `policy_version`. There where known: `rule`, `route`, `action`,
//! `subject`, `actor` (parties as `issuer/id`, the actor only when it is not the subject), `workload`, `warnings` (codes of
//! the checks of identities' lives), `risk` (the score, a number), `approval` (the id of the one that is waited for or was
//! used). `grant` holds what the policy's own `metadata`
//! constraints set, so that no policy can write over the other keys; only an allow has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, NullValue, Struct, Value as ProtoValue};

use crate::model::decision::Decision;
use crate::model::lifecycle::{Level, Raised};
use crate::model::party::{self, PartyId};
use crate::model::value::Value;
use crate::model::verdict::{
    MAX_METADATA_BYTES as MAX_BYTES, MAX_METADATA_DEPTH as MAX_DEPTH, Verdict,
};

use super::mutation::Unfit;
use super::wire::Wire;

/// Longest text under a key of ours, in bytes; a longer one is cut, and the decision's record has it whole.
const MAX_TEXT: usize = 512;
/// Whole numbers up to here are exact as a double; larger ones are written as text.
const MAX_EXACT: u64 = 1 << 53;

/// A text under a key of ours; a party's id has its issuer in front.
#[derive(Clone, Copy)]
struct Shown<'a> {
    issuer: Option<&'a str>,
    text: &'a str,
}

/// The metadata of a decision that is answered with `verdict`.
pub(super) fn metadata(decision: &Decision, verdict: &Verdict) -> Struct {
    let fields = texts(decision, verdict)
        .into_iter()
        .filter_map(|(key, shown)| Some((key.to_owned(), text_value(cut(shown?.to_string())))));
    let warnings = warnings(&decision.lifecycle).map(|list| ("warnings".to_owned(), list));
    let score = decision.risk.as_ref().map(|risk| int(risk.score().into()));
    let risk = score.map(|score| ("risk".to_owned(), score));
    Struct {
        fields: fields.chain(warnings).chain(risk).collect(),
    }
}

/// Writes what [`metadata`] and [`with_grant`] make of a decision that is answered with its own verdict.
pub(super) fn write(
    wire: &mut Wire<'_>,
    decision: &Decision,
    grant: &BTreeMap<Arc<str>, Value>,
) -> Result<(), Unfit> {
    for (key, shown) in texts(decision, &decision.verdict) {
        if let Some(shown) = shown {
            entry(wire, key, |value| shown.write(value));
        }
    }
    if let Some(list) = warnings(&decision.lifecycle) {
        entry(wire, "warnings", |value| value.fields(&list));
    }
    if let Some(risk) = &decision.risk {
        entry(wire, "risk", |value| {
            value.double(NUMBER_VALUE, risk.score().into());
        });
    }
    if !grant.is_empty() {
        let grant = granted(grant)?;
        entry(wire, "grant", |value| value.fields(&grant));
    }
    Ok(())
}

/// Fields of `google.protobuf.Struct`, of the entries of its map, and of `google.protobuf.Value`.
const FIELDS: u8 = 1;
const KEY: u8 = 1;
const VALUE: u8 = 2;
const NUMBER_VALUE: u8 = 2;
const STRING_VALUE: u8 = 3;

fn entry(wire: &mut Wire<'_>, key: &str, value: impl FnOnce(&mut Wire<'_>)) {
    wire.message(FIELDS, |entry| {
        entry.text(KEY, key);
        entry.message(VALUE, value);
    });
}

/// Every text that is known.
fn texts<'a>(
    decision: &'a Decision,
    verdict: &'a Verdict,
) -> [(&'static str, Option<Shown<'a>>); 11] {
    let parties = decision.parties.as_ref();
    let actor = parties.and_then(|parties| parties.actor.as_ref());
    let action = decision.action.as_ref();
    let workload = decision.workload.as_ref();
    [
        ("decision_id", Some(Shown::text(decision.id.as_str()))),
        ("verdict", Some(Shown::text(verdict.as_str()))),
        ("reason", Some(Shown::text(verdict.reason()))),
        ("rule", verdict.rule().map(|id| Shown::text(id.as_str()))),
        (
            "route",
            decision
                .route
                .as_ref()
                .map(|it| Shown::text(it.id.as_str())),
        ),
        ("action", action.map(|(id, _)| Shown::text(id.as_str()))),
        ("subject", parties.map(|it| Shown::party(&it.subject.id))),
        ("actor", actor.map(|actor| Shown::party(&actor.id))),
        ("workload", workload.map(|id| Shown::text(id.as_str()))),
        ("approval", approval(verdict).map(Shown::text)),
        (
            "policy_version",
            Some(Shown::text(&decision.policy_version)),
        ),
    ]
}

impl<'a> Shown<'a> {
    const fn text(text: &'a str) -> Self {
        Self { issuer: None, text }
    }

    fn party(id: &'a PartyId) -> Self {
        match &id.issuer {
            Some(issuer) => Self {
                issuer: Some(issuer.as_str()),
                text: &id.id,
            },
            None => Self::text(party::Kind::Anonymous.as_str()),
        }
    }

    fn write(self, wire: &mut Wire<'_>) {
        match self {
            Self { issuer: None, text } if text.len() <= MAX_TEXT => wire.text(STRING_VALUE, text),
            Self {
                issuer: Some(issuer),
                text,
            } if issuer.len() + 1 + text.len() <= MAX_TEXT => {
                wire.pieces(STRING_VALUE, &[issuer, "/", text]);
            }
            Self { .. } => wire.text(STRING_VALUE, &cut(self.to_string())),
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.issuer {
            Some(issuer) => write!(f, "{issuer}/{}", self.text),
            None => f.write_str(self.text),
        }
    }
}

/// The approval that the request waits for, or that it has used.
fn approval(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Allow(grant) => Some(grant.approval.as_ref()?.id.as_str()),
        Verdict::Pending(ticket) => Some(ticket.id.as_ref()?.as_str()),
        Verdict::Deny(_) | Verdict::Fault(_) => None,
    }
}

/// Each check that warned, once: there are not many checks.
fn warnings(raised: &[Raised]) -> Option<ProtoValue> {
    let warned = raised.iter().filter(|raised| raised.level == Level::Warn);
    let codes: BTreeSet<&str> = warned.map(|raised| raised.check.as_str()).collect();
    let values = codes.into_iter().map(|code| text_value(code.to_owned()));
    let values: Vec<ProtoValue> = values.collect();
    (!values.is_empty()).then(|| value(Kind::ListValue(ListValue { values })))
}

/// The metadata of an allow: [`metadata`] and the grant's own. Too much of it is unfit rather than cut, because a
/// later filter may rely on it.
pub(super) fn with_grant(
    mut metadata: Struct,
    grant: &BTreeMap<Arc<str>, Value>,
) -> Result<Struct, Unfit> {
    if !grant.is_empty() {
        metadata.fields.insert("grant".to_owned(), granted(grant)?);
    }
    Ok(metadata)
}

fn granted(grant: &BTreeMap<Arc<str>, Value>) -> Result<ProtoValue, Unfit> {
    let mut budget = MAX_BYTES;
    struct_value(grant, MAX_DEPTH, &mut budget).ok_or(Unfit)
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

const fn value(kind: Kind) -> ProtoValue {
    ProtoValue { kind: Some(kind) }
}

const fn text_value(text: String) -> ProtoValue {
    value(Kind::StringValue(text))
}

fn struct_value(
    entries: &BTreeMap<Arc<str>, Value>,
    depth: usize,
    budget: &mut usize,
) -> Option<ProtoValue> {
    let mut fields = HashMap::with_capacity(entries.len());
    for (name, entry) in entries {
        *budget = budget.checked_sub(name.len())?;
        fields.insert(name.to_string(), proto(entry, depth, budget)?);
    }
    Some(value(Kind::StructValue(Struct { fields })))
}

fn proto(entry: &Value, depth: usize, budget: &mut usize) -> Option<ProtoValue> {
    *budget = budget.checked_sub(8)?;
    let below = depth.checked_sub(1)?;
    Some(match entry {
        Value::Null => value(Kind::NullValue(NullValue::NullValue.into())),
        Value::Bool(truth) => value(Kind::BoolValue(*truth)),
        Value::Int(number) => int(*number),
        Value::Double(number) if number.is_finite() => value(Kind::NumberValue(*number)),
        Value::Double(_) => return None,
        Value::String(text) => {
            *budget = budget.checked_sub(text.len())?;
            text_value(text.to_string())
        }
        Value::Timestamp(moment) => text_value(moment.to_string()),
        Value::List(items) => {
            let items = items.iter().map(|item| proto(item, below, budget));
            let values = items.collect::<Option<_>>()?;
            value(Kind::ListValue(ListValue { values }))
        }
        Value::Map(entries) => struct_value(entries, below, budget)?,
    })
}

fn int(number: i64) -> ProtoValue {
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53, which is checked"
    )]
    if number.unsigned_abs() <= MAX_EXACT {
        value(Kind::NumberValue(number as f64))
    } else {
        text_value(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn grant(entry: Value) -> Option<Kind> {
        let entries = BTreeMap::from([(Arc::from("x"), entry)]);
        let empty = Struct {
            fields: HashMap::new(),
        };
        let whole = with_grant(empty, &entries).ok()?;
        match whole.fields["grant"].kind.clone() {
            Some(Kind::StructValue(grant)) => grant.fields["x"].kind.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_keep_their_meaning() {
        assert_eq!(grant(Value::Int(7)), Some(Kind::NumberValue(7.0)));
        let large = (1 << 53) + 1;
        assert_eq!(
            grant(Value::Int(large)),
            Some(Kind::StringValue(large.to_string()))
        );
        assert_eq!(grant(Value::Bool(true)), Some(Kind::BoolValue(true)));
        let moment = Value::Timestamp(Timestamp::from_seconds(0));
        let text = "1970-01-01T00:00:00.000Z".to_owned();
        assert_eq!(grant(moment), Some(Kind::StringValue(text)));
    }

    #[test]
    fn too_much_of_it_is_unfit() {
        let nested = |depth| {
            (1..depth).fold(Value::List(Arc::from([])), |inner, _| {
                Value::List(Arc::from([inner]))
            })
        };
        assert!(grant(nested(MAX_DEPTH)).is_some());
        assert!(grant(nested(MAX_DEPTH + 1)).is_none());
        assert!(grant(Value::string("a".repeat(MAX_BYTES))).is_none());
        assert!(grant(Value::List(vec![Value::Null; MAX_BYTES / 8].into())).is_none());
        assert!(grant(Value::Double(f64::NAN)).is_none());
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = cut("é".repeat(MAX_TEXT));
        assert_eq!(text.len(), MAX_TEXT);
        assert_eq!(cut(format!("a{text}")).len(), MAX_TEXT - 1);
    }
}
