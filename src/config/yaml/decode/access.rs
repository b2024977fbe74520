//! What is inside lists, maps and variants, each part decoded with its own place.

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use super::{Cursor, Trail};
use crate::config::yaml::error::DecodeError;
use crate::config::yaml::node::{Entry, Node, Place};

/// The items of a list.
pub(super) struct ListAccess<'a, 'd> {
    pub(super) cursor: Cursor<'a, 'd>,
    pub(super) items: std::iter::Enumerate<std::slice::Iter<'d, Node>>,
}

impl<'de> de::SeqAccess<'de> for &mut ListAccess<'_, '_> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        let Some((index, node)) = self.items.next() else {
            return Ok(None);
        };
        let trail = Trail::Index(self.cursor.trail, index);
        let cursor = Cursor {
            decoding: self.cursor.decoding,
            place: Place { node, key: None },
            trail: &trail,
        };
        cursor.decode(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of a map or a struct.
pub(super) struct MapAccess<'a, 'd> {
    pub(super) cursor: Cursor<'a, 'd>,
    pub(super) entries: std::slice::Iter<'d, Entry>,
    /// The keys of a struct; what is not among them has been reported and is passed over.
    pub(super) fields: Option<&'static [&'static str]>,
    pub(super) value: Option<&'d Entry>,
}

impl<'de> de::MapAccess<'de> for MapAccess<'_, '_> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        let (cursor, fields) = (self.cursor, self.fields);
        let read = |entry: &&Entry| {
            !cursor.is_apart(&entry.key)
                && fields.is_none_or(|fields| fields.contains(&&*entry.key))
        };
        let Some(entry) = self.entries.find(read) else {
            return Ok(None);
        };
        self.value = Some(entry);
        at_key(
            cursor,
            entry,
            seed.deserialize((&*entry.key).into_deserializer()),
        )
        .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, DecodeError> {
        let Some(entry) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        decode_value(self.cursor, entry, seed)
    }
}

fn at_key<T>(
    cursor: Cursor<'_, '_>,
    entry: &Entry,
    result: Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    result.map_err(|mut error| {
        error.place(entry.position, cursor.path().join(&*entry.key).to_string());
        error
    })
}

fn decode_value<'de, S: DeserializeSeed<'de>>(
    cursor: Cursor<'_, '_>,
    entry: &Entry,
    seed: S,
) -> Result<S::Value, DecodeError> {
    let trail = Trail::Key(cursor.trail, &entry.key);
    let place = Place {
        node: &entry.value,
        key: Some(entry.position),
    };
    Cursor {
        decoding: cursor.decoding,
        place,
        trail: &trail,
    }
    .decode(seed)
}

/// `{ variant: content }`.
pub(super) struct EnumAccess<'a, 'd> {
    pub(super) cursor: Cursor<'a, 'd>,
    pub(super) entry: &'d Entry,
}

impl<'de> de::EnumAccess<'de> for EnumAccess<'_, '_> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), DecodeError> {
        let name = at_key(
            self.cursor,
            self.entry,
            seed.deserialize((&*self.entry.key).into_deserializer()),
        )?;
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for EnumAccess<'_, '_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        let message = format!("`{0}` takes no value: write `{0}` alone", self.entry.key);
        at_key(self.cursor, self.entry, Err(de::Error::custom(message)))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, DecodeError> {
        decode_value(self.cursor, self.entry, seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        decode_value(
            self.cursor,
            self.entry,
            Content {
                fields: None,
                visitor,
            },
        )
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        decode_value(
            self.cursor,
            self.entry,
            Content {
                fields: Some(fields),
                visitor,
            },
        )
    }
}

/// A variant's content, which serde hands over as a visitor where [`Cursor::decode`] takes a seed.
struct Content<V> {
    fields: Option<&'static [&'static str]>,
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Content<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        match self.fields {
            Some(fields) => deserializer.deserialize_struct("", fields, self.visitor),
            None => deserializer.deserialize_seq(self.visitor),
        }
    }
}
