//! The one canonical request that is matched, decided, digested and logged.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::header;
pub use super::headers::Headers;
use super::name::RouteId;
use super::time::Timestamp;
use super::value::Value;

/// A request, canonical and unambiguous. Absent stays absent: nothing here is a default that Envoy did not send.
#[derive(Clone)]
pub struct AccessRequest {
    /// Our clock, read once.
    pub now: Timestamp,
    /// Envoy's id of the request, for correlation only.
    pub id: Option<String>,
    /// Method, exactly as sent: methods are case-sensitive.
    pub method: String,
    /// Host: lower case, without port and trailing dot; IPv6 in brackets.
    pub host: String,
    /// Path with every segment percent-decoded. It starts with `/` and has no dot, empty or ambiguous segments;
    /// it ends with `/` only if the request's path did.
    pub path: String,
    /// The path exactly as received, without the query; for comparing with what a proof of possession names.
    pub raw_path: String,
    /// Decoded query parameters, in order.
    pub query: Query,
    /// Headers, lower case, one entry a name.
    pub headers: Headers,
    /// `:scheme`, when Envoy knows it.
    pub scheme: Option<String>,
    /// HTTP version as Envoy names it; no rule reads it.
    pub protocol: Option<String>,
    /// The body, as far as Envoy sent it.
    pub body: Body,
    /// The downstream side of the connection.
    pub source: Peer,
    /// Server name of the TLS handshake.
    pub sni: Option<String>,
    /// Static per-route values from Envoy's configuration.
    pub context_extensions: BTreeMap<String, String>,
    /// Dynamic metadata of the namespaces that Envoy was told to send.
    pub metadata: BTreeMap<String, Value>,
    /// Metadata of the selected route.
    pub route_metadata: BTreeMap<String, Value>,
    /// The Envoy that asks, where the listener authenticates those who do.
    pub gateway: Option<Arc<Gateway>>,
}

impl AccessRequest {
    /// Whether it is a gRPC call.
    pub fn is_grpc(&self) -> bool {
        self.headers.get(header::CONTENT_TYPE).is_some_and(is_grpc)
    }
}

/// Whether a request with this `content-type` is a gRPC call (gRPC over HTTP/2, "Requests").
pub fn is_grpc(content_type: &str) -> bool {
    const GRPC: &str = "application/grpc";
    let start = content_type.get(..GRPC.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
}

/// An Envoy that has shown who it is, and what it may ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its identity: a SPIFFE ID, or `dns:` and a name.
    pub id: Arc<str>,
    /// The tenant whose routes it may ask about; none means any.
    pub tenant: Option<Arc<str>>,
    /// The routes that it may ask about; none means any.
    pub routes: Option<Vec<RouteId>>,
}

impl fmt::Debug for AccessRequest {
    /// Method, host and path; never a query, a header or a body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "AccessRequest({} {}{})",
            self.method, self.host, self.path
        )
    }
}

/// One side of a connection, as Envoy saw it.
#[derive(Clone, Default)]
pub struct Peer {
    /// Its address.
    pub ip: Option<IpAddr>,
    /// The identity in its certificate that Envoy verified: a URI SAN, else a DNS SAN, else the subject.
    pub principal: Option<String>,
    /// Its certificate in PEM, URL-decoded.
    pub certificate: Option<String>,
}

/// Query parameters, percent-decoded; `+` is a space, as in HTML forms. All of them in one text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Query {
    text: String,
    /// Where the name of each ends in it, and where its value does.
    ends: Vec<(usize, usize)>,
}

impl Query {
    /// Parameters in the order of the request.
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        let mut query = Self::default();
        for (name, value) in pairs {
            query.push(&name, &value);
        }
        query
    }

    /// None yet, with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            ends: Vec::new(),
        }
    }

    /// Adds the last one.
    pub fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        let name_ends = self.text.len();
        self.text.push_str(value);
        self.ends.push((name_ends, self.text.len()));
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.ends.len()
    }

    /// All parameters.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut begins = 0;
        self.ends.iter().map(move |(name_ends, value_ends)| {
            let name = self.text.get(begins..*name_ends);
            let value = self.text.get(*name_ends..*value_ends);
            begins = *value_ends;
            (name.unwrap_or_default(), value.unwrap_or_default())
        })
    }

    /// Every value of `name`.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The value of `name`; callers refuse repeated names first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// A name that occurs more than once, if there is one among those that `relevant` selects.
    pub fn repeated(&self, relevant: impl Fn(&str) -> bool) -> Option<&str> {
        let mut seen = std::collections::HashSet::new();
        self.iter()
            .map(|(name, _)| name)
            .find(|name| !seen.insert(*name) && relevant(name))
    }
}

/// The body of a request, as far as Envoy sent it.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// Envoy sent none.
    Absent,
    /// Bytes, and why they may not be the whole truth.
    Sent {
        /// What arrived.
        bytes: Arc<[u8]>,
        /// Whether they are the body's exact bytes, from its first to its last.
        fidelity: Fidelity,
    },
}

/// How far the body that Envoy sent can be trusted to be the one that the upstream gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fidelity {
    /// Every byte, unchanged (`raw_body`), and as many as `content-length` says.
    Exact,
    /// From the `body` field: valid UTF-8, and bytes that were none may have been replaced.
    Sanitised,
    /// Cut at Envoy's `max_request_bytes`.
    Partial,
    /// Every byte that came, and nothing says how many there are: the request has no `content-length`.
    Unmeasured,
}

/// Writes names but no values: requests hold credentials.
macro_rules! redacted_debug {
    ($($type:ty => |$value:ident| $shown:expr;)*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $value = self;
                write!(f, "{}({:?})", stringify!($type), $shown)
            }
        }
    )*};
}

redacted_debug! {
    Peer => |peer| (peer.ip, peer.principal.as_deref());
    Query => |query| query.iter().map(|(name, _)| name).collect::<Vec<_>>();
    Body => |body| match body {
        Body::Absent => None,
        Body::Sent { bytes, fidelity } => Some((bytes.len(), *fidelity)),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_value() {
        let headers = Headers::new([("authorization", "Bearer s3cret")]);
        let query = Query::new(vec![("token".into(), "s3cret".into())]);
        let text = format!("{headers:?} {query:?}");
        assert_eq!(text, "Headers([\"authorization\"]) Query([\"token\"])");
    }

    #[test]
    fn repeated_names_are_found_among_the_relevant_ones() {
        let pairs = [("a", "1"), ("b", "2"), ("a", "3")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let query = Query::new(pairs.to_vec());
        assert_eq!(query.repeated(|_| true), Some("a"));
        assert_eq!(query.repeated(|name| name == "b"), None);
    }
}
