//! HTTP as the demo's callers speak it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Certificate, Client, ClientBuilder, Identity};

use crate::certs;
use crate::up;

/// Longer than any answer in the demo takes, Envoy's own limits included.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A client for plain HTTP. Trusts no certificate at all, since it needs none.
pub(crate) fn plain() -> anyhow::Result<Client> {
    Ok(builder().tls_certs_only([]).build()?)
}

/// A client that shows the certificate of this workload and believes the demo's CA alone.
pub(crate) fn workload(folder: &Path, workload: &str) -> anyhow::Result<Client> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path)
            .with_context(|| format!("cannot read `{}`; is the demo up?", path.display()))
    };
    let pem = |ending: &str| read(&format!("{workload}.{ending}"));
    let identity = [pem("pem")?, pem("key")?].concat();
    let client = builder()
        .tls_certs_only([Certificate::from_pem(&read("ca.pem")?)?])
        .identity(Identity::from_pem(&identity)?)
        .resolve(certs::SERVER, up::MESH);
    Ok(client.build()?)
}

/// Whether this URL answers 200 right now.
pub(crate) async fn answers(client: &Client, url: &str) -> bool {
    client
        .get(url)
        .send()
        .await
        .is_ok_and(|answer| answer.status() == 200)
}

fn builder() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
}
