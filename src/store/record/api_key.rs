//! The record of an API key. When it was used last is not part of it.

use serde::{Deserialize, Serialize};

use super::{RecordError, VERSION, hex, read, unhex, write};
use crate::model::time::Timestamp;
use crate::store::ApiKeyRecord;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRecord {
    v: u32,
    id: String,
    provider: String,
    identity: String,
    owner: String,
    kind: String,
    groups: Vec<String>,
    scope: Vec<String>,
    networks: Vec<String>,
    digest: String,
    created: i64,
    expires: i64,
    revoked: Option<i64>,
    reason: Option<String>,
}

/// The text of an API key.
pub(in crate::store) fn write_api_key(key: &ApiKeyRecord) -> Result<String, RecordError> {
    let ApiKeyRecord {
        id,
        provider,
        identity,
        owner,
        kind,
        groups,
        scope,
        networks,
        digest,
        created,
        expires,
        revoked,
        reason,
        last_used: _,
    } = key;
    write(&KeyRecord {
        v: VERSION,
        id: id.clone(),
        provider: provider.clone(),
        identity: identity.clone(),
        owner: owner.clone(),
        kind: kind.clone(),
        groups: groups.clone(),
        scope: scope.clone(),
        networks: networks.clone(),
        digest: hex(digest),
        created: created.millis(),
        expires: expires.millis(),
        revoked: revoked.map(Timestamp::millis),
        reason: reason.clone(),
    })
}

/// The API key of a text.
pub(in crate::store) fn read_api_key(
    text: &str,
    last_used: Option<Timestamp>,
) -> Result<ApiKeyRecord, RecordError> {
    let KeyRecord {
        v: _,
        id,
        provider,
        identity,
        owner,
        kind,
        groups,
        scope,
        networks,
        digest,
        created,
        expires,
        revoked,
        reason,
    } = read(text)?;
    Ok(ApiKeyRecord {
        id,
        provider,
        identity,
        owner,
        kind,
        groups,
        scope,
        networks,
        digest: unhex(&digest)?,
        created: Timestamp::from_millis(created),
        expires: Timestamp::from_millis(expires),
        revoked: revoked.map(Timestamp::from_millis),
        reason,
        last_used,
    })
}
