//! Through a real Envoy 1.40, with the project's own `envoy/envoy.yaml`: a client's bytes go in, what reached the upstream
//! comes out, and countersign decides between.
//!
//! No Envoy, no proof: where it can neither be found nor installed, these tests fail and say what to install.

mod answers;
mod arguments;
mod bodies;
mod certs;
mod chain;
pub(crate) mod client;
mod doctor;
mod failing;
mod grpc;
mod hostile;
mod listed;
mod mesh;
mod minted;
mod moving;
mod mutations;
mod mutual;
pub(crate) mod process;
mod proof;
mod records;
mod revoked;
mod socket;
pub(crate) mod stage;
mod told;
mod traffic;
mod unseen;
mod upstream;
