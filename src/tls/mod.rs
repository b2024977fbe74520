//! Server-side TLS for every listener: one place that says which versions and which provider, reads certificates and
//! reads them again when their files change.
//!
//! [`ServerTls`] shakes hands with whatever certificate is in force, within a bound of time and number. A pair that
//! cannot be used never replaces one that can. Who a verified client is, and whether it may come in, others decide: this
//! folder only says which certificate it showed. Nobody else names `rustls`.
//!
//! ```text
//! let tls = ServerTls::load(&spec, &[b"h2"], metrics.tls(Listener::Grpc))?;  // at the start
//! tasks.spawn(watch(tls.clone(), now, stop.clone()));                       // reads changed files again
//! let accepted = tls.accept(stream).await?;                                 // one task or future per connection
//! accepted.certificate                                                     // verified, if `client_ca` is set
//! ```

mod check;
mod crowd;
mod error;
mod material;
mod server;
mod spec;
mod watch;

pub use check::check;
pub use crowd::Crowd;
pub use error::{File, HandshakeError, TlsError};
pub use server::{Accepted, MAX_HANDSHAKES, ServerTls, TlsStream};
pub use spec::TlsSpec;
pub use watch::watch;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
