//! The answer of an allow, written into bytes as it is: most requests are allowed, and a tree of messages that is only made
//! to be encoded costs more than all the rest of an answer. A test holds it to what [`check_response`](super::check_response)
//! says.

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;

use super::mutation::{self, Unfit};
use super::wire::Wire;
use super::{DPOP_NONCE, metadata, presented_nonce};
use crate::model::decision::Decision;
use crate::model::verdict::{Constraints, Verdict};

/// Fields of `envoy.service.auth.v3.CheckResponse`.
const STATUS: u8 = 1;
const OK_RESPONSE: u8 = 3;
const DYNAMIC_METADATA: u8 = 4;
/// Fields of `envoy.service.auth.v3.OkHttpResponse`.
const HEADERS: u8 = 2;
const HEADERS_TO_REMOVE: u8 = 5;
const RESPONSE_HEADERS_TO_ADD: u8 = 6;
const QUERY_PARAMETERS_TO_SET: u8 = 7;
const QUERY_PARAMETERS_TO_REMOVE: u8 = 8;
/// Fields of `envoy.config.core.v3.HeaderValueOption`.
const HEADER: u8 = 1;
const APPEND_ACTION: u8 = 3;
/// Fields of `envoy.config.core.v3.HeaderValue`, and of `QueryParameter`.
const KEY: u8 = 1;
const VALUE: u8 = 2;

/// Appends the answer of an allow to `out`, as [`check_response`](super::check_response) makes it and `prost` encodes it.
/// A decision that is no allow, or whose constraints Envoy could not carry out exactly, is unfit for that, and `out` stays
/// as it was.
pub(super) fn encode_allow(decision: &Decision, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let Verdict::Allow(grant) = &decision.verdict else {
        return Err(Unfit);
    };
    let before = out.len();
    let written = answer(&mut Wire::new(out), decision, &grant.constraints);
    if written.is_err() {
        out.truncate(before);
    }
    written
}

fn answer(
    wire: &mut Wire<'_>,
    decision: &Decision,
    constraints: &Constraints,
) -> Result<(), Unfit> {
    // `OK` is 0 and has no message, so that nothing of it is written.
    wire.message(STATUS, |_ok| {});
    wire.message(OK_RESPONSE, |wire| {
        ok_response(wire, constraints, presented_nonce(decision))
    })?;
    wire.message(DYNAMIC_METADATA, |wire| {
        metadata::write(wire, decision, &constraints.metadata)
    })
}

fn ok_response(
    wire: &mut Wire<'_>,
    constraints: &Constraints,
    nonce: Option<&str>,
) -> Result<(), Unfit> {
    let Constraints {
        headers,
        strip,
        query,
        strip_query,
        response_headers,
        metadata: _,
        token: _,
    } = constraints;
    for header in mutation::set(headers)? {
        option(wire, HEADERS, header?);
    }
    for name in mutation::removed(headers, strip)? {
        wire.text(HEADERS_TO_REMOVE, name?);
    }
    for header in mutation::set(response_headers)? {
        let (name, value) = header?;
        if nonce.is_none() || name != DPOP_NONCE {
            option(wire, RESPONSE_HEADERS_TO_ADD, (name, value));
        }
    }
    if let Some(nonce) = nonce {
        option(wire, RESPONSE_HEADERS_TO_ADD, (DPOP_NONCE, nonce));
    }
    for parameter in mutation::set_query(query)? {
        let (name, value) = parameter?;
        wire.message(QUERY_PARAMETERS_TO_SET, |wire| pair(wire, name, &value));
    }
    for name in mutation::removed_query(query, strip_query)? {
        wire.text(QUERY_PARAMETERS_TO_REMOVE, name?);
    }
    Ok(())
}

/// A header that overwrites whatever was there.
fn option(wire: &mut Wire<'_>, field: u8, (name, value): (&str, &str)) {
    wire.message(field, |wire| {
        wire.message(HEADER, |wire| pair(wire, name, value));
        wire.number(
            APPEND_ACTION,
            HeaderAppendAction::OverwriteIfExistsOrAdd as u8,
        );
    });
}

/// A name and its value; protocol buffers leave an empty text out.
fn pair(wire: &mut Wire<'_>, name: &str, value: &str) {
    wire.text(KEY, name);
    if !value.is_empty() {
        wire.text(VALUE, value);
    }
}
