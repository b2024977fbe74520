//! Replay memory: a sorted set of digests, by the time until which they are remembered.

use super::keys::Single;
use super::script::{self, Arguments};
use super::{SETTLE, Valkey};
use crate::model::time::Timestamp;
use crate::store::{Consumed, StoreError};

impl Valkey {
    pub(super) async fn consume(
        &self,
        key: [u8; 32],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let keys = &self.connector.keys;
        let arguments = Arguments::new()
            .key(keys.of(Single::Replay))
            .number(SETTLE.as_millis())
            .arg(key)
            .number(until.millis())
            .number(now.millis())
            .number(self.max_replay);
        let meta = keys.of(Single::Meta);
        let reply = self.link.script(&script::CONSUME, meta, &arguments).await?;
        match reply.word() {
            "fresh" => {
                self.memory.used_up(key, until, now);
                Ok(Consumed::Fresh)
            }
            "seen" => Ok(Consumed::Seen),
            "full" => Ok(Consumed::Full),
            _ => Err(reply.unknown()),
        }
    }
}
