//! Arguments as a tool's `inputSchema` describes them, in the types that policies have.
//!
//! A JSON Schema says more than a type does, and says it in ways that have no type here. What is not understood becomes
//! `any`, with the reason beside it: never a type that the schema does not have.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::name::{Names, identifier, keeps, pointer};
use crate::json::{Json, Object};
use crate::model::value::Type;

/// How many objects may stand within each other before their members are no arguments of their own any more.
const MAX_NESTED: usize = 4;
/// Most arguments of a tool that are declared.
const MAX_ARGUMENTS: usize = 256;
/// Longest name of a member that becomes an argument, in bytes.
const MAX_MEMBER: usize = 256;

/// Keywords that can allow members which `properties` does not name.
const OPENING: [&str; 11] = [
    "$ref",
    "$dynamicRef",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "patternProperties",
    "dependentSchemas",
    "dependencies",
    "unevaluatedProperties",
];

/// An argument, proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// What conditions call it.
    pub name: String,
    /// Its type; [`Type::Dyn`] is `any`.
    pub of: Type,
    /// Whether a call may leave it out.
    pub optional: bool,
    /// Where it stands in the arguments (RFC 6901), if it is not the member of its name.
    pub at: Option<String>,
    /// Why it has no type.
    pub because: Option<Cow<'static, str>>,
}

/// The arguments of a tool, proposed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The arguments that the schema names.
    pub declared: Vec<Argument>,
    /// The keyword that allows arguments which it does not name.
    pub open: Option<&'static str>,
    /// How many were left out, because there are too many or their names are too long.
    pub left_out: usize,
}

/// A value in the arguments and the way to it.
#[derive(Clone, Debug)]
struct Leaf<'j> {
    path: Vec<&'j str>,
    of: Type,
    optional: bool,
    because: Option<Cow<'static, str>>,
}

impl Arguments {
    /// Reads an `inputSchema`.
    pub(super) fn of(schema: &Object<'_>) -> Self {
        let mut leaves = Vec::new();
        let mut left_out = 0;
        for (name, member, optional) in members(schema) {
            let found = leaves_of(&[name], member, optional);
            if name.len() > MAX_MEMBER || leaves.len() + found.len() > MAX_ARGUMENTS {
                left_out += 1;
            } else {
                leaves.extend(found);
            }
        }
        Self {
            declared: named(&leaves),
            open: opening(schema),
            left_out,
        }
    }
}

/// The members that a schema of an object names, and whether each may be left out.
fn members<'j>(
    schema: &'j Object<'_>,
) -> impl Iterator<Item = (&'j str, &'j Json<'j>, bool)> + use<'j> {
    let required = schema.get("required").and_then(Json::as_array);
    let required = required.unwrap_or_default().iter();
    let required: BTreeSet<&str> = required.filter_map(Json::as_str).collect();
    let properties = schema.get("properties").and_then(Json::as_object);
    let properties = properties.into_iter().flat_map(Object::iter);
    properties.map(move |(name, member)| (name, member, !required.contains(name)))
}

/// What allows an object to have members that are not named.
fn opening(schema: &Object<'_>) -> Option<&'static str> {
    let extra = match schema.get("additionalProperties") {
        Some(Json::Bool(true) | Json::Object(_)) => Some("additionalProperties"),
        _ => None,
    };
    extra.or_else(|| {
        let mut keywords = OPENING.into_iter();
        keywords.find(|keyword| schema.get(keyword).is_some())
    })
}

/// One leaf for a value, or one for each of its members if all of them are plain.
fn leaves_of<'j>(path: &[&'j str], schema: &'j Json<'j>, optional: bool) -> Vec<Leaf<'j>> {
    let leaf = |of, because| {
        vec![Leaf {
            path: path.to_vec(),
            of,
            optional,
            because,
        }]
    };
    match type_of(schema) {
        Ok(of) => leaf(of, None),
        Err(because) => {
            plain_members(path, schema, optional).unwrap_or_else(|| leaf(Type::Dyn, Some(because)))
        }
    }
}

/// The members of a nested object, if each of them has a type and there are no others.
fn plain_members<'j>(
    path: &[&'j str],
    schema: &'j Json<'j>,
    optional: bool,
) -> Option<Vec<Leaf<'j>>> {
    let schema = schema.as_object()?;
    let object = schema.get("type").and_then(Json::as_str) == Some("object");
    if !object || path.len() >= MAX_NESTED || opening(schema).is_some() {
        return None;
    }
    let mut leaves = Vec::new();
    for (name, member, may_miss) in members(schema) {
        let path = [path, &[name]].concat();
        let below = leaves_of(&path, member, optional || may_miss);
        let plain = below.iter().all(|leaf| leaf.because.is_none());
        if !plain || name.len() > MAX_MEMBER || leaves.len() >= MAX_ARGUMENTS {
            return None;
        }
        leaves.extend(below);
    }
    (!leaves.is_empty()).then_some(leaves)
}

/// The type of a value, or why it has none. Keywords beside `type` only narrow what it allows.
fn type_of(schema: &Json<'_>) -> Result<Type, Cow<'static, str>> {
    let schema = schema
        .as_object()
        .ok_or("its schema is `true` or `false`")?;
    if let Some(of) = or_null(schema) {
        let because = format!("{of} or null; if callers leave it out instead, write the type {of}");
        return Err(Cow::Owned(because));
    }
    let name = match schema.get("type") {
        None => return Ok(untyped(schema)?),
        Some(Json::Array(_)) => return Err("it has several types".into()),
        Some(name) => name.as_str().unwrap_or_default(),
    };
    match scalar(name) {
        Some(of) => Ok(of),
        None if name == "array" => Ok(items(schema)?),
        None if name == "object" => Ok(entries(schema)?),
        None => Err("its type has no counterpart".into()),
    }
}

/// The simple type of what may also be null: servers write so what may be left out, and null has no type here.
fn or_null(schema: &Object<'_>) -> Option<Type> {
    let is_null = |json: &&Json<'_>| json.as_str() == Some("null");
    if let Some([one, other]) = schema.get("type").and_then(Json::as_array) {
        let named = if is_null(&one) { other } else { one };
        return scalar(named.as_str()?).filter(|_| is_null(&one) || is_null(&other));
    }
    let either = schema.get("anyOf").or_else(|| schema.get("oneOf"))?;
    let [one, other] = either.as_array()? else {
        return None;
    };
    let name = |json: &'_ Json<'_>| json.as_object()?.get("type")?.as_str().map(str::to_owned);
    match (name(one)?.as_str(), name(other)?.as_str()) {
        ("null", named) | (named, "null") => scalar(named),
        _ => None,
    }
}

fn scalar(name: &str) -> Option<Type> {
    Some(match name {
        "string" => Type::String,
        "integer" => Type::Int,
        "number" => Type::Double,
        "boolean" => Type::Bool,
        _ => return None,
    })
}

/// A schema without `type` has one all the same if it lists texts.
fn untyped(schema: &Object<'_>) -> Result<Type, &'static str> {
    let listed = schema.get("enum").and_then(Json::as_array);
    if listed.is_some_and(|values| values.iter().all(|value| value.as_str().is_some())) {
        return Ok(Type::String);
    }
    let said = ["$ref", "anyOf", "oneOf", "allOf", "enum", "const"];
    let reasons = [
        "`$ref` is not followed",
        "`anyOf` has no type",
        "`oneOf` has no type",
        "`allOf` has no type",
        "`enum` has no type",
        "`const` has no type",
    ];
    let mut known = said.into_iter().zip(reasons);
    let found = known.find(|(keyword, _)| schema.get(keyword).is_some());
    Err(found.map_or("it has no `type`", |(_, reason)| reason))
}

fn items(schema: &Object<'_>) -> Result<Type, &'static str> {
    let one = schema
        .get("items")
        .filter(|_| schema.get("prefixItems").is_none());
    let item = one.and_then(|items| type_of(items).ok());
    match item {
        Some(of @ (Type::String | Type::Int | Type::Double | Type::Bool)) => {
            Ok(Type::List(Box::new(of)))
        }
        _ => Err("its items are not of one simple type"),
    }
}

/// An object that names no members and gives all of them one simple type is a map.
fn entries(schema: &Object<'_>) -> Result<Type, &'static str> {
    let because = "its members are not all of simple types";
    let named = schema.get("properties").is_some();
    let other = OPENING.iter().any(|keyword| schema.get(keyword).is_some());
    match schema.get("additionalProperties").map(type_of) {
        Some(Ok(of @ (Type::String | Type::Int | Type::Double | Type::Bool)))
            if !named && !other =>
        {
            Ok(Type::Map(Box::new(of)))
        }
        _ => Err(because),
    }
}

/// Gives every leaf a name of its own. A member that can keep its name keeps it, whatever stands before it.
fn named(leaves: &[Leaf<'_>]) -> Vec<Argument> {
    let own = |leaf: &Leaf<'_>| match leaf.path.as_slice() {
        [name] if keeps(name) => Some((*name).to_owned()),
        _ => None,
    };
    let mut names = Names::taking(leaves.iter().filter_map(own));
    let arguments = leaves.iter().map(|leaf| {
        let (name, at) = match own(leaf) {
            Some(name) => (name, None),
            None => (
                names.free(&identifier(&leaf.path)),
                Some(pointer(&leaf.path)),
            ),
        };
        Argument {
            name,
            of: leaf.of.clone(),
            optional: leaf.optional,
            at,
            because: leaf.because.clone(),
        }
    });
    arguments.collect()
}
