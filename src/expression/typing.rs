//! How two types relate.

use super::limits::UNKNOWN_SIZE;
use crate::model::value::Type;

/// Whether a value of one type can be a value of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// Always.
    Same,
    /// Known when it is evaluated: one of them holds a `dyn`.
    Unknown,
    /// Never.
    Different,
}

pub(super) fn relate(a: &Type, b: &Type) -> Relation {
    match (a, b) {
        (Type::Dyn, _) | (_, Type::Dyn) => Relation::Unknown,
        (Type::List(a), Type::List(b)) | (Type::Map(a), Type::Map(b)) => relate(a, b),
        (a, b) if a == b => Relation::Same,
        _ => Relation::Different,
    }
}

/// The type of a value that is one of the two, or `None` if no type is.
pub(super) fn join(a: &Type, b: &Type) -> Option<Type> {
    match relate(a, b) {
        Relation::Same => Some(a.clone()),
        Relation::Unknown => Some(Type::Dyn),
        Relation::Different => None,
    }
}

/// Whether `<` orders values of this type.
pub(super) fn ordered(of: &Type) -> bool {
    matches!(
        of,
        Type::Int | Type::Double | Type::String | Type::Timestamp | Type::Duration | Type::Dyn
    )
}

pub(super) fn article(of: &Type) -> String {
    let word = of.to_string();
    let article = if word.starts_with('i') { "an" } else { "a" };
    format!("{article} `{word}`")
}

/// Most values that a value of this type can hold, itself included.
pub(super) fn size_of(of: &Type) -> u64 {
    match of {
        Type::Bool | Type::Int | Type::Double | Type::String | Type::Timestamp | Type::Duration => {
            1
        }
        Type::List(_) | Type::Map(_) | Type::Dyn => UNKNOWN_SIZE,
    }
}
