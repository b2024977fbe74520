//! The operator edge: metrics, health and status.
