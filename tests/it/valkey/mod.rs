//! State in a real Valkey, and what happens when it fails.

mod failover;
mod peer;
mod scenarios;
mod stores;
mod trouble;
