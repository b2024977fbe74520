//! Lists that may be written as one item.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IntoDeserializer, SeqAccess, Visitor, value};

use super::finding::Finding;

/// `a` or `[a, b]`, as people write short lists. Keeps whether a list was written, so that paths stay right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OneOrMany<T> {
    /// One item, written bare.
    One(T),
    /// A list.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// The items.
    pub fn items(&self) -> &[T] {
        match self {
            Self::One(item) => std::slice::from_ref(item),
            Self::Many(items) => items,
        }
    }

    /// The index at which an item stands in the document, if a list was written.
    pub const fn index(&self, item: usize) -> Option<usize> {
        match self {
            Self::One(_) => None,
            Self::Many(_) => Some(item),
        }
    }
}

impl<T> OneOrMany<T> {
    /// Puts what was found about an item where that item stands, seen from the list.
    pub fn place(&self, item: usize, finding: Finding) -> Finding {
        match self.index(item) {
            Some(index) => finding.under(index),
            None => finding,
        }
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

struct ListVisitor<T>(PhantomData<T>);

macro_rules! one {
    ($($method:ident: $type:ty),*) => {$(
        fn $method<E: serde::de::Error>(self, item: $type) -> Result<Self::Value, E> {
            T::deserialize(item.into_deserializer()).map(OneOrMany::One)
        }
    )*};
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one item or a list of items")
    }

    one!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(OneOrMany::Many(items))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(value::MapAccessDeserializer::new(map)).map(OneOrMany::One)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_item_is_a_list_of_one() {
        let one: OneOrMany<String> = serde_json::from_str("\"a\"").unwrap();
        let many: OneOrMany<String> = serde_json::from_str("[\"a\",\"b\"]").unwrap();
        assert_eq!((one.items().len(), one.index(0)), (1, None));
        assert_eq!((many.items().len(), many.index(1)), (2, Some(1)));
        assert!(serde_json::from_str::<OneOrMany<String>>("1").is_err());
    }
}
