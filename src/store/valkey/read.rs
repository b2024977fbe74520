//! Reading hashes.

use std::collections::BTreeMap;

use redis::cmd;

use super::Valkey;
use crate::store::StoreError;

/// Entries that a server gives at once, about.
const PAGE: usize = 1000;

impl Valkey {
    /// One field.
    pub(super) async fn read_field(
        &self,
        key: &str,
        field: &str,
    ) -> Result<Option<String>, StoreError> {
        self.link.ask(cmd("HGET").arg(key).arg(field)).await
    }

    /// Some fields, and what each holds.
    pub(super) async fn read_fields<'a>(
        &self,
        key: &str,
        fields: impl Iterator<Item = &'a String>,
    ) -> Result<BTreeMap<String, Option<String>>, StoreError> {
        let fields: Vec<&String> = fields.collect();
        let mut found = BTreeMap::new();
        for some in fields.chunks(PAGE) {
            let mut command = cmd("HMGET");
            command.arg(key);
            for field in some {
                command.arg(field.as_str());
            }
            let values: Vec<Option<String>> = self.link.ask(&command).await?;
            found.extend(some.iter().copied().cloned().zip(values));
        }
        Ok(found)
    }

    /// Every field, page by page: the server serves others between them. What is added or removed meanwhile may be among them or not.
    pub(super) async fn scan(&self, key: &str) -> Result<BTreeMap<String, String>, StoreError> {
        let mut all = BTreeMap::new();
        let mut cursor = "0".to_owned();
        loop {
            let mut command = cmd("HSCAN");
            command.arg(key).arg(&cursor).arg("COUNT").arg(PAGE);
            let (next, page): (String, Vec<(String, String)>) = self.link.ask(&command).await?;
            all.extend(page);
            if next == "0" {
                return Ok(all);
            }
            cursor = next;
        }
    }

    /// The number of fields.
    pub(super) async fn length(&self, key: &str) -> Result<u64, StoreError> {
        self.link.ask(cmd("HLEN").arg(key)).await
    }
}
