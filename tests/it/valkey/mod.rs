//! State in a real Valkey, and what happens when it fails.

mod command;
mod conditions;
mod failover;
mod page;
mod peer;
mod race;
mod revoked;
mod rollback;
mod scenarios;
mod slow;
mod stores;
mod trouble;
mod used;
