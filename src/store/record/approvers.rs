//! What an approval remembers of whose approval it needs.

use serde::{Deserialize, Serialize};

use super::{RecordError, Text, damaged};
use crate::model::approver::{Approvers, Who};
use crate::model::glob::Glob;
use crate::model::name::ProviderName;
use crate::model::party::Kind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApproversRecord {
    who: Vec<WhoRecord>,
    quorum: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhoRecord {
    issuer: Vec<Text>,
    kind: Vec<Text>,
    id: Vec<Text>,
    group: Vec<Text>,
}

pub(super) fn approvers_record(approvers: &Approvers) -> ApproversRecord {
    let Approvers { who, quorum } = approvers;
    ApproversRecord {
        who: who.iter().map(who_record).collect(),
        quorum: *quorum,
    }
}

fn who_record(who: &Who) -> WhoRecord {
    let Who {
        issuer,
        kind,
        id,
        group,
    } = who;
    let texts = |globs: &[Glob]| globs.iter().map(|glob| Text::from(glob.as_str())).collect();
    WhoRecord {
        issuer: issuer.iter().map(ProviderName::shared).collect(),
        kind: kind.iter().map(|kind| Text::from(kind.as_str())).collect(),
        id: texts(id),
        group: texts(group),
    }
}

pub(super) fn read_approvers(record: ApproversRecord) -> Result<Approvers, RecordError> {
    let ApproversRecord { who, quorum } = record;
    let who: Result<_, _> = who.into_iter().map(read_who).collect();
    Ok(Approvers { who: who?, quorum })
}

fn read_who(record: WhoRecord) -> Result<Who, RecordError> {
    let WhoRecord {
        issuer,
        kind,
        id,
        group,
    } = record;
    let issuer: Result<_, _> = issuer.iter().map(|name| ProviderName::new(name)).collect();
    let kind: Result<_, _> = kind.iter().map(|kind| kind.parse::<Kind>()).collect();
    let globs = |texts: Vec<Text>| texts.iter().map(|text| Glob::identifier(text)).collect();
    Ok(Who {
        issuer: issuer.map_err(damaged)?,
        kind: kind.map_err(damaged)?,
        id: globs(id),
        group: globs(group),
    })
}
