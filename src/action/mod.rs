//! Which route a request has, and which action of its catalogue it is.
//!
//! Pure: no I/O, no clock. The catalogue permits nothing; it only names what is asked, with typed parameters.

mod addressed;
mod arguments;
mod body;
mod catalogue;
mod compile;
mod compile_action;
mod mcp;
mod operation;
mod parameters;
mod protocol;
mod reading;
mod routes;
pub mod spec;
mod tree;

pub use compile::{CompiledRoute, compile_builtin_route, compile_route};
pub use reading::Reading;
pub use routes::{EXTENSION_KEY, RouteTable};

#[cfg(test)]
mod tests;
