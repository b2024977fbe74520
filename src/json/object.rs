//! The members of an object.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use super::Json;

/// Above so many members, names are compared in sorted order and no longer each with each.
const FEW: usize = 16;

type Member<'a> = (Cow<'a, str>, Json<'a>);

/// An object: its members in the order of the document, no two with one name.
#[derive(Clone, Default, PartialEq)]
pub struct Object<'a> {
    members: Vec<Member<'a>>,
    /// The members by name, if they are more than [`FEW`].
    by_name: Box<[usize]>,
}

impl<'a> Object<'a> {
    /// The object of these members; none if two of them have one name.
    pub fn new(members: Vec<Member<'a>>) -> Option<Self> {
        let mut object = Self {
            members,
            by_name: Box::default(),
        };
        if object.members.len() > FEW {
            object.by_name = object.sorted()?;
        } else if object.has_pair() {
            return None;
        }
        Some(object)
    }

    /// The value of the member with this very name.
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        if self.by_name.is_empty() {
            let found = self.members.iter().find(|(own, _)| own == name);
            return found.map(|(_, value)| value);
        }
        let order = |at: &usize| self.name(*at).cmp(name);
        let found = self.by_name.binary_search_by(order).ok()?;
        let (_, value) = self.members.get(*self.by_name.get(found)?)?;
        Some(value)
    }

    /// The members in the order of the document.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json<'a>)> {
        self.members
            .iter()
            .map(|(name, value)| (name.as_ref(), value))
    }

    /// The same, borrowed from nothing.
    pub fn into_owned(self) -> Object<'static> {
        let members = self.members.into_iter();
        let members =
            members.map(|(name, value)| (Cow::Owned(name.into_owned()), value.into_owned()));
        Object {
            members: members.collect(),
            by_name: self.by_name,
        }
    }

    /// How many members it has.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn name(&self, at: usize) -> &str {
        self.members.get(at).map_or("", |(name, _)| name)
    }

    /// The members by name; none if two names are the same, which then stand next to each other.
    fn sorted(&self) -> Option<Box<[usize]>> {
        let mut by_name: Vec<usize> = (0..self.members.len()).collect();
        by_name.sort_unstable_by(|a, b| self.name(*a).cmp(self.name(*b)));
        let mut neighbours = by_name.iter().zip(by_name.iter().skip(1));
        let twice = neighbours.any(|(a, b)| self.name(*a) == self.name(*b));
        (!twice).then(|| by_name.into())
    }

    /// Whether two names are the same.
    fn has_pair(&self) -> bool {
        let names = self.members.iter().map(|(name, _)| name);
        let mut before = names.clone().enumerate();
        before.any(|(at, name)| names.clone().take(at).any(|other| other == name))
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({} members)", self.len())
    }
}

impl From<Object<'_>> for Map<String, Value> {
    fn from(object: Object<'_>) -> Self {
        let members = object.members.into_iter();
        members
            .map(|(name, value)| (name.into_owned(), value.into()))
            .collect()
    }
}
