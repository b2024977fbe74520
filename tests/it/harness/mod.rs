//! What every integration test stands on: a running server of its own, an issuer's keys, and a client that asks like Envoy.

mod answer;
mod ask;
mod authority;
mod browser;
mod chromium;
mod client;
mod demo_issuer;
mod hasty;
mod http;
mod introspection_server;
mod issuer;
mod key_server;
mod program;
mod secured;
mod server;
mod setup;
#[path = "../../../envoy/demo/tools.rs"]
pub(crate) mod tools;
pub(crate) mod valkey;

use std::thread;
use std::time::{Duration, Instant};

pub(crate) use answer::Answer;
pub(crate) use ask::Ask;
pub(crate) use authority::{Authority, Pair, SERVER_ID};
pub(crate) use browser::{Browser, PHONE, Page};
pub(crate) use client::Client;
pub(crate) use demo_issuer::DemoIssuer;
pub(crate) use hasty::check_within;
pub(crate) use http::{Reply, get, send, send_as, send_body};
pub(crate) use introspection_server::{IntrospectionServer, Manner};
pub(crate) use issuer::{Issuer, Key, Token, now};
pub(crate) use key_server::KeyServer;
pub(crate) use program::{Ran, program, run};
pub(crate) use secured::Dialer;
pub(crate) use server::Server;
pub(crate) use setup::{CONFIG, KEPT, Setup};

/// The audience and host of the payments route in the sample policy.
pub(crate) const PAYMENTS: &str = "https://payments.example.com";

/// How long anything may take that should be done in a moment; generous, because two cores are shared by all tests.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until `found` returns something, for at most `limit`; panics with `what` after that.
pub(crate) fn eventually<T>(
    limit: Duration,
    what: &str,
    mut found: impl FnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(PAUSE);
    }
}

/// The same for something that has to be awaited.
pub(crate) async fn eventually_async<T>(
    limit: Duration,
    what: &str,
    mut found: impl AsyncFnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = found().await {
            return value;
        }
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
