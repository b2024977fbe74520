//! The parts of a record that say who asked, for what, and what was done to the request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::model::decision::{RequestFacts, Spent};
use crate::model::identity::{Proof, TokenFacts};
use crate::model::lifecycle::{Level, Raised};
use crate::model::name::ProviderName;
use crate::model::party::Party;
use crate::model::time::Timestamp;
use crate::model::verdict::Constraints;

use super::text::{CUT, Text};

/// Ids that others make: of requests, tokens and keys.
const FOREIGN_ID: usize = 160;
/// Most names of one kind of constraint, and of permits.
const MAX_NAMES: usize = 8;
/// Most warnings about identities.
const MAX_WARNINGS: usize = 8;
/// Longest identity that a warning names; the parties stand in the record at greater length.
const WARNED_ID: usize = 96;
/// Longest name of a header, parameter or metadata entry.
const FIELD_NAME: usize = 48;

#[derive(Serialize)]
pub(super) struct RequestLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Text<'a>>,
    method: Text<'a>,
    host: Text<'a>,
    path: Text<'a>,
}

impl<'a> RequestLine<'a> {
    pub(super) fn of(request: &'a RequestFacts) -> Self {
        let RequestFacts {
            id,
            method,
            host,
            path,
        } = request;
        Self {
            id: id.as_deref().map(|id| Text::new(id, FOREIGN_ID)),
            method: Text::new(method, 32),
            host: Text::new(host, 255),
            path: Text::new(path, 1024),
        }
    }
}

#[derive(Serialize)]
pub(super) struct PartyLine<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Text<'a>>,
}

impl<'a> PartyLine<'a> {
    pub(super) fn of(party: &'a Party) -> Self {
        let issuer = party.id.issuer.as_ref();
        Self {
            kind: party.kind.as_str(),
            issuer: issuer.map(ProviderName::as_str),
            // The anonymous party has no id.
            id: issuer.map(|_| Text::new(&party.id.id, 384)),
            owner: party.owner.as_deref().map(|owner| Text::new(owner, 256)),
        }
    }
}

/// A credential's circumstances: never itself, nor what it grants.
#[derive(Serialize)]
pub(super) struct CredentialLine<'a> {
    provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Text<'a>>,
}

impl<'a> CredentialLine<'a> {
    pub(super) fn of(provider: &'a ProviderName, token: &'a TokenFacts) -> Self {
        let TokenFacts {
            scope: _,
            audience: _,
            expires,
            issued,
            id,
            key,
            bindable: _,
            proof,
            bound: _,
            session: _,
        } = token;
        Self {
            provider: provider.as_str(),
            token_id: id.as_deref().map(|id| Text::new(id, FOREIGN_ID)),
            issued: issued.map(Moment),
            expires: expires.map(Moment),
            proof: (*proof != Proof::None).then(|| proof.as_str()),
            key: key.as_deref().map(|key| Text::new(key, FOREIGN_ID)),
        }
    }
}

/// What a check of an identity's life warns about.
#[derive(Serialize)]
pub(super) struct WarningLine<'a> {
    check: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<Text<'a>>,
    id: Text<'a>,
}

impl<'a> WarningLine<'a> {
    /// The first few; what denied is the record's reason.
    pub(super) fn of(raised: &'a [Raised]) -> Vec<Self> {
        let warnings = raised.iter().filter(|raised| raised.level == Level::Warn);
        let lines = warnings.take(MAX_WARNINGS).map(|raised| {
            let Raised {
                check,
                level: _,
                id,
            } = raised;
            let issuer = id.issuer.as_ref();
            Self {
                check: check.as_str(),
                issuer: issuer.map(|issuer| Text::new(issuer.as_str(), WARNED_ID)),
                id: Text::new(&id.id, WARNED_ID),
            }
        });
        lines.collect()
    }
}

/// Names of what was set or removed; values may be secrets.
#[derive(Serialize)]
pub(super) struct ConstraintsLine<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    strip: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    query: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    strip_query: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    response_headers: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metadata: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<TokenLine<'a>>,
}

/// What was demanded of a minted token; the token itself is nowhere, and its id is the decision's.
#[derive(Serialize)]
struct TokenLine<'a> {
    audience: Text<'a>,
    scope: Vec<Text<'a>>,
}

impl<'a> ConstraintsLine<'a> {
    pub(super) fn of(constraints: &'a Constraints) -> Option<Self> {
        let Constraints {
            headers,
            strip,
            query,
            strip_query,
            response_headers,
            metadata,
            token,
        } = constraints;
        let line = Self {
            headers: keys(headers),
            strip: names(strip.iter().map(AsRef::as_ref), FIELD_NAME),
            query: keys(query),
            strip_query: names(strip_query.iter().map(AsRef::as_ref), FIELD_NAME),
            response_headers: keys(response_headers),
            metadata: keys(metadata),
            token: token.as_ref().map(|token| TokenLine {
                audience: Text::new(&token.audience, FIELD_NAME),
                scope: names(token.scope.iter().map(AsRef::as_ref), FIELD_NAME),
            }),
        };
        (constraints != &Constraints::default()).then_some(line)
    }
}

fn keys<V>(map: &BTreeMap<Arc<str>, V>) -> Vec<Text<'_>> {
    names(map.keys().map(AsRef::as_ref), FIELD_NAME)
}

/// The first few names, and a mark if there are more.
pub(super) fn names<'a>(names: impl Iterator<Item = &'a str>, limit: usize) -> Vec<Text<'a>> {
    names
        .take(MAX_NAMES + 1)
        .enumerate()
        .map(|(at, name)| Text::new(if at < MAX_NAMES { name } else { CUT }, limit))
        .collect()
}

#[derive(Serialize)]
pub(super) struct DurationLine {
    total: u64,
    identity: u64,
    policy: u64,
}

impl DurationLine {
    pub(super) fn of(spent: &Spent) -> Self {
        let Spent {
            total,
            identity,
            policy,
        } = spent;
        Self {
            total: micros(*total),
            identity: micros(*identity),
            policy: micros(*policy),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A moment in RFC 3339.
pub(super) struct Moment(pub(super) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
