//! What expressions over a token gave, checked: an identity has bounds, whatever a provider's mapping says.

use std::sync::Arc;

use super::payload::{MAX_TEXT, is_fit};
use super::refusal;
use crate::model::party::Kind;
use crate::model::value::Value;
use crate::model::verdict::Denial;

/// Most scopes of a token.
const MAX_SCOPES: usize = 256;
/// Most groups of a subject.
const MAX_GROUPS: usize = 1_000;

/// What the mapping of a token gave.
#[derive(Debug)]
pub(super) struct Mapped {
    pub(super) id: Arc<str>,
    pub(super) kind: Kind,
    pub(super) groups: Vec<Arc<str>>,
    pub(super) scope: Vec<Arc<str>>,
}

pub(super) fn id(value: &Value) -> Result<Arc<str>, Denial> {
    let refuse = || {
        refusal::claims(format!(
            "the mapping of `id` gave no text of 1 to {MAX_TEXT} bytes"
        ))
    };
    text(value).ok_or_else(refuse)
}

pub(super) fn kind(value: &Value) -> Result<Kind, Denial> {
    match value.as_str().and_then(|text| text.parse().ok()) {
        Some(kind @ (Kind::Human | Kind::Service | Kind::Agent)) => Ok(kind),
        Some(Kind::Anonymous) | None => Err(refusal::claims(
            "the mapping of `kind` gave none of `human`, `service` and `agent`",
        )),
    }
}

pub(super) fn groups(value: &Value) -> Result<Vec<Arc<str>>, Denial> {
    let refuse = || {
        refusal::claims(format!(
            "the mapping of `groups` gave no list of at most {MAX_GROUPS} texts"
        ))
    };
    texts(value, MAX_GROUPS).ok_or_else(refuse)
}

/// One text with spaces between its scopes (RFC 6749, section 3.3), or a list.
pub(super) fn scope(value: &Value) -> Result<Vec<Arc<str>>, Denial> {
    let scopes = match value {
        Value::String(joined) => {
            let scopes = joined.split(' ').filter(|scope| !scope.is_empty());
            bounded(
                scopes.map(|scope| is_fit(scope).then(|| Arc::from(scope))),
                MAX_SCOPES,
            )
        }
        list => texts(list, MAX_SCOPES),
    };
    let refuse = || {
        refusal::claims(format!(
            "the mapping of `scope` gave no list of at most {MAX_SCOPES} texts"
        ))
    };
    scopes.ok_or_else(refuse)
}

fn text(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) if is_fit(text) => Some(Arc::clone(text)),
        _ => None,
    }
}

fn texts(value: &Value, most: usize) -> Option<Vec<Arc<str>>> {
    match value {
        Value::List(items) => bounded(items.iter().map(text), most),
        _ => None,
    }
}

fn bounded(texts: impl Iterator<Item = Option<Arc<str>>>, most: usize) -> Option<Vec<Arc<str>>> {
    let texts: Vec<Arc<str>> = texts.take(most.saturating_add(1)).collect::<Option<_>>()?;
    (texts.len() <= most).then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(count: usize) -> Value {
        Value::strings(&(0..count).map(|n| n.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn scopes_are_a_text_with_spaces_or_a_list() {
        let read = |value| scope(&value).map(|scopes| scopes.join("|")).ok();
        assert_eq!(read(Value::string("a  b:c ")), Some("a|b:c".into()));
        assert_eq!(read(Value::strings(&["a", "b:c"])), Some("a|b:c".into()));
        assert_eq!(read(Value::string("")), Some(String::new()));
        assert_eq!(read(Value::List([Value::Int(1)].into())), None);
        assert_eq!(read(Value::Null), None);
        assert_eq!(read(Value::string("a\nb")), None);
    }

    #[test]
    fn every_list_has_a_bound() {
        assert!(scope(&strings(MAX_SCOPES)).is_ok());
        assert!(scope(&strings(MAX_SCOPES + 1)).is_err());
        assert!(scope(&Value::string("a ".repeat(MAX_SCOPES + 1))).is_err());
        assert!(groups(&strings(MAX_GROUPS)).is_ok());
        assert!(groups(&strings(MAX_GROUPS + 1)).is_err());
        assert!(groups(&Value::strings(&["x".repeat(MAX_TEXT)])).is_ok());
        assert!(groups(&Value::strings(&["x".repeat(MAX_TEXT + 1)])).is_err());
    }

    #[test]
    fn a_kind_is_one_of_three() {
        for (text, expected) in [
            ("human", Some(Kind::Human)),
            ("service", Some(Kind::Service)),
            ("agent", Some(Kind::Agent)),
        ] {
            assert_eq!(kind(&Value::string(text)).ok(), expected);
        }
        for bad in [
            Value::string("anonymous"),
            Value::string("Human"),
            Value::string(""),
            Value::Bool(true),
        ] {
            assert!(kind(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_id_can_break_neither_a_header_nor_a_log() {
        for bad in [
            "",
            "a\r\nx-admin: 1",
            "a\u{85}b",
            "a\0",
            &"x".repeat(MAX_TEXT + 1),
        ] {
            assert!(id(&Value::string(bad)).is_err(), "{bad:?}");
        }
        assert!(id(&Value::Int(7)).is_err());
        assert!(id(&Value::string("Zoë 😀")).is_ok());
    }
}
