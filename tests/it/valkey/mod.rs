//! State in a real Valkey, and what happens when it fails.

mod peer;
mod scenarios;
mod stores;
