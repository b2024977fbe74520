//! One decision: the verdict and everything that its answer, its record and its metrics say about it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::identity::TokenFacts;
use super::lifecycle::Raised;
use super::name::{ActionId, ProviderName, RouteId};
use super::party::Parties;
use super::request::AccessRequest;
use super::risk::Risk;
use super::route::{Asked, Protocol, Tier};
use super::rpc::RpcFacts;
use super::spiffe::SpiffeId;
use super::time::Timestamp;
use super::verdict::Verdict;

/// The id of a decision: a `UUIDv7` in its usual form, so that ids sort by time.
#[derive(Clone)]
pub struct DecisionId(Text);

/// Most ids are made for one check and forgotten, so that their text stands in its place.
#[derive(Clone)]
enum Text {
    Uuid([u8; 36]),
    Shared(Arc<str>),
}

impl DecisionId {
    /// Wraps an id that was made elsewhere.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(Text::Shared(text.into()))
    }

    /// The usual form of a UUID (RFC 9562, section 4): five groups of hexadecimal digits.
    pub fn of_uuid(uuid: u128) -> Self {
        let mut text = [b'-'; 36];
        let mut places = text.iter_mut();
        for (at, byte) in uuid.to_be_bytes().into_iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                places.next();
            }
            for digit in [byte >> 4, byte & 0xf] {
                if let Some(place) = places.next() {
                    *place = hexadecimal(digit);
                }
            }
        }
        Self(Text::Uuid(text))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Digits and dashes.
            Text::Uuid(text) => str::from_utf8(text).unwrap_or_default(),
            Text::Shared(text) => text,
        }
    }
}

const fn hexadecimal(digit: u8) -> u8 {
    match digit {
        0..=9 => b'0' | digit,
        _ => b'a' - 10 + digit,
    }
}

impl PartialEq for DecisionId {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for DecisionId {}

impl Hash for DecisionId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A verdict and its circumstances.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Its id; answer, record and access log share it.
    pub id: DecisionId,
    /// When it was made.
    pub at: Timestamp,
    /// How it ended.
    pub verdict: Verdict,
    /// The request, as far as it was understood.
    pub request: Option<RequestFacts>,
    /// Whether the caller speaks gRPC, and so reads a status where others read a document.
    pub grpc: bool,
    /// The Envoy that asked, where it had to show who it is.
    pub gateway: Option<Arc<str>>,
    /// The route, once found.
    pub route: Option<RouteFacts>,
    /// The message, where the route speaks JSON-RPC and the message could be read.
    pub rpc: Option<RpcFacts>,
    /// The document that answers a request for it; JSON.
    pub document: Option<Arc<str>>,
    /// The action, once found, and its tier.
    pub action: Option<(ActionId, Tier)>,
    /// The arguments that it was decided on, where it has any.
    pub arguments: Option<ArgumentFacts>,
    /// What the signals of the action say, where it has any.
    pub risk: Option<Risk>,
    /// The parties, once known.
    pub parties: Option<Parties>,
    /// The credential that was verified, and by which provider.
    pub credential: Option<(ProviderName, Arc<TokenFacts>)>,
    /// The workload that called, once known.
    pub workload: Option<SpiffeId>,
    /// What the answer says about proofs of possession, where the route takes tokens.
    pub dpop: Option<DpopFacts>,
    /// What the checks of the identities' lives found: warnings, and at the end the one that denied, if one did.
    pub lifecycle: Vec<Raised>,
    /// The version of the snapshot that decided.
    pub policy_version: Arc<str>,
    /// How long it took.
    pub spent: Spent,
}

/// What a record says about a request: never a query, a header or a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFacts {
    /// Envoy's request id.
    pub id: Option<String>,
    /// Method.
    pub method: String,
    /// Canonical host.
    pub host: String,
    /// Canonical path.
    pub path: String,
}

impl From<&AccessRequest> for RequestFacts {
    fn from(request: &AccessRequest) -> Self {
        Self {
            id: request.id.clone(),
            method: request.method.clone(),
            host: request.host.clone(),
            path: request.path.clone(),
        }
    }
}

/// What a record says about arguments: never their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentFacts {
    /// The declared arguments that the request has.
    pub names: Vec<Arc<str>>,
    /// SHA-256 of the canonical form (RFC 8785) of all arguments, declared or not.
    pub digest: Option<[u8; 32]>,
}

impl ArgumentFacts {
    /// What was asked, without values; none if it has no arguments.
    pub fn of(asked: Asked) -> Option<Self> {
        let Asked {
            args,
            arguments_digest: digest,
            ..
        } = asked;
        let any = !args.is_empty() || digest.is_some();
        any.then(|| Self {
            names: args.into_keys().collect(),
            digest,
        })
    }
}

/// What an answer needs of the route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteFacts {
    /// Its id.
    pub id: RouteId,
    /// Its external URL; the realm of its challenges.
    pub url: Arc<str>,
    /// What its challenges ask for.
    pub schemes: Schemes,
    /// What is spoken on it, and so how its refusals look.
    pub protocol: Protocol,
}

/// The kinds of credentials of a route that a challenge can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schemes {
    /// Tokens in the `authorization` header or in a cookie.
    pub tokens: bool,
    /// API keys.
    pub api_keys: bool,
}

/// What a caller is told about proofs of possession (RFC 9449, sections 7.1 and 8).
#[derive(Clone, PartialEq, Eq)]
pub struct DpopFacts {
    /// Whether this request presents its token with the scheme `DPoP`.
    pub presented: bool,
    /// The accepted algorithms, with spaces between them.
    pub algorithms: Arc<str>,
    /// The nonce for the next proof, where proofs need one.
    pub nonce: Option<Box<str>>,
}

impl fmt::Debug for DpopFacts {
    /// Without the nonce: no log has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopFacts")
            .field("presented", &self.presented)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// Time that the phases of a check took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// From the request's arrival to the verdict.
    pub total: Duration,
    /// Verifying the credential and joining the parties.
    pub identity: Duration,
    /// Evaluating the rules.
    pub policy: Duration,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_id_is_its_text_however_it_was_made() {
        let text = "0198c0de-1234-7abc-8def-0123456789ab";
        let made = DecisionId::of_uuid(0x0198_c0de_1234_7abc_8def_0123_4567_89ab);
        assert_eq!(made.as_str(), text);
        assert_eq!(made, DecisionId::new(text));
        assert_ne!(made, DecisionId::new("d-1"));
        assert!(HashSet::from([made]).contains(&DecisionId::new(text)));
        let least = DecisionId::of_uuid(0xf);
        assert_eq!(least.as_str(), "00000000-0000-0000-0000-00000000000f");
    }
}
