//! Who asks: the credential of a request, verified into facts.
//!
//! A provider verifies one kind of credential of one source: a signed access token (RFC 9068), an opaque one
//! (`introspection`), a JWT-SVID (`svid`), an API key (`api_key`) or a client certificate (`mtls`). The way of a signed token: read it, find the route's provider with
//! exactly its `iss`, verify its signature with that provider's keys, check that it is an access token at all, check its
//! dates, audience and subject, map its claims to an identity, read the claims that policies may see, read the chain of
//! those who act, and see that the caller has the key that the token is bound to (`proof`). An opaque token is asked for at
//! its issuer, and what is said about it is read in the same way. Whatever is present and not understood refuses the token;
//! nothing makes it anonymous.
//!
//! The outcome is what the token states, not who the parties are: the registry has more to say, and the authorizer joins
//! both. No verification reads the clock of dates, only an issuer that is asked and the memory of used proofs are waited
//! for, and nothing puts a byte of a credential or a value of a claim into an error.

mod accepted;
mod api_key;
mod authenticate;
mod carried;
mod chain;
mod check;
mod claims;
mod credential;
mod declared;
mod introspection;
mod kind;
mod mapped;
mod mapping;
mod mesh;
mod mtls;
mod opaque;
mod payload;
mod place;
mod preset;
mod proof;
mod provider;
mod providers;
mod reading;
mod refusal;
mod resources;
mod signed;
mod spec;
mod standard;
mod svid;
mod times;
mod token_type;
mod verified;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use accepted::AcceptedTokens;
pub use api_key::{
    ApiKeyProvider, ApiKeySpec, ApiKeyTask, ApiKeys, Issued, Network, NetworkError, NewKey,
    NewKeyError,
};
pub use introspection::{
    AudienceSpec, CacheSpec, ClientAuthSpec, ClientSpec, IntrospectionSource, IntrospectionSpec,
    IntrospectionStatus, Introspector,
};
pub use mtls::{MtlsSpec, WorkloadKind};
pub use proof::{DpopSettings, DpopSpec, NonceSpec};
pub use providers::{CheckedProviders, Clock, Providers};
pub use refusal::Refusal;
pub use resources::Resources;
pub use spec::{
    ClaimFields, ClaimSpec, JwtSpec, MapSpec, PresetName, ProviderSpec, UnregisteredClientSpec,
};
pub use svid::{BundleSpec, JwtSvidSpec};
pub use verified::VerifiedTokens;
