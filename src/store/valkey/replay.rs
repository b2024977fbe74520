//! Replay memory: a sorted set of digests, by the time until which they are remembered.

use super::Valkey;
use super::keys::Single;
use super::memory::Purpose;
use super::script::{self, Arguments};
use crate::model::time::Timestamp;
use crate::store::replay::room_for_claims;
use crate::store::{Consumed, OneUse, StoreError, UsedUp};

impl Valkey {
    pub(in crate::store) async fn consume(
        &self,
        key: [u8; 32],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let consumed = self.consume_within(self.max_replay, key, until, now).await;
        if consumed == Ok(Consumed::Fresh) {
            self.memory.used_up(Purpose::Proof, key, until, now);
        }
        consumed
    }

    /// It is not put back after a loss: whoever claims it again only does again what was done.
    pub(in crate::store) async fn claim(
        &self,
        key: [u8; 32],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let most = room_for_claims(self.max_replay);
        self.consume_within(most, key, until, now).await
    }

    pub(in crate::store) async fn use_up(
        &self,
        it: OneUse,
        now: Timestamp,
    ) -> Result<UsedUp, StoreError> {
        let OneUse { key, issued, until } = it;
        // What could not be put back after a loss is not used.
        if !self.memory.has_room(Purpose::Approval, now) {
            return Ok(UsedUp::Full);
        }
        let arguments = self
            .consumption(self.max_replay, key, until, now)
            .number(issued.millis());
        let meta = self.connector.keys.of(Single::Meta);
        let link = self.confirmed();
        let reply = link.script(&script::CONSUME, meta, &arguments).await?;
        match reply.word() {
            "fresh" => {
                self.memory.used_up(Purpose::Approval, key, until, now);
                Ok(UsedUp::Now)
            }
            "seen" => Ok(UsedUp::Before),
            "unknown" => Ok(UsedUp::Unknown),
            "full" => Ok(UsedUp::Full),
            _ => Err(reply.unknown()),
        }
    }

    async fn consume_within(
        &self,
        most: u64,
        key: [u8; 32],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let arguments = self.consumption(most, key, until, now).arg("");
        let meta = self.connector.keys.of(Single::Meta);
        let reply = self.link.script(&script::CONSUME, meta, &arguments).await?;
        match reply.word() {
            "fresh" => Ok(Consumed::Fresh),
            "seen" => Ok(Consumed::Seen),
            "full" => Ok(Consumed::Full),
            _ => Err(reply.unknown()),
        }
    }

    fn consumption(&self, most: u64, key: [u8; 32], until: Timestamp, now: Timestamp) -> Arguments {
        Arguments::new()
            .key(self.connector.keys.of(Single::Replay))
            .number(self.connector.settle().as_millis())
            .arg(key)
            .number(until.millis())
            .number(now.millis())
            .number(most)
    }
}
