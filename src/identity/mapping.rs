//! How claims become an identity: four expressions over the token's payload. One that errors refuses the credential.

use std::sync::Arc;

use super::payload::{MAX_TEXT, Payload, is_fit};
use super::preset::Preset;
use super::refusal;
use super::spec::MapSpec;
use super::token_type;
use crate::expression::Expression;
use crate::model::finding::Finding;
use crate::model::party::Kind;
use crate::model::schema::{Field, Object, Schema};
use crate::model::value::{Type, Value};
use crate::model::verdict::Denial;

/// Most scopes of a token.
pub(super) const MAX_SCOPES: usize = 256;
/// Most groups of a subject.
pub(super) const MAX_GROUPS: usize = 1_000;

/// The compiled expressions.
#[derive(Debug)]
pub(super) struct Mapping {
    /// Whether a token is an access token, where its type alone does not say so.
    accepts: Option<Expression>,
    id: Expression,
    kind: Expression,
    groups: Expression,
    scope: Expression,
}

/// What the expressions make of a token.
#[derive(Debug)]
pub(super) struct Mapped {
    pub(super) id: Arc<str>,
    pub(super) kind: Kind,
    pub(super) groups: Vec<Arc<str>>,
    pub(super) scope: Vec<Arc<str>>,
}

impl Mapping {
    /// Compiles what the user wrote, and what `preset` says about the rest; paths of findings start at the provider.
    pub(super) fn compile(spec: MapSpec, preset: &Preset) -> Result<Self, Vec<Finding>> {
        let MapSpec {
            id,
            kind,
            groups,
            scope,
        } = spec;
        let schema = schema();
        let mut findings = Vec::new();
        let mut one = |name: &'static str, written: Option<String>, default: &str, of: &Type| {
            let source = written.as_deref().unwrap_or(default);
            let errors = match Expression::compile(source, &schema, of) {
                Ok(compiled) => return Some(compiled),
                Err(errors) => errors.into_iter(),
            };
            findings.extend(errors.map(|error| error.into_finding().under(name).under("map")));
            None
        };
        let texts = Type::List(Box::new(Type::String));
        let accepts = preset
            .accepts
            .map(|source| one("preset", None, source, &Type::Bool));
        let id = one("id", id, preset.id, &Type::String);
        let kind = match (kind, preset.kind) {
            (None, None) => Err(kind_is_missing()),
            (kind, default) => Ok(one(
                "kind",
                kind,
                default.unwrap_or_default(),
                &Type::String,
            )),
        };
        let groups = one("groups", groups, preset.groups, &texts);
        let scope = one("scope", scope, preset.scope, &Type::Dyn);
        let kind = kind.unwrap_or_else(|finding| {
            findings.push(finding);
            None
        });
        let accepts = accepts.map_or(Some(None), |accepts| accepts.map(Some));
        match (accepts, id, kind, groups, scope) {
            (Some(accepts), Some(id), Some(kind), Some(groups), Some(scope)) => Ok(Self {
                accepts,
                id,
                kind,
                groups,
                scope,
            }),
            _ => Err(findings),
        }
    }

    /// Maps a token whose standard claims were checked.
    pub(super) fn apply(&self, payload: Payload<'_>) -> Result<Mapped, Denial> {
        if let Some(accepts) = &self.accepts
            && evaluate("preset", accepts, payload)? != Value::Bool(true)
        {
            return Err(token_type::refuse(
                "the preset does not take it for an access token".into(),
            ));
        }
        Ok(Mapped {
            id: id(&evaluate("id", &self.id, payload)?)?,
            kind: kind(&evaluate("kind", &self.kind, payload)?)?,
            groups: groups(&evaluate("groups", &self.groups, payload)?)?,
            scope: scope(&evaluate("scope", &self.scope, payload)?)?,
        })
    }
}

/// `claims`: whatever the token has; `sub` and `iss` are checked before anything is mapped.
fn schema() -> Schema {
    let known = ["sub", "iss"].map(|name| (name, Field::always(Type::String)));
    let claims = Object {
        open: Some(Type::Dyn),
        ..Object::of(known)
    };
    Schema::new(Object::of([("claims", Field::object(claims))]))
}

fn kind_is_missing() -> Finding {
    let message = "`map.kind` is missing: say what kind of identity a token's subject is";
    Finding::error("missing-kind", message)
        .help("write an expression such as `'\"human\"'`, or name a `preset`")
}

fn evaluate(name: &str, expression: &Expression, payload: Payload<'_>) -> Result<Value, Denial> {
    let failed = |error| refusal::claims(format!("the mapping of `{name}` failed: {error}"));
    expression.evaluate(&payload).map_err(failed)
}

fn id(value: &Value) -> Result<Arc<str>, Denial> {
    let refuse = || {
        refusal::claims(format!(
            "the mapping of `id` gave no text of 1 to {MAX_TEXT} bytes"
        ))
    };
    text(value).ok_or_else(refuse)
}

fn kind(value: &Value) -> Result<Kind, Denial> {
    match value.as_str().and_then(|text| text.parse().ok()) {
        Some(kind @ (Kind::Human | Kind::Service | Kind::Agent)) => Ok(kind),
        Some(Kind::Anonymous) | None => Err(refusal::claims(
            "the mapping of `kind` gave none of `human`, `service` and `agent`",
        )),
    }
}

fn groups(value: &Value) -> Result<Vec<Arc<str>>, Denial> {
    let refuse = || {
        refusal::claims(format!(
            "the mapping of `groups` gave no list of at most {MAX_GROUPS} texts"
        ))
    };
    texts(value, MAX_GROUPS).ok_or_else(refuse)
}

/// One text with spaces between its scopes (RFC 6749, section 3.3), or a list.
fn scope(value: &Value) -> Result<Vec<Arc<str>>, Denial> {
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
