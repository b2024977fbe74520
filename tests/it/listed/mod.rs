//! The request headers that Envoy has to send: what `check --envoy-headers` prints is all that is read, and nothing else is.

mod alike;
mod command;
mod reading;

use serde_json::Value;

use crate::harness::{Ran, Setup, run};

/// Providers of every place that a credential can come in, beside those of the sample.
const PROVIDERS: &str = "
providers:
  partners:
    api_key: { header: X-Partner-Key, pepper: { file: pepper } }
  portal:
    api_key: { cookie: portal_key, pepper: { file: pepper } }
";

/// Proxies that are believed about certificates.
const HOPS: &str = "mtls: { trust_domains: [example.org], trusted_hops: 1, hops: [\"spiffe://example.org/edge\"] }";

/// The policy that reads something of everything.
const RICH: &str = include_str!("rich.yaml");

/// The sample configuration and everything that headers are read for.
pub(crate) fn rich() -> Setup {
    let setup = Setup::new()
        .replacing("\nproviders:\n", PROVIDERS)
        .replacing("mtls: { trust_domains: [example.org] }", HOPS)
        .replacing("browser: warn ", "browser: deny ");
    setup.write("pepper", "0123456789abcdef0123456789abcdef");
    setup.write("policies/rich.yaml", RICH);
    setup
}

/// Runs `check --envoy-headers` in the folder of a configuration.
pub(crate) fn list(setup: &Setup, more: &[&str]) -> Ran {
    let arguments = ["check", "--envoy-headers", "--config", "countersign.yaml"];
    run(setup.folder(), arguments.iter().chain(more))
}

/// The patterns of the printed list.
fn patterns(setup: &Setup) -> Vec<Value> {
    let listed = list(setup, &["--json"]).json();
    let patterns = listed["envoy"]["allowed_headers"]["patterns"].as_array();
    patterns.unwrap().clone()
}
