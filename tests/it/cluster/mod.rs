//! Two servers and a real Valkey between them: what they promise together, while everything in between fails.

mod failing;
mod flow;
mod losing;
mod model;
mod offboarding;
mod racing;
mod revoking;
mod stage;
