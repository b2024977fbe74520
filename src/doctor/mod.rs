//! What an Envoy configuration would let pass undecided, or decided about something else than what is forwarded.
//!
//! Envoy takes all that is reported here without a word: `envoy --mode validate` says that it is fine. A configuration is read as
//! it was written (a bootstrap file, a file of resources) or as Envoy runs it (`/config_dump`); what is neither is refused, so that
//! a configuration is never said to be sound because nothing of it was understood.
//!
//! Nothing here runs, changes or decides anything. [`Needs`] is what countersign's own configuration reads and sets, so that both sides
//! can be compared.

mod at;
mod body;
mod caller;
mod cluster;
mod connection_manager;
mod endpoint;
mod estate;
mod examine;
mod fetch;
mod filter;
mod forwarding;
mod headers;
mod http_filter;
mod listener;
mod matcher;
mod mcp;
mod mutation;
mod named;
mod needs;
mod normalisation;
mod order;
mod passed_on;
mod report;
mod route;
mod sent;
mod service;
mod trap;
mod upgrade;
mod wanted;

pub use examine::{Examined, MAX_BYTES, examine};
pub use fetch::{FetchError, fetch};
pub use headers::{By, HeaderName, Need, RequestHeaders};
pub use needs::Needs;
pub use trap::{Trap, TrapError};
