//! What is remembered of one ruling.

use std::mem::size_of;
use std::time::Instant;

use crate::model::name::RuleId;
use crate::model::reason::Reason;
use crate::model::value::Value;
use crate::model::verdict::{Constraints, Denial, Grant, Remedy, Verdict};
use crate::policy::Ruling;

/// A shared text or an owned one: its place, two counters, and room that is not used.
const TEXT: usize = 48;
/// What the cache itself keeps about an entry, and the entry's own fields that are no texts.
const RECORD: usize = 256;

/// A verdict that was reached, and when.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) verdict: Verdict,
    pub(super) since: Instant,
}

impl Entry {
    /// What is remembered of a ruling; nothing of one that could not be made, that waits for somebody, or that names who asked.
    pub(super) fn of(ruling: &Ruling, since: Instant) -> Option<Self> {
        let verdict = match ruling {
            Ruling::Decided(Verdict::Allow(grant)) if grant.approval.is_none() => {
                Verdict::Allow(grant.clone())
            }
            // Its cause says who it is that no permit matches, and a key need not.
            Ruling::Decided(Verdict::Deny(denial)) if denial.reason != Reason::NotPermitted => {
                Verdict::Deny(denial.clone())
            }
            Ruling::Decided(
                Verdict::Allow(_) | Verdict::Deny(_) | Verdict::Pending(_) | Verdict::Fault(_),
            )
            | Ruling::Awaits(_) => return None,
        };
        Some(Self { verdict, since })
    }

    /// Bytes that it takes, by estimate.
    pub(super) fn weight(&self) -> u32 {
        let own = match &self.verdict {
            Verdict::Allow(grant) => of_grant(grant),
            Verdict::Deny(denial) => of_denial(denial),
            Verdict::Pending(_) | Verdict::Fault(_) => 0,
        };
        u32::try_from(size_of::<Self>() + RECORD + own).unwrap_or(u32::MAX)
    }
}

fn of_grant(grant: &Grant) -> usize {
    let Grant {
        permits,
        constraints,
        approval: _,
    } = grant;
    let Constraints {
        headers,
        strip,
        query,
        strip_query,
        response_headers,
        metadata,
        token,
    } = constraints;
    let permits: usize = permits.iter().map(|it| text(RuleId::as_str(it))).sum();
    let set = [headers, query, response_headers].into_iter().flatten();
    let set: usize = set.map(|(name, value)| text(name) + text(value)).sum();
    let removed: usize = strip.iter().chain(strip_query).map(|it| text(it)).sum();
    let metadata: usize = metadata
        .iter()
        .map(|(name, value)| text(name) + of_value(value))
        .sum();
    let scopes = token.iter().flat_map(|demand| &demand.scope);
    permits + set + removed + metadata + scopes.map(|scope| text(scope)).sum::<usize>()
}

fn of_denial(denial: &Denial) -> usize {
    let Denial {
        reason: _,
        remedy,
        rule,
        cause,
    } = denial;
    let remedy = match remedy {
        Some(Remedy::Scope { missing, needed }) => {
            missing.iter().chain(needed).map(|it| text(it)).sum()
        }
        Some(Remedy::StepUp(demand)) => demand.acr.iter().map(|it| text(it)).sum(),
        Some(Remedy::Authenticate | Remedy::Proof(_)) | None => 0,
    };
    let rule = rule.as_ref().map_or(0, |rule| text(rule.as_str()));
    remedy + rule + cause.as_deref().map_or(0, text)
}

fn of_value(value: &Value) -> usize {
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Timestamp(_) => 0,
        Value::String(it) => text(it),
        Value::List(items) => items.iter().map(of_value).sum(),
        Value::Map(entries) => entries
            .iter()
            .map(|(name, value)| text(name) + of_value(value))
            .sum(),
    };
    size_of::<Value>() + inner
}

fn text(text: &str) -> usize {
    text.len() + TEXT
}
