//! Opaque tokens: what they are worth is known to their issuer alone, and asked there (RFC 7662).
//!
//! A known token is answered from memory and never waits: an answer that is in use is asked for again in the background
//! before it ends. An unknown token costs one request, however many checks wait for it; each of them waits no longer than
//! its own deadline. An endpoint that is down, slow or makes no sense is a fault: it lets nobody in, and forgets nobody who
//! is known before their answer's own end. Requests in flight, answers in memory and their sizes are bounded.
//!
//! The token leaves this process only in the body of a request to its own provider's endpoint. It is remembered by its
//! digest. A signed answer (RFC 9701) is not asked for: the connection is authenticated already.

mod answer;
mod circuit;
mod failure;
mod flight;
mod introspector;
mod memory;
mod provider;
mod source;
mod spec;
mod tally;
#[cfg(test)]
mod tests;

pub(super) use answer::Standing;
pub use introspector::Introspector;
pub(super) use provider::IntrospectionProvider;
pub use source::IntrospectionSource;
pub use spec::{AudienceSpec, CacheSpec, ClientAuthSpec, ClientSpec, IntrospectionSpec};
pub use tally::IntrospectionStatus;
