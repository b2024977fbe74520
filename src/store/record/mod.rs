//! Records as text: JSON with a version, the same for every backend. The model knows nothing of it, so that a field that is added
//! there has to be added here.

mod api_key;
mod approval;
mod approvers;
mod details;
mod involved;
mod seen;
mod signals;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(super) use api_key::{read_api_key, write_api_key};
pub(super) use approval::{read_approval, write_approval};
pub(super) use seen::{read_seen, write_seen};
pub(super) use signals::{read_condition, read_revocation, write_condition, write_revocation};

/// Text that is shared with the model.
type Text = Arc<str>;

/// The version of every record that is written.
const VERSION: u32 = 1;

/// Why a record cannot be read. It says nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecordError {
    /// Somebody else wrote or changed it.
    #[error("a record of the store is damaged")]
    Damaged,
    /// A newer countersign wrote it.
    #[error(
        "a record of the store has version {0}, and this countersign knows {VERSION}: run the newer one"
    )]
    Newer(u32),
}

/// What every record begins with.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

fn write<T: Serialize>(record: &T) -> Result<String, RecordError> {
    serde_json::to_string(record).map_err(|_nothing_of_it| RecordError::Damaged)
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, RecordError> {
    if !begins_as_written(text) {
        let version: Versioned =
            serde_json::from_str(text).map_err(|_nothing_of_it| RecordError::Damaged)?;
        if version.v > VERSION {
            return Err(RecordError::Newer(version.v));
        }
    }
    serde_json::from_str(text).map_err(|_nothing_of_it| RecordError::Damaged)
}

/// Whether a text begins with today's version, as [`write`] puts it. A record that is used often is long, and need not be read twice.
fn begins_as_written(text: &str) -> bool {
    let rest = text.strip_prefix("{\"v\":");
    let version = rest.and_then(|rest| rest.split_once(','));
    version.is_some_and(|(version, _)| version.parse() == Ok(VERSION))
}

/// The error for a value that its type does not take.
fn damaged<E>(_nothing_of_it: E) -> RecordError {
    RecordError::Damaged
}

fn hex(bytes: &[u8; 32]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

fn unhex(text: &str) -> Result<[u8; 32], RecordError> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(RecordError::Damaged);
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        let digits = text.get(at..at + 2).ok_or(RecordError::Damaged)?;
        *byte = u8::from_str_radix(digits, 16).map_err(damaged)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Small {
        v: u32,
        x: u32,
    }

    #[test]
    fn a_newer_version_is_told_wherever_it_stands() {
        let small = Small { v: VERSION, x: 7 };
        let today = write(&small).unwrap();
        assert!(begins_as_written(&today), "{today}");
        assert_eq!(read(&today), Ok(small));
        for newer in [
            r#"{"v":2,"x":7}"#,
            r#"{"x":7,"v":2}"#,
            r#"{"v":2,"y":[]}"#,
            r#"{ "v": 2 }"#,
        ] {
            assert_eq!(read::<Small>(newer), Err(RecordError::Newer(2)), "{newer}");
        }
        for damaged in [
            "",
            r#"{"v":1,"#,
            r#"{"v":"1","x":7}"#,
            r#"{"v":1,"x":7,"v":2}"#,
            r#"{"v":1,"x":7,"y":1}"#,
        ] {
            assert_eq!(
                read::<Small>(damaged),
                Err(RecordError::Damaged),
                "{damaged}"
            );
        }
    }
}
