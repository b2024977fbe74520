//! The approval that a caller waits for, as every form of an answer spells it in JSON. It names the approval and the places where
//! it is looked at: nothing of the call, of who asks, or of who may approve.

use serde::Serialize;

use super::told::Told;
use crate::model::approval::Ticket;

/// Longest URL that is told, in bytes. Some answers have it three times, beside an id and a name of the caller's: a longer one
/// could make them longer than Envoy passes on, and is left out.
const MAX_URL: usize = 400;

/// What is waited for.
#[derive(Serialize)]
pub(super) struct ApprovalDocument<'a> {
    pub(super) id: &'a str,
    /// Where whoever asks may ask how it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_url: Option<&'a str>,
    /// Where people look at it, and decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<&'a str>,
    /// Until when it can be decided (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
    /// Seconds after which it is worth asking again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after: Option<u32>,
}

impl<'a> ApprovalDocument<'a> {
    /// The approval of this answer, if it is about one that exists.
    pub(super) fn of(told: &Told<'a>) -> Option<Self> {
        let Ticket {
            id,
            rule: _,
            expires,
            url,
            status_url,
        } = told.ticket?;
        Some(Self {
            id: id.as_ref()?.as_str(),
            status_url: plain(status_url.as_deref()),
            url: plain(url.as_deref()),
            expires: expires.map(|moment| moment.to_string()),
            retry_after: told.retry_after,
        })
    }
}

/// A URL as it can be told everywhere: in JSON without escapes, in a line for gRPC, in a sentence.
fn plain(url: Option<&str>) -> Option<&str> {
    let fit = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    url.filter(|url| url.len() <= MAX_URL && url.bytes().all(fit))
}
