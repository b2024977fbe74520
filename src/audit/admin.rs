//! The record of a change that somebody made through the admin listener.

use serde::Serialize;

use crate::model::time::Timestamp;

use super::parts::Moment;
use super::record::encode;
use super::text::Text;

/// Names of entries, actions and results have at most this length already.
const NAME: usize = 128;
/// Ids that others make: of parties, certificates and what is changed.
const FOREIGN_ID: usize = 512;

/// What was changed, by whom, and how that ended.
#[derive(Clone, Copy, Debug)]
pub struct AdminEvent<'a> {
    /// When it ended.
    pub at: Timestamp,
    /// What was asked for, for example `reload`.
    pub action: &'a str,
    /// What it was done to, where it was done to one thing.
    pub target: Option<&'a str>,
    /// Who asked.
    pub by: By<'a>,
    /// How it ended, for example `applied`.
    pub result: &'a str,
    /// Why, where somebody said why.
    pub reason: Option<&'a str>,
    /// Until when it counts, where it ends by itself.
    pub expires: Option<Timestamp>,
}

/// Who changed something.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// What the configuration calls them.
    pub name: Option<&'a str>,
    /// How they were verified.
    pub method: &'a str,
    /// Who they are, where that is known.
    pub id: Option<&'a str>,
    /// Who acted for them, where somebody did.
    pub actor: Option<&'a str>,
}

#[derive(Serialize)]
struct AdminLine<'a> {
    #[serde(rename = "type")]
    of: &'static str,
    time: Moment,
    action: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Text<'a>>,
    by: ByLine<'a>,
    result: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Moment>,
}

#[derive(Serialize)]
struct ByLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text<'a>>,
    method: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Text<'a>>,
}

/// The record of a change.
pub(super) fn admin(event: &AdminEvent<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let AdminEvent {
        at,
        action,
        target,
        by,
        result,
        reason,
        expires,
    } = *event;
    let By {
        name,
        method,
        id,
        actor,
    } = by;
    let foreign = |text| Text::new(text, FOREIGN_ID);
    encode(&AdminLine {
        of: "admin",
        time: Moment(at),
        action: Text::new(action, NAME),
        target: target.map(foreign),
        by: ByLine {
            name: name.map(|name| Text::new(name, NAME)),
            method: Text::new(method, NAME),
            id: id.map(foreign),
            actor: actor.map(foreign),
        },
        result: Text::new(result, NAME),
        reason: reason.map(foreign),
        expires: expires.map(Moment),
    })
}
