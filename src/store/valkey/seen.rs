//! Identities that were seen: merged here, and written only if nobody else wrote them meanwhile.

use std::collections::BTreeMap;

use redis::cmd;

use super::Valkey;
use super::keys::Single;
use super::swap::{Swap, TRIES};
use crate::store::record::{read_seen, write_seen};
use crate::store::{MAX_SEEN, SeenRecord, StoreError};

/// People who are forgotten together when there is no room.
const FORGOTTEN: u64 = MAX_SEEN / 100;

/// Identities that are written together.
const TOGETHER: usize = 200;

impl Valkey {
    pub(in crate::store) async fn note_seen(
        &self,
        records: Vec<SeenRecord>,
    ) -> Result<usize, StoreError> {
        let mut sightings: BTreeMap<String, SeenRecord> = BTreeMap::new();
        for record in records {
            let name = field(&record);
            let merged = match sightings.remove(&name) {
                Some(known) => known.merge(record),
                None => record,
            };
            sightings.insert(name, merged);
        }
        let sightings: Vec<(String, SeenRecord)> = sightings.into_iter().collect();
        let mut dropped = 0;
        for some in sightings.chunks(TOGETHER) {
            dropped += self.note(some).await?;
        }
        Ok(dropped)
    }

    pub(in crate::store) async fn seen(&self) -> Result<Vec<SeenRecord>, StoreError> {
        let all = self.scan(&self.connector.keys.of(Single::Seen)).await?;
        let mut all: Vec<SeenRecord> = all
            .values()
            .map(|record| read_seen(record))
            .collect::<Result<_, _>>()?;
        all.sort_by(|a, b| (&a.issuer, &a.id).cmp(&(&b.issuer, &b.id)));
        Ok(all)
    }

    async fn note(&self, sightings: &[(String, SeenRecord)]) -> Result<usize, StoreError> {
        let keys = &self.connector.keys;
        let (key, people) = (keys.of(Single::Seen), keys.of(Single::SeenPeople));
        for _ in 0..TRIES {
            let known = self
                .read_fields(&key, sightings.iter().map(|(name, _)| name))
                .await?;
            let mut room = self.room(&known).await?;
            let (mut swap, mut dropped) = (Swap::new(), 0);
            for (name, sighting) in sightings {
                let read = known.get(name).and_then(Option::as_deref);
                let merged = match read.map(read_seen).transpose()? {
                    Some(known) => known.merge(sighting.clone()),
                    None if room == 0 => {
                        dropped += 1;
                        continue;
                    }
                    None => {
                        room -= 1;
                        sighting.clone()
                    }
                };
                let text = write_seen(&merged)?;
                swap.replace(&key, name, read.map(str::as_bytes), text.as_bytes());
                let last = merged.last_seen.millis().to_string();
                if merged.kind == "human" {
                    swap.write([b"ZADD", people.as_bytes(), last.as_bytes(), name.as_bytes()]);
                } else {
                    swap.write([b"ZREM", people.as_bytes(), name.as_bytes()]);
                }
            }
            if swap.run(&self.link, keys).await?.is_some() {
                return Ok(dropped);
            }
        }
        Err(StoreError::Busy)
    }

    /// How many new ones there is room for. If for too few, the people who were not seen for longest are forgotten: an organisation
    /// has a directory of those. What is not human is never forgotten, because nobody else may know of it.
    async fn room(&self, known: &BTreeMap<String, Option<String>>) -> Result<u64, StoreError> {
        let keys = &self.connector.keys;
        let (key, people) = (keys.of(Single::Seen), keys.of(Single::SeenPeople));
        let needed = known.values().filter(|it| it.is_none()).count();
        let needed = u64::try_from(needed).unwrap_or(u64::MAX);
        let room = MAX_SEEN.saturating_sub(self.length(&key).await?);
        if needed <= room {
            return Ok(room);
        }
        let mut oldest = cmd("ZRANGE");
        oldest.arg(&people).arg(0).arg(FORGOTTEN - 1);
        let oldest: Vec<String> = self.link.ask(&oldest).await?;
        let mut swap = Swap::new();
        for name in &oldest {
            swap.write([b"HDEL", key.as_bytes(), name.as_bytes()]);
            swap.write([b"ZREM", people.as_bytes(), name.as_bytes()]);
        }
        let _done = swap.run(&self.link, keys).await?;
        Ok(MAX_SEEN.saturating_sub(self.length(&key).await?))
    }
}

/// The field of an identity. The name of a provider has no slash.
fn field(record: &SeenRecord) -> String {
    format!("{}/{}", record.issuer, record.id)
}
