//! The parts of a record that say who asked, for what, and what was done to the request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::model::decision::{RequestFacts, Spent};
use crate::model::identity::{Proof, TokenFacts};
use crate::model::lifecycle::{Level, Raised};
use crate::model::name::ProviderName;
use crate::model::party::{Parties, Party};
use crate::model::verdict::{Constraints, TokenDemand};

use super::line::{Line, key};
use super::text::CUT;

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

pub(super) fn request(line: &mut Line<'_>, request: &RequestFacts) {
    let RequestFacts {
        id,
        method,
        host,
        path,
    } = request;
    line.object(key!("request"), |line| {
        line.text_if(key!("id"), id.as_deref(), FOREIGN_ID);
        line.text(key!("method"), method, 32);
        line.text(key!("host"), host, 255);
        line.text(key!("path"), path, 1024);
    });
}

pub(super) fn parties(line: &mut Line<'_>, parties: &Parties) {
    let Parties {
        subject,
        actor,
        depth,
        prior: _,
    } = parties;
    party(line, key!("subject"), subject);
    if let Some(actor) = actor {
        party(line, key!("actor"), actor);
    }
    let depth = u64::try_from(*depth).unwrap_or(u64::MAX);
    line.number(key!("delegation_depth"), depth);
}

fn party(line: &mut Line<'_>, key: &'static str, party: &Party) {
    line.object(key, |line| {
        line.word(key!("kind"), party.kind.as_str());
        // The anonymous party has no id.
        if let Some(issuer) = &party.id.issuer {
            line.word(key!("issuer"), issuer.as_str());
            line.text(key!("id"), &party.id.id, 384);
        }
        line.text_if(key!("owner"), party.owner.as_deref(), 256);
    });
}

/// A credential's circumstances: never itself, nor what it grants.
pub(super) fn credential(line: &mut Line<'_>, provider: &ProviderName, token: &TokenFacts) {
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
    line.object(key!("credential"), |line| {
        line.word(key!("provider"), provider.as_str());
        line.text_if(key!("token_id"), id.as_deref(), FOREIGN_ID);
        line.moment_if(key!("issued"), *issued);
        line.moment_if(key!("expires"), *expires);
        if *proof != Proof::None {
            line.word(key!("proof"), proof.as_str());
        }
        line.text_if(key!("key"), key.as_deref(), FOREIGN_ID);
    });
}

/// What the checks of identities' lives warn about, the first few; what denied is the record's reason.
pub(super) fn warnings(line: &mut Line<'_>, raised: &[Raised]) {
    let warnings = raised.iter().filter(|raised| raised.level == Level::Warn);
    line.list(key!("warnings"), |line| {
        for raised in warnings.take(MAX_WARNINGS) {
            line.object_item(|line| warning(line, raised));
        }
    });
}

fn warning(line: &mut Line<'_>, raised: &Raised) {
    let Raised {
        check,
        level: _,
        id,
    } = raised;
    let issuer = id.issuer.as_ref();
    line.word(key!("check"), check.as_str());
    line.text_if(key!("issuer"), issuer.map(ProviderName::as_str), WARNED_ID);
    line.text(key!("id"), &id.id, WARNED_ID);
}

/// Names of what was set or removed; values may be secrets.
pub(super) fn constraints(line: &mut Line<'_>, constraints: &Constraints) {
    let Constraints {
        headers,
        strip,
        query,
        strip_query,
        response_headers,
        metadata,
        token,
    } = constraints;
    line.object(key!("constraints"), |line| {
        keys(line, key!("headers"), headers);
        entries(line, key!("strip"), strip);
        keys(line, key!("query"), query);
        entries(line, key!("strip_query"), strip_query);
        keys(line, key!("response_headers"), response_headers);
        keys(line, key!("metadata"), metadata);
        if let Some(token) = token {
            demand(line, token);
        }
    });
}

/// What was demanded of a minted token; the token itself is nowhere, and its id is the decision's.
fn demand(line: &mut Line<'_>, token: &TokenDemand) {
    let TokenDemand {
        audience,
        scope,
        ttl: _,
    } = token;
    line.object(key!("token"), |line| {
        line.text(key!("audience"), audience, FIELD_NAME);
        let scope = scope.iter().map(AsRef::as_ref);
        line.whole_list(key!("scope"), |line| first_few(line, scope, FIELD_NAME));
    });
}

fn keys<V>(line: &mut Line<'_>, key: &'static str, map: &BTreeMap<Arc<str>, V>) {
    names(line, key, map.keys().map(AsRef::as_ref), FIELD_NAME);
}

fn entries(line: &mut Line<'_>, key: &'static str, set: &BTreeSet<Arc<str>>) {
    names(line, key, set.iter().map(AsRef::as_ref), FIELD_NAME);
}

/// The first few names, and a mark if there are more; nothing if there is none.
pub(super) fn names<'a>(
    line: &mut Line<'_>,
    key: &'static str,
    names: impl ExactSizeIterator<Item = &'a str>,
    limit: usize,
) {
    if names.len() > 0 {
        line.list(key, |line| first_few(line, names, limit));
    }
}

fn first_few<'a>(line: &mut Line<'_>, names: impl Iterator<Item = &'a str>, limit: usize) {
    for (at, name) in names.take(MAX_NAMES + 1).enumerate() {
        line.text_item(if at < MAX_NAMES { name } else { CUT }, limit);
    }
}

pub(super) fn durations(line: &mut Line<'_>, spent: &Spent) {
    let Spent {
        total,
        identity,
        policy,
    } = spent;
    line.object(key!("duration_us"), |line| {
        line.number(key!("total"), micros(*total));
        line.number(key!("identity"), micros(*identity));
        line.number(key!("policy"), micros(*policy));
    });
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
