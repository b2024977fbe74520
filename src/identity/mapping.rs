//! How claims become an identity: expressions over the token's payload. One that errors refuses the credential.

use super::mapped::{self, Mapped};
use super::payload::Payload;
use super::preset::Preset;
use super::reading::Presence;
use super::refusal;
use super::spec::MapSpec;
use super::token_type;
use crate::expression::{Expression, ExpressionError};
use crate::model::finding::Finding;
use crate::model::schema::{Field, Object, Schema};
use crate::model::value::{Type, Value};
use crate::model::verdict::Denial;

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

/// What the expressions may read, and what is wrong with them so far.
struct Compiler {
    schema: Schema,
    findings: Vec<Finding>,
}

impl Mapping {
    /// Compiles what the user wrote, and what `preset` says about the rest; paths of findings start at the provider.
    /// `issuer` says whether every credential has `iss`.
    pub(super) fn compile(
        spec: MapSpec,
        preset: &Preset,
        issuer: Presence,
    ) -> Result<Self, Vec<Finding>> {
        let MapSpec {
            id,
            kind,
            groups,
            scope,
        } = spec;
        let mut compiler = Compiler {
            schema: schema(issuer),
            findings: Vec::new(),
        };
        let texts = Type::List(Box::new(Type::String));
        let source = |written: &Option<String>, default| {
            written.clone().unwrap_or_else(|| String::from(default))
        };
        let id = compiler.one("id", &source(&id, preset.id), &Type::String);
        let kind = match kind.as_deref().or(preset.kind) {
            Some(source) => compiler.one("kind", source, &Type::String),
            None => compiler.refuse(kind_is_missing()),
        };
        let groups = compiler.one("groups", &source(&groups, preset.groups), &texts);
        let scope = compiler.one("scope", &source(&scope, preset.scope), &Type::Dyn);
        let accepts = match preset.accepts {
            Some(source) => compiler.one("preset", source, &Type::Bool).map(Some),
            None => Some(None),
        };
        match (accepts, id, kind, groups, scope) {
            (Some(accepts), Some(id), Some(kind), Some(groups), Some(scope)) => Ok(Self {
                accepts,
                id,
                kind,
                groups,
                scope,
            }),
            _ => Err(compiler.findings),
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
            id: mapped::id(&evaluate("id", &self.id, payload)?)?,
            kind: mapped::kind(&evaluate("kind", &self.kind, payload)?)?,
            groups: mapped::groups(&evaluate("groups", &self.groups, payload)?)?,
            scope: mapped::scope(&evaluate("scope", &self.scope, payload)?)?,
        })
    }
}

impl Compiler {
    fn one(&mut self, name: &str, source: &str, of: &Type) -> Option<Expression> {
        match Expression::compile(source, &self.schema, of) {
            Ok(compiled) => Some(compiled),
            Err(errors) => {
                let findings = errors.into_iter().map(invalid);
                self.findings
                    .extend(findings.map(|finding| finding.under(name).under("map")));
                None
            }
        }
    }

    fn refuse(&mut self, finding: Finding) -> Option<Expression> {
        self.findings.push(finding);
        None
    }
}

/// `claims`: whatever the token has; `sub` is checked before anything is mapped, and so is `iss` where it is required.
fn schema(issuer: Presence) -> Schema {
    let iss = match issuer {
        Presence::Required => Field::always(Type::String),
        Presence::Optional => Field::optional(Type::String),
    };
    let known = [("sub", Field::always(Type::String)), ("iss", iss)];
    let claims = Object {
        open: Some(Type::Dyn),
        ..Object::of(known)
    };
    Schema::new(Object::of([("claims", Field::object(claims))]))
}

fn invalid(error: ExpressionError) -> Finding {
    let ExpressionError {
        message,
        offset,
        help,
    } = error;
    let finding = Finding::error("invalid-expression", message).at(offset);
    Finding { help, ..finding }
}

fn kind_is_missing() -> Finding {
    let message = "`map.kind` is missing: say what kind of identity a token's subject is";
    Finding::error("missing-kind", message)
        .under("kind")
        .under("map")
        .help("write an expression such as `'\"human\"'`, or name a `preset`")
}

fn evaluate(name: &str, expression: &Expression, payload: Payload<'_>) -> Result<Value, Denial> {
    let failed = |error| refusal::claims(format!("the mapping of `{name}` failed: {error}"));
    expression.evaluate(&payload).map_err(failed)
}
