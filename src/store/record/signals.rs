//! The records of revocations and conditions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{RecordError, Text, VERSION, damaged, read, write};
use crate::model::approval::ApprovalId;
use crate::model::condition::ConditionSetting;
use crate::model::name::{ConditionName, ProviderName};
use crate::model::revocation::{Revocation, Target};
use crate::model::time::Timestamp;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RevocationRecord {
    v: u32,
    kind: Text,
    issuer: Option<Text>,
    value: Text,
    not_before: Option<i64>,
    blocked: Option<i64>,
    lifted: Option<i64>,
    expires: Option<i64>,
    reason: Text,
    by: Text,
    at: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionRecord {
    v: u32,
    name: Text,
    value: bool,
    by: Text,
    reason: Text,
    at: i64,
    expires: Option<i64>,
    version: u64,
}

/// The text of a revocation.
pub(in crate::store) fn write_revocation(entry: &Revocation) -> Result<String, RecordError> {
    let Revocation {
        target,
        not_before,
        blocked,
        lifted,
        expires,
        reason,
        by,
        at,
    } = entry;
    write(&RevocationRecord {
        v: VERSION,
        kind: Arc::from(target.kind()),
        issuer: target.issuer().map(ProviderName::shared),
        value: Arc::from(target.value()),
        not_before: not_before.map(Timestamp::millis),
        blocked: blocked.map(Timestamp::millis),
        lifted: lifted.map(Timestamp::millis),
        expires: expires.map(Timestamp::millis),
        reason: Arc::clone(reason),
        by: Arc::clone(by),
        at: at.millis(),
    })
}

/// The revocation of a text.
pub(in crate::store) fn read_revocation(text: &str) -> Result<Revocation, RecordError> {
    let RevocationRecord {
        v: _,
        kind,
        issuer,
        value,
        not_before,
        blocked,
        lifted,
        expires,
        reason,
        by,
        at,
    } = read(text)?;
    Ok(Revocation {
        target: target(&kind, issuer.as_deref(), value)?,
        not_before: not_before.map(Timestamp::from_millis),
        blocked: blocked.map(Timestamp::from_millis),
        lifted: lifted.map(Timestamp::from_millis),
        expires: expires.map(Timestamp::from_millis),
        reason,
        by,
        at: Timestamp::from_millis(at),
    })
}

fn target(kind: &str, issuer: Option<&str>, value: Text) -> Result<Target, RecordError> {
    let issuer = issuer.map(ProviderName::new).transpose().map_err(damaged)?;
    Ok(match (kind, issuer) {
        ("token", Some(issuer)) => Target::Token(issuer, value),
        ("subject", Some(issuer)) => Target::Subject(issuer, value),
        ("actor", Some(issuer)) => Target::Actor(issuer, value),
        ("client", Some(issuer)) => Target::Client(issuer, value),
        ("session", Some(issuer)) => Target::Session(issuer, value),
        ("key", Some(issuer)) => Target::Key(issuer, value),
        ("issuer", Some(issuer)) => Target::Issuer(issuer),
        ("spiffe", None) => Target::Spiffe(value),
        ("spiffe_prefix", None) => Target::SpiffePrefix(value),
        ("api_key", None) => Target::ApiKey(value),
        ("proof_key", None) => Target::ProofKey(value),
        ("owner", None) => Target::Owner(value),
        ("approval", None) => Target::Approval(ApprovalId::parse(&value).map_err(damaged)?),
        _ => return Err(RecordError::Damaged),
    })
}

/// The text of a condition's setting.
pub(in crate::store) fn write_condition(setting: &ConditionSetting) -> Result<String, RecordError> {
    let ConditionSetting {
        name,
        value,
        by,
        reason,
        at,
        expires,
        version,
    } = setting;
    write(&ConditionRecord {
        v: VERSION,
        name: name.shared(),
        value: *value,
        by: Arc::clone(by),
        reason: Arc::clone(reason),
        at: at.millis(),
        expires: expires.map(Timestamp::millis),
        version: *version,
    })
}

/// The setting of a text.
pub(in crate::store) fn read_condition(text: &str) -> Result<ConditionSetting, RecordError> {
    let ConditionRecord {
        v: _,
        name,
        value,
        by,
        reason,
        at,
        expires,
        version,
    } = read(text)?;
    Ok(ConditionSetting {
        name: ConditionName::new(&name).map_err(damaged)?,
        value,
        by,
        reason,
        at: Timestamp::from_millis(at),
        expires: expires.map(Timestamp::from_millis),
        version,
    })
}
