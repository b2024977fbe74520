//! The schema of attributes: which paths a condition may read on an action, their types, and whether they can be absent.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::name::ConditionName;
use super::route::Action;
use super::suggest::suggest;
use super::value::Type;

/// Whether an attribute is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Always there.
    Always,
    /// There for the parties of some providers; may be read bare, and is an error for the others.
    Sometimes,
    /// May be absent; a condition reads it behind `has()` or `in`.
    Optional,
}

/// A node of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// An attribute that has a value.
    Leaf(Type),
    /// A group of attributes; it has no value of its own.
    Object(Arc<Object>),
}

/// A named attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// What stands there.
    pub shape: Shape,
    /// Whether it is always there.
    pub presence: Presence,
}

/// A group of attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Object {
    /// Its declared members.
    pub fields: BTreeMap<Arc<str>, Field>,
    /// The type of members that are not declared, all optional; `None` if there are none.
    pub open: Option<Type>,
}

/// Why a path cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is no such attribute.
    #[error("there is no attribute `{path}`{}{}", hint(suggestion.as_ref()), list(known))]
    Unknown {
        /// The path up to and with the unknown member.
        path: String,
        /// The member that was probably meant.
        suggestion: Option<String>,
        /// Members that exist there.
        known: Vec<String>,
    },
    /// A member of something that has no members.
    #[error("`{path}` is a {of} and has no members")]
    NotAnObject {
        /// The path of the value.
        path: String,
        /// Its type.
        of: Type,
    },
}

fn hint(suggestion: Option<&String>) -> String {
    suggestion
        .map(|name| format!(", did you mean `{name}`?"))
        .unwrap_or_default()
}

fn list(known: &[String]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!(" (there is: {})", known.join(", "))
    }
}

/// The attributes that a condition may read on one action.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schema {
    root: Arc<Object>,
}

/// What stands at a path: its shape, and the weakest presence of any member on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// What stands there.
    pub shape: Shape,
    /// Whether it is always there.
    pub presence: Presence,
}

impl Schema {
    /// A schema of these root attributes.
    pub fn new(root: Object) -> Self {
        Self {
            root: Arc::new(root),
        }
    }

    /// The same without one of its roots.
    #[must_use]
    pub fn without(&self, root: &str) -> Self {
        let mut rest = Object::clone(&self.root);
        rest.fields.remove(root);
        Self::new(rest)
    }

    /// Finds the attribute at `path`; the error names the first member that does not exist and what was probably meant.
    pub fn resolve(&self, path: &[&str]) -> Result<Resolved, PathError> {
        let mut found = Resolved {
            shape: Shape::Object(Arc::clone(&self.root)),
            presence: Presence::Always,
        };
        for (depth, member) in path.iter().enumerate() {
            let walked = || {
                path.iter()
                    .take(depth + 1)
                    .copied()
                    .collect::<Vec<_>>()
                    .join(".")
            };
            let next = match &found.shape {
                Shape::Object(object) => object
                    .member(member)
                    .ok_or_else(|| object.unknown(member, walked()))?,
                Shape::Leaf(Type::Map(item)) => Field::optional(item.as_ref().clone()),
                Shape::Leaf(Type::Dyn) => Field::optional(Type::Dyn),
                Shape::Leaf(of) => {
                    let path = path
                        .iter()
                        .take(depth)
                        .copied()
                        .collect::<Vec<_>>()
                        .join(".");
                    return Err(PathError::NotAnObject {
                        path,
                        of: of.clone(),
                    });
                }
            };
            found = Resolved {
                shape: next.shape,
                presence: weaker(found.presence, next.presence),
            };
        }
        Ok(found)
    }
}

fn weaker(a: Presence, b: Presence) -> Presence {
    match (a, b) {
        (Presence::Optional, _) | (_, Presence::Optional) => Presence::Optional,
        (Presence::Sometimes, _) | (_, Presence::Sometimes) => Presence::Sometimes,
        (Presence::Always, Presence::Always) => Presence::Always,
    }
}

impl Object {
    fn member(&self, name: &str) -> Option<Field> {
        let declared = self.fields.get(name).cloned();
        declared.or_else(|| self.open.clone().map(Field::optional))
    }

    fn unknown(&self, name: &str, path: String) -> PathError {
        let known: Vec<String> = self.fields.keys().map(ToString::to_string).collect();
        let suggestion = suggest(name, known.iter().map(String::as_str)).map(ToOwned::to_owned);
        PathError::Unknown {
            path,
            suggestion,
            known,
        }
    }

    /// A closed group of these members.
    pub fn of<'a>(fields: impl IntoIterator<Item = (&'a str, Field)>) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, field)| (Arc::from(name), field))
            .collect();
        Self { fields, open: None }
    }
}

impl Field {
    /// A value that is always there.
    pub fn always(of: Type) -> Self {
        Self {
            shape: Shape::Leaf(of),
            presence: Presence::Always,
        }
    }

    /// A value that may be absent.
    pub fn optional(of: Type) -> Self {
        Self {
            shape: Shape::Leaf(of),
            presence: Presence::Optional,
        }
    }

    /// A group that is always there.
    pub fn object(object: Object) -> Self {
        Self {
            shape: Shape::Object(Arc::new(object)),
            presence: Presence::Always,
        }
    }
}

/// A claim that a provider declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimDeclaration {
    /// Its type; a credential whose claim has another type is refused.
    pub of: Type,
    /// Whether a credential without it is refused.
    pub required: bool,
}

/// The claims that one provider declares.
pub type ClaimDeclarations = BTreeMap<Arc<str>, ClaimDeclaration>;

/// The root of what signals add up to; they cannot read it themselves.
pub const RISK: &str = "risk";

/// The attributes that conditions of rules may read on `action`: `providers` are the claims that each provider of
/// its route declares; metadata is readable in the namespaces that the operator trusts; `party` is visible in permits
/// and forbids only.
pub fn of_rules(
    action: &Action,
    providers: &[&ClaimDeclarations],
    conditions: &[ConditionName],
    trusted_metadata: &[Arc<str>],
    party: bool,
) -> Schema {
    let who = party_object(providers);
    let mut fields = request_fields(action, trusted_metadata);
    fields.extend([
        ("subject", Field::object(who.clone())),
        ("actor", Field::object(who.clone())),
        ("delegated", Field::always(Type::Bool)),
        (
            "chain",
            Field::object(Object::of([("depth", Field::always(Type::Int))])),
        ),
        (
            "workload",
            Field::object(Object::of([("id", Field::optional(Type::String))])),
        ),
        ("proof", Field::always(Type::String)),
        (
            RISK,
            Field::object(Object::of([("score", Field::always(Type::Int))])),
        ),
        (
            "conditions",
            Field::object(Object::of(
                conditions
                    .iter()
                    .map(|name| (name.as_str(), Field::always(Type::Bool))),
            )),
        ),
    ]);
    if party {
        fields.push(("party", Field::object(who)));
    }
    Schema::new(Object::of(fields))
}

/// The attributes that a catalogue's `resource.id` may read: the parameters of its own action.
pub fn of_resource(action: &Action) -> Schema {
    let fields = [
        ("params", params_object(action)),
        ("query", query_object(action)),
        ("args", args_object(action)),
    ];
    Schema::new(Object::of(
        fields.map(|(name, object)| (name, Field::object(object))),
    ))
}

fn params_object(action: &Action) -> Object {
    Object {
        fields: action
            .params
            .iter()
            .map(|(k, of)| (Arc::clone(k), Field::always(of.clone())))
            .collect(),
        open: None,
    }
}

fn query_object(action: &Action) -> Object {
    let declared = action.query.iter().map(|(name, parameter)| {
        let of = parameter.of.clone();
        (
            Arc::clone(name),
            if parameter.optional {
                Field::optional(of)
            } else {
                Field::always(of)
            },
        )
    });
    Object {
        fields: declared.collect(),
        open: Some(Type::String),
    }
}

/// Arguments that are not declared cannot be read, whether the action lets them pass or not.
fn args_object(action: &Action) -> Object {
    let declared = action.args.iter().map(|(name, argument)| {
        let of = argument.of.clone();
        let field = if argument.optional {
            Field::optional(of)
        } else {
            Field::always(of)
        };
        (Arc::clone(name), field)
    });
    Object {
        fields: declared.collect(),
        open: None,
    }
}

fn request_fields(action: &Action, trusted_metadata: &[Arc<str>]) -> Vec<(&'static str, Field)> {
    let mut fields = vec![
        ("params", Field::object(params_object(action))),
        ("query", Field::object(query_object(action))),
        ("args", Field::object(args_object(action))),
        (
            "action",
            Field::object(Object::of([
                ("id", Field::always(Type::String)),
                ("tier", Field::always(Type::String)),
                ("route", Field::always(Type::String)),
            ])),
        ),
        ("request", Field::object(request_object())),
        ("context", Field::object(context_object(trusted_metadata))),
    ];
    if action.resource.is_some() {
        let resource = Object::of([
            ("type", Field::always(Type::String)),
            ("id", Field::always(Type::String)),
        ]);
        fields.push(("resource", Field::object(resource)));
    }
    fields
}

fn request_object() -> Object {
    let headers = Object {
        fields: BTreeMap::new(),
        open: Some(Type::String),
    };
    let source = Object::of([
        ("ip", Field::optional(Type::String)),
        ("principal", Field::optional(Type::String)),
    ]);
    Object::of([
        ("method", Field::always(Type::String)),
        ("host", Field::always(Type::String)),
        ("path", Field::always(Type::String)),
        ("headers", Field::object(headers)),
        ("source", Field::object(source)),
        ("time", Field::always(Type::Timestamp)),
        ("hour", Field::always(Type::Int)),
    ])
}

fn context_object(trusted_metadata: &[Arc<str>]) -> Object {
    let extensions = Object {
        fields: BTreeMap::new(),
        open: Some(Type::String),
    };
    let namespaces = || {
        let fields = trusted_metadata
            .iter()
            .map(|name| (Arc::clone(name), Field::optional(Type::Dyn)));
        Field::object(Object {
            fields: fields.collect(),
            open: None,
        })
    };
    Object::of([
        ("extensions", Field::object(extensions)),
        ("metadata", namespaces()),
        ("route_metadata", namespaces()),
    ])
}

fn party_object(providers: &[&ClaimDeclarations]) -> Object {
    let texts = || Type::List(Box::new(Type::String));
    let assurance = Object::of([
        ("acr", Field::optional(Type::String)),
        ("amr", Field::always(texts())),
        ("auth_time", Field::optional(Type::Timestamp)),
    ]);
    Object::of([
        ("issuer", Field::always(Type::String)),
        ("id", Field::always(Type::String)),
        ("kind", Field::always(Type::String)),
        ("owner", Field::optional(Type::String)),
        ("groups", Field::always(texts())),
        ("claims", Field::object(claims_object(providers))),
        ("assurance", Field::object(assurance)),
    ])
}

/// One object for the claims of all providers: two that declare one claim with different types make it `dyn`, which
/// only comparisons that check the type at run time can read.
fn claims_object(providers: &[&ClaimDeclarations]) -> Object {
    let mut object = Object::default();
    for (name, declaration) in providers.iter().flat_map(|claims| claims.iter()) {
        let presence = if declaration.required {
            Presence::Sometimes
        } else {
            Presence::Optional
        };
        let field = Field {
            shape: Shape::Leaf(declaration.of.clone()),
            presence,
        };
        match object.fields.entry(Arc::clone(name)) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(field);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                if known.shape != field.shape {
                    known.shape = Shape::Leaf(Type::Dyn);
                }
                if presence == Presence::Sometimes {
                    known.presence = presence;
                }
            }
        }
    }
    object
}
