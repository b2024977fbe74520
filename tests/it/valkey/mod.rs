//! State in a real Valkey, and what happens when it fails.

mod failover;
mod page;
mod peer;
mod race;
mod scenarios;
mod stores;
mod trouble;
