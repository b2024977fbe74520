//! Dynamic metadata of every answer, for Envoy's access log and its later filters (namespace
//! `envoy.filters.http.ext_authz`).
//!
//! Always there: `decision_id`, `verdict`, `reason`, `policy_version`. There where known: `rule`, `route`, `action`,
//! `subject`, `actor` (parties as `issuer/id`, the actor only when it is not the subject), `workload`, `warnings` (codes of
//! the checks of identities' lives), `risk` (the score, a number), `approval` (the id of the one that is waited for or was
//! used). `grant` holds what the policy's own `metadata`
//! constraints set, so that no policy can write over the other keys; only an allow has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, NullValue, Struct, Value as ProtoValue};

use crate::model::decision::Decision;
use crate::model::lifecycle::{Level, Raised};
use crate::model::value::Value;
use crate::model::verdict::{
    MAX_METADATA_BYTES as MAX_BYTES, MAX_METADATA_DEPTH as MAX_DEPTH, Verdict,
};

use super::mutation::Unfit;

/// Longest text under a key of ours, in bytes; a longer one is cut, and the decision's record has it whole.
const MAX_TEXT: usize = 512;
/// Whole numbers up to here are exact as a double; larger ones are written as text.
const MAX_EXACT: u64 = 1 << 53;

/// The metadata of a decision that is answered with `verdict`.
pub(super) fn metadata(decision: &Decision, verdict: &Verdict) -> Struct {
    let parties = decision.parties.as_ref();
    let actor = parties.and_then(|parties| parties.actor.as_ref());
    let entries = [
        ("decision_id", Some(decision.id.to_string())),
        ("verdict", Some(verdict.as_str().to_owned())),
        ("reason", Some(verdict.reason().to_owned())),
        ("rule", verdict.rule().map(ToString::to_string)),
        (
            "route",
            decision.route.as_ref().map(|route| route.id.to_string()),
        ),
        (
            "action",
            decision.action.as_ref().map(|(id, _)| id.to_string()),
        ),
        (
            "subject",
            parties.map(|parties| parties.subject.id.to_string()),
        ),
        ("actor", actor.map(|actor| actor.id.to_string())),
        (
            "workload",
            decision.workload.as_ref().map(ToString::to_string),
        ),
        ("approval", approval(verdict)),
        ("policy_version", Some(decision.policy_version.to_string())),
    ];
    let fields = entries
        .into_iter()
        .filter_map(|(key, text)| Some((key.to_owned(), text_value(cut(text?)))));
    let warnings = warnings(&decision.lifecycle).map(|list| ("warnings".to_owned(), list));
    let score = decision.risk.as_ref().map(|risk| int(risk.score().into()));
    let risk = score.map(|score| ("risk".to_owned(), score));
    Struct {
        fields: fields.chain(warnings).chain(risk).collect(),
    }
}

/// The approval that the request waits for, or that it has used.
fn approval(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Allow(grant) => grant.approval.as_ref().map(|facts| facts.id.to_string()),
        Verdict::Pending(ticket) => ticket.id.as_ref().map(ToString::to_string),
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
        let mut budget = MAX_BYTES;
        let value = struct_value(grant, MAX_DEPTH, &mut budget).ok_or(Unfit)?;
        metadata.fields.insert("grant".to_owned(), value);
    }
    Ok(metadata)
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
