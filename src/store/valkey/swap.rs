//! Writes that happen only if what was read is still so: reading, deciding and writing are then one, without a lock.

use super::super::StoreError;
use super::keys::{Keys, Single};
use super::link::Link;
use super::script::{self, Arguments};
use super::session::Identity;
use crate::model::time::Timestamp;

/// Changes that the stream keeps; whoever is further behind reads everything anew.
pub(super) const MAX_CHANGES: u32 = 16_384;

/// How often a write is tried again because something was another by then. Those who write the same at the same time are few: people
/// and background tasks.
pub(super) const TRIES: usize = 64;

/// Writes and their conditions.
#[derive(Default)]
pub(super) struct Swap {
    conditions: Vec<[Vec<u8>; 3]>,
    writes: Vec<Vec<Vec<u8>>>,
    changes: Vec<(&'static str, String)>,
}

/// Everything was written.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// Where.
    pub(super) identity: Identity,
    /// The number of the last change there is.
    pub(super) seq: u64,
    /// When, on the server's clock.
    pub(super) at: Timestamp,
}

impl Swap {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Only if the field of a hash, or the string if the field is empty, is what was read.
    pub(super) fn only_if(&mut self, key: &str, field: &str, read: Option<&[u8]>) {
        let expected = match read {
            Some(read) => [b"=", read].concat(),
            None => b"-".to_vec(),
        };
        self.conditions.push([key.into(), field.into(), expected]);
    }

    /// Runs a command.
    pub(super) fn write<'a>(&mut self, words: impl IntoIterator<Item = &'a [u8]>) {
        self.writes
            .push(words.into_iter().map(<[u8]>::to_vec).collect());
    }

    /// Sets a field of a hash, if it is still what was read.
    pub(super) fn replace(&mut self, key: &str, field: &str, read: Option<&[u8]>, next: &[u8]) {
        self.only_if(key, field, read);
        self.write([b"HSET", key.as_bytes(), field.as_bytes(), next]);
    }

    /// Tells everybody.
    pub(super) fn publish(&mut self, kind: &'static str, record: String) {
        self.changes.push((kind, record));
    }

    /// Does it; nothing, if a condition does not hold.
    pub(super) async fn run(self, link: &Link, keys: &Keys) -> Result<Option<Done>, StoreError> {
        let mut arguments = Arguments::new()
            .key(keys.of(Single::Changes))
            .number(MAX_CHANGES)
            .number(self.conditions.len());
        for word in self.conditions.into_iter().flatten() {
            arguments = arguments.arg(word);
        }
        arguments = arguments.number(self.writes.len());
        for words in self.writes {
            arguments = arguments.number(words.len());
            for word in words {
                arguments = arguments.arg(word);
            }
        }
        arguments = arguments.number(self.changes.len());
        for (kind, record) in self.changes {
            arguments = arguments.arg(kind).arg(record);
        }
        let meta = keys.of(Single::Meta);
        let (reply, identity) = link.script_at(&script::SWAP, meta, &arguments).await?;
        match reply.word() {
            "done" => Ok(Some(Done {
                identity,
                seq: reply.value(0)?,
                at: Timestamp::from_millis(reply.value(1)?),
            })),
            "conflict" => Ok(None),
            _ => Err(reply.unknown()),
        }
    }
}
