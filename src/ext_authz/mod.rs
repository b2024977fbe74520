//! The Envoy edge: `CheckRequest` in, `CheckResponse` out. Only this folder knows Envoy and gRPC.
//!
//! [`access_request`] and [`check_response`] are pure, so that `explain`, the benches and the tests run what `serve`
//! runs. Between them stands the authorizer; nothing here decides, and nothing here reads a policy.

pub mod capture;
mod clock;
mod connection;
mod deadline;
mod describe;
mod envoys;
mod gathered;
mod health;
mod limit;
mod method;
mod peer;
mod percent;
mod reflection;
mod request;
mod response;
mod secure;
mod server;
mod service;
mod socket;
mod spec;
mod transport;
mod wire;

pub use clock::now;
pub use describe::DescribedRequest;
pub use envoys::{EnvoySpec, Envoys};
pub use limit::Load;
pub use peer::AllowList;
pub use request::{access_request, read_request};
pub use response::{answer, check_response};
pub use server::{Bound, Drained, Edge, EdgeError, MAX_MESSAGE};
pub use socket::SocketError;
pub use spec::{DrainSpec, Grpc, GrpcSpec, SpecError};
