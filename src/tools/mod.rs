//! The tools of an MCP server, as the server lists them: read, proposed as a route of a policy, and compared with one.
//!
//! What a server says about its tools is the word of somebody that policies are made to guard against. So nothing of it
//! permits anything: types and tiers are proposals for whoever reviews them, texts are made harmless wherever they are shown,
//! and a hash of each definition says later whether it is still the one that was reviewed.

mod answer;
mod client;
mod compare;
mod name;
mod policy;
mod schema;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod tier;
mod tool;

pub use answer::{AnswerError, MAX_BYTES, MAX_TOOLS, read};
pub use client::{ClientError, Progress, Server};
pub use compare::{Changed, Difference, compare};
pub use policy::{ProposedAction, ProposedRoute, propose};
pub use schema::{Argument, Arguments};
pub use target::{Target, TargetError, Wanted};
pub use text::shown;
pub use tier::Proposal;
pub use tool::{Hints, Tool, ToolError};
