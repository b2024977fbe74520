//! The record of an identity that was seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{RecordError, VERSION, read, write};
use crate::model::time::Timestamp;
use crate::store::SeenRecord;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sighting {
    v: u32,
    issuer: String,
    id: String,
    kind: String,
    owner: Option<String>,
    registered: bool,
    first_seen: i64,
    last_seen: i64,
    warned: BTreeMap<String, i64>,
}

/// The text of an identity.
pub(in crate::store) fn write_seen(seen: &SeenRecord) -> Result<String, RecordError> {
    let SeenRecord {
        issuer,
        id,
        kind,
        owner,
        registered,
        first_seen,
        last_seen,
        warned,
    } = seen;
    let warned = warned.iter().map(|(what, at)| (what.clone(), at.millis()));
    write(&Sighting {
        v: VERSION,
        issuer: issuer.clone(),
        id: id.clone(),
        kind: kind.clone(),
        owner: owner.clone(),
        registered: *registered,
        first_seen: first_seen.millis(),
        last_seen: last_seen.millis(),
        warned: warned.collect(),
    })
}

/// The identity of a text.
pub(in crate::store) fn read_seen(text: &str) -> Result<SeenRecord, RecordError> {
    let Sighting {
        v: _,
        issuer,
        id,
        kind,
        owner,
        registered,
        first_seen,
        last_seen,
        warned,
    } = read(text)?;
    let warned = warned
        .into_iter()
        .map(|(what, at)| (what, Timestamp::from_millis(at)));
    Ok(SeenRecord {
        issuer,
        id,
        kind,
        owner,
        registered,
        first_seen: Timestamp::from_millis(first_seen),
        last_seen: Timestamp::from_millis(last_seen),
        warned: warned.collect(),
    })
}
