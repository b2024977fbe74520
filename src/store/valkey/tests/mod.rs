//! Tests without a server.
