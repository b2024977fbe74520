//! countersign, an Envoy external-authorization server.

pub mod action;
pub mod admin;
pub mod app;
pub mod audit;
pub mod authorizer;
pub mod cli;
pub mod config;
pub mod expression;
pub mod ext_authz;
pub mod identity;
pub mod keys;
pub mod model;
pub mod outbound;
pub mod policy;
pub mod registry;
pub mod telemetry;
