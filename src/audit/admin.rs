//! The record of a change that somebody made through the admin listener.

use crate::model::time::Timestamp;

use super::line::{Line, key};

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

/// The record of a change, appended to `bytes`.
pub(super) fn admin(event: &AdminEvent<'_>, bytes: &mut Vec<u8>) {
    let AdminEvent {
        at,
        action,
        target,
        by,
        result,
        reason,
        expires,
    } = *event;
    Line::write(bytes, "admin", at, |line| {
        line.text(key!("action"), action, NAME);
        line.text_if(key!("target"), target, FOREIGN_ID);
        line.object(key!("by"), |line| author(line, by));
        line.text(key!("result"), result, NAME);
        line.text_if(key!("reason"), reason, FOREIGN_ID);
        line.moment_if(key!("expires"), expires);
    });
}

fn author(line: &mut Line<'_>, by: By<'_>) {
    let By {
        name,
        method,
        id,
        actor,
    } = by;
    line.text_if(key!("name"), name, NAME);
    line.text(key!("method"), method, NAME);
    line.text_if(key!("id"), id, FOREIGN_ID);
    line.text_if(key!("actor"), actor, FOREIGN_ID);
}
