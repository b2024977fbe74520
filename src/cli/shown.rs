//! What `explain` shows of a message, its arguments and its risk.

use serde_json::{Value, json};

use crate::model::risk::{MAX_SCORE, Risk, Said};
use crate::model::route::Asked;
use crate::model::rpc::RpcFacts;
use crate::model::value::Value as Attribute;

/// The arguments that were decided on. Whoever asks for an explanation has them already.
pub(super) fn arguments(asked: &Asked) -> serde_json::Map<String, Value> {
    let args = asked.args.iter();
    args.map(|(name, value)| (name.to_string(), shown(value)))
        .collect()
}

/// A value as JSON writes it.
fn shown(value: &Attribute) -> Value {
    match value {
        Attribute::Null => Value::Null,
        Attribute::Bool(truth) => json!(truth),
        Attribute::Int(number) => json!(number),
        Attribute::Double(number) => json!(number),
        Attribute::String(text) => json!(text),
        Attribute::Timestamp(moment) => json!(moment.to_string()),
        Attribute::List(items) => items.iter().map(shown).collect(),
        Attribute::Map(entries) => {
            let entries = entries.iter();
            let shown = entries.map(|(name, value)| (name.to_string(), shown(value)));
            Value::Object(shown.collect())
        }
    }
}

/// What the message says that it asks for; it may be nothing that exists, and hold anything.
fn describe_message(rpc: &RpcFacts) -> Option<String> {
    let method = rpc.method.as_ref()?.escape_debug();
    Some(match &rpc.name {
        Some(name) => format!("{method} {}", name.escape_debug()),
        None => method.to_string(),
    })
}

pub(super) fn weighed(risk: &Risk) -> Value {
    let signals = risk.signals.iter().map(|signal| {
        let (outcome, error) = match &signal.said {
            Said::Holds => ("holds", None),
            Said::Not => ("does not hold", None),
            Said::Failed(error) => ("failed", Some(error)),
        };
        json!({ "id": signal.id.as_str(), "add": signal.added(), "outcome": outcome, "error": error })
    });
    json!({ "score": risk.score(), "signals": signals.collect::<Vec<_>>() })
}

/// The score, and a line for each signal.
pub(super) fn describe_risk(risk: &Risk) -> Vec<String> {
    let ids = risk.signals.iter().map(|signal| signal.id.as_str().len());
    let width = ids.max().unwrap_or(0);
    let signals = risk.signals.iter().map(|signal| {
        let added = signal.added();
        let why = match &signal.said {
            Said::Holds => "holds".to_owned(),
            Said::Not => "does not hold".to_owned(),
            Said::Failed(error) => format!("failed, so all its points count: {error}"),
        };
        format!("+{added:<4}{:<width$} {why}", signal.id.as_str())
    });
    std::iter::once(format!("{} of {MAX_SCORE}", risk.score()))
        .chain(signals)
        .collect()
}

/// What was said, by the names of its lines: the message, and each argument.
pub(super) fn said(rpc: Option<&RpcFacts>, asked: Option<&Asked>) -> Vec<(&'static str, String)> {
    let message = rpc.and_then(describe_message);
    let args = asked.map(arguments).unwrap_or_default();
    let args = args
        .iter()
        .map(|(name, value)| ("argument", format!("{name} = {value}")));
    let message = message.map(|text| ("message", text));
    message.into_iter().chain(args).collect()
}
