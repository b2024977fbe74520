//! API keys: read, judged here, and written only if none was changed meanwhile.

use std::sync::Arc;

use redis::{cmd, pipe};

use super::Valkey;
use super::keys::Single;
use super::script::{self, Arguments};
use super::swap::{Swap, TRIES};
use crate::model::time::Timestamp;
use crate::store::api_keys::{MAX_API_KEYS, MAX_LIVE};
use crate::store::record::{read_api_key, write_api_key};
use crate::store::{ApiKeyRecord, KeysVersion, Put, Revoked, Rotated, StoreError, StoredKeys};

/// The state's and the server's id, and the number of changes of keys.
type Counted = ((Option<String>, Option<String>), Option<u64>);

impl Valkey {
    pub(in crate::store) async fn put_api_key(
        &self,
        record: ApiKeyRecord,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        for _ in 0..TRIES {
            let mut swap = self.key_swap().await?;
            let put = self.judge(&record, now).await?;
            if put != Put::Stored {
                return Ok(put);
            }
            self.add(&mut swap, &record)?;
            if self.run(swap).await? {
                return Ok(Put::Stored);
            }
        }
        Err(StoreError::Busy)
    }

    pub(in crate::store) async fn rotate_api_key(
        &self,
        old: String,
        ends: Timestamp,
        successor: ApiKeyRecord,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        for _ in 0..TRIES {
            let mut swap = self.key_swap().await?;
            let known = self.api_key(&old).await?.filter(|known| known.is_live(now));
            let Some(mut known) = known else {
                return Ok(Rotated::NotLive);
            };
            match self.judge(&successor, now).await? {
                Put::Stored => {}
                refused @ (Put::Taken | Put::TooManyLive | Put::Full) => {
                    return Ok(Rotated::Refused(refused));
                }
            }
            known.expires = known.expires.min(ends);
            self.set(&mut swap, &known)?;
            self.add(&mut swap, &successor)?;
            if self.run(swap).await? {
                return Ok(Rotated::Stored);
            }
        }
        Err(StoreError::Busy)
    }

    pub(in crate::store) async fn api_keys(&self) -> Result<StoredKeys, StoreError> {
        let keys = &self.connector.keys;
        let used = self.scan(&keys.of(Single::ApiKeysUsed)).await?;
        let (mut found, mut unreadable) = (Vec::new(), Vec::new());
        for (id, record) in self.scan(&keys.of(Single::ApiKeys)).await? {
            let used = used.get(&id).and_then(|at| at.parse().ok());
            match read_api_key(&record, used.map(Timestamp::from_millis)) {
                Ok(key) if key.id == id => found.push(key),
                Ok(_) | Err(_) => unreadable.push(id),
            }
        }
        Ok(StoredKeys {
            keys: found,
            unreadable,
        })
    }

    pub(in crate::store) async fn revoke_api_key(
        &self,
        id: &str,
        at: Timestamp,
        reason: Option<String>,
    ) -> Result<Revoked, StoreError> {
        for _ in 0..TRIES {
            let mut swap = self.key_swap().await?;
            let Some(mut known) = self.api_key(id).await? else {
                return Ok(Revoked::Unknown);
            };
            if let Some(before) = known.revoked {
                return Ok(Revoked::Before(before));
            }
            known.revoked = Some(at);
            known.reason.clone_from(&reason);
            self.set(&mut swap, &known)?;
            if self.run(swap).await? {
                return Ok(Revoked::Now);
            }
        }
        Err(StoreError::Busy)
    }

    pub(in crate::store) async fn touch_api_keys(
        &self,
        used: Vec<(String, Timestamp)>,
    ) -> Result<(), StoreError> {
        let keys = &self.connector.keys;
        for some in used.chunks(1000) {
            let mut arguments = Arguments::new()
                .key(keys.of(Single::ApiKeys))
                .key(keys.of(Single::ApiKeysUsed));
            for (id, at) in some {
                arguments = arguments.arg(id.as_str()).number(at.millis());
            }
            let meta = keys.of(Single::Meta);
            self.link.script(&script::TOUCH, meta, &arguments).await?;
        }
        Ok(())
    }

    pub(in crate::store) async fn version(&self) -> Result<KeysVersion, StoreError> {
        let keys = &self.connector.keys;
        // Over one connection, so that it is said of the server that counts.
        let mut both = pipe();
        both.cmd("HMGET").arg(keys.of(Single::Meta));
        both.arg("generation").arg("run");
        both.cmd("GET").arg(keys.of(Single::ApiKeysVersion));
        let ((generation, run), changes): Counted = self.link.pipe(&both).await?;
        let place = [generation, run].map(Option::unwrap_or_default).join("/");
        Ok(KeysVersion {
            place: Arc::from(place),
            changes: changes.unwrap_or_default(),
        })
    }

    /// Whether a key has a place at `now`.
    async fn judge(&self, record: &ApiKeyRecord, now: Timestamp) -> Result<Put, StoreError> {
        let keys = &self.connector.keys;
        let own = keys.api_keys_of(&record.provider, &record.identity);
        let ids: Vec<String> = self.link.ask(cmd("SMEMBERS").arg(own)).await?;
        let mut live = 0;
        for id in ids {
            let known = self.api_key(&id).await?;
            if known.is_some_and(|known| known.is_live(now)) {
                live += 1;
            }
        }
        if live >= MAX_LIVE {
            return Ok(Put::TooManyLive);
        }
        if self.length(&keys.of(Single::ApiKeys)).await? >= MAX_API_KEYS {
            return Ok(Put::Full);
        }
        let taken = self.api_key(&record.id).await?.is_some();
        Ok(if taken { Put::Taken } else { Put::Stored })
    }

    async fn api_key(&self, id: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        let key = self.connector.keys.of(Single::ApiKeys);
        let record = self.read_field(&key, id).await?;
        let record = record.map(|record| read_api_key(&record, None));
        Ok(record.transpose()?)
    }

    /// Writes that happen if no key was changed since now, and count as a change.
    async fn key_swap(&self) -> Result<Swap, StoreError> {
        let key = self.connector.keys.of(Single::ApiKeysVersion);
        let read: Option<String> = self.link.ask(cmd("GET").arg(&key)).await?;
        let mut swap = Swap::new();
        swap.only_if(&key, "", read.as_deref().map(str::as_bytes));
        swap.write([b"INCR", key.as_bytes()]);
        Ok(swap)
    }

    fn add(&self, swap: &mut Swap, record: &ApiKeyRecord) -> Result<(), StoreError> {
        let own = self
            .connector
            .keys
            .api_keys_of(&record.provider, &record.identity);
        swap.write([b"SADD", own.as_bytes(), record.id.as_bytes()]);
        self.set(swap, record)
    }

    fn set(&self, swap: &mut Swap, record: &ApiKeyRecord) -> Result<(), StoreError> {
        let key = self.connector.keys.of(Single::ApiKeys);
        let text = write_api_key(record)?;
        swap.write([
            b"HSET",
            key.as_bytes(),
            record.id.as_bytes(),
            text.as_bytes(),
        ]);
        Ok(())
    }

    async fn run(&self, swap: Swap) -> Result<bool, StoreError> {
        let done = swap.run(self.confirmed(), &self.connector.keys).await?;
        Ok(done.is_some())
    }
}
