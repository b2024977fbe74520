//! The words of the product: plain data with checked constructors, and the schema of attributes.
//!
//! Nothing here reads a clock, a file or a socket, and nothing here knows a wire or file format.

pub mod approval;
pub mod approver;
pub mod attributes;
pub mod change;
pub mod condition;
pub mod decision;
pub mod duration;
pub mod facts;
pub mod finding;
pub mod glob;
pub mod header;
pub mod headers;
pub mod identity;
pub mod lifecycle;
pub mod list;
pub mod name;
pub mod party;
pub mod reason;
pub mod request;
pub mod resource;
pub mod revocation;
pub mod risk;
pub mod route;
pub mod rpc;
pub mod schema;
pub mod spiffe;
pub mod suggest;
pub mod time;
pub mod value;
pub mod verdict;
