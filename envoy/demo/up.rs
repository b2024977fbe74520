//! Brings the whole demo up and keeps it up.

use std::env;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use reqwest::Client;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::process::Process;
use crate::{certs, client, countersign, crm, guide, issuer, operator, serve, tools, upstream};

/// Where the issuer listens: the providers in `config/countersign.yaml` say the same.
pub(crate) const ISSUER: SocketAddr = loopback(10080);
/// Where the upstream listens: `envoy/envoy.yaml` says the same.
pub(crate) const UPSTREAM: SocketAddr = loopback(10090);
/// Where the MCP server listens: `envoy/envoy.yaml` says the same.
pub(crate) const TOOLS: SocketAddr = loopback(10091);
/// Envoy's listener for mutual TLS.
pub(crate) const MESH: SocketAddr = loopback(10443);
/// Envoy's listener for plain HTTP.
pub(crate) const ENVOY: SocketAddr = loopback(10000);
/// Where countersign's admin listener is, and the page where people approve.
pub(crate) const ADMIN: SocketAddr = loopback(9193);
/// Where certificates and logs are, from the root of the project.
pub(crate) const CERTS: &str = "target/demo/certs";
const LOGS: &str = "target/demo";

/// Where countersign says that it is ready.
const COUNTERSIGN_READY: &str = "http://127.0.0.1:9192/readyz";
/// Where Envoy says that it is ready.
const ENVOY_READY: &str = "http://127.0.0.1:9901/ready";
/// Where Envoy says what it thinks of countersign's health.
const ENVOY_CLUSTERS: &str = "http://127.0.0.1:9901/clusters";
/// How long each part may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the parts are looked at.
const PULSE: Duration = Duration::from_millis(100);

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// A demo that is up. Dropping it takes it down, Envoy first, so that no request is cut.
pub(crate) struct Demo {
    processes: Vec<Process>,
    servers: Vec<JoinHandle<std::io::Result<()>>>,
}

/// Brings the demo up, prints the guide, and stays until asked to stop or until a part dies.
pub(crate) async fn run() -> anyhow::Result<()> {
    let mut demo = Demo::start().await?;
    guide::print();
    tokio::select! {
        stopped = serve::stop() => stopped?,
        dead = demo.watch() => dead?,
    }
    eprintln!("taking the demo down …");
    // Waiting for children blocks, and the upstream has to answer what Envoy still has in flight.
    tokio::task::spawn_blocking(move || drop(demo)).await?;
    Ok(())
}

/// Whether a whole demo is up already.
pub(crate) async fn is_up(client: &Client) -> bool {
    let issuer = format!("http://{ISSUER}/corp/jwks.json");
    client::answers(client, COUNTERSIGN_READY).await
        && client::answers(client, ENVOY_READY).await
        && client::answers(client, &issuer).await
}

impl Demo {
    /// Starts every part and returns when Envoy and countersign both are ready.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let envoy = tokio::task::spawn_blocking(tools::envoy)
            .await?
            .map_err(|cause| anyhow!(cause))?;
        check_ports().await?;
        let root = root();
        let logs = root.join(LOGS);
        certs::write(&root.join(CERTS))?;
        let config = operator::write(&root)?;

        let issuer = issuer::router(&format!("http://{ISSUER}"))?;
        let servers = vec![
            serve::background(ISSUER, issuer).await?,
            serve::background(UPSTREAM, upstream::router()).await?,
            serve::background(TOOLS, crm::router()).await?,
        ];
        let mut demo = Self {
            processes: Vec::new(),
            servers,
        };

        let mut command = Command::new(env::current_exe()?);
        command
            .args([countersign::NAME, "serve", "--config"])
            .arg(config)
            .current_dir(&root);
        demo.processes
            .push(Process::start("countersign", &mut command, &logs)?);
        demo.ready("countersign", COUNTERSIGN_READY, "").await?;

        let mut command = Command::new(envoy);
        command.args([
            "-c",
            "envoy/envoy.yaml",
            "--concurrency",
            "2",
            "--log-level",
            "warn",
        ]);
        // Hot restart shares memory, by number, with every other Envoy of this machine.
        command.arg("--disable-hot-restart");
        // The access log is there to be watched; Envoy would hold it back for ten seconds.
        command
            .args(["--file-flush-interval-msec", "200"])
            .current_dir(&root);
        // Stopped first, hence first in line.
        demo.processes
            .insert(0, Process::start("envoy", &mut command, &logs)?);
        demo.ready("Envoy", ENVOY_READY, "").await?;
        demo.ready(
            "countersign's health as Envoy sees it",
            ENVOY_CLUSTERS,
            "countersign::127.0.0.1:9191::health_flags::healthy",
        )
        .await?;
        Ok(demo)
    }

    /// Waits until `url` answers 200 with `text` in it, or a child dies.
    async fn ready(&mut self, what: &str, url: &str, text: &str) -> anyhow::Result<()> {
        let client = client::plain()?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            self.check()?;
            if let Ok(answer) = client.get(url).send().await
                && answer.status() == 200
                && answer.text().await.is_ok_and(|body| body.contains(text))
            {
                return Ok(());
            }
            sleep(PULSE).await;
        }
        bail!("{what} is not ready after {PATIENCE:?} (`{url}`); its log is in `{LOGS}/`")
    }

    /// Returns only when a part has died, with why.
    async fn watch(&mut self) -> anyhow::Result<()> {
        loop {
            self.check()?;
            sleep(PULSE).await;
        }
    }

    fn check(&mut self) -> anyhow::Result<()> {
        self.processes.iter_mut().try_for_each(Process::check)?;
        if self.servers.iter().any(JoinHandle::is_finished) {
            bail!("the issuer, the upstream or the MCP server has ended");
        }
        Ok(())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.processes.clear();
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

/// Says which port is taken before anything is started. Envoy itself would share its ports with another Envoy, silently.
async fn check_ports() -> anyhow::Result<()> {
    if is_up(&client::plain()?).await {
        bail!(
            "a demo is up already: use it (`cargo demo play`), or end it with Ctrl-C where it runs"
        );
    }
    let roles = [
        (ENVOY, "Envoy"),
        (MESH, "Envoy's mutual TLS"),
        (loopback(9901), "Envoy's admin"),
        (loopback(9191), "countersign"),
        (loopback(9192), "countersign's metrics"),
        (ADMIN, "countersign's admin"),
        (ISSUER, "the demo's issuer"),
        (UPSTREAM, "the demo's upstream"),
        (TOOLS, "the demo's MCP server"),
    ];
    for (address, role) in roles {
        let free = TcpListener::bind(address).map(drop);
        let port = address.port();
        free.with_context(|| format!("`{address}` is needed for {role}; see who has it with `ss -ltnp 'sport = :{port}'` and end that"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    /// Tests and other demos move these by plain text replacement.
    #[test]
    fn each_port_and_the_folder_of_certificates_have_one_role_in_envoys_configuration() {
        let lines = include_str!("../envoy.yaml").lines();
        let code: Vec<&str> = lines
            .filter(|line| !line.trim_start().starts_with('#'))
            .collect();
        let count = |text: &str| code.iter().filter(|line| line.contains(text)).count();
        for port in ["10000", "10443", "9901", "9191", "10090", "10091"] {
            assert_eq!(count(port), 1, "{port}");
        }
        assert_eq!(count(super::CERTS), count("filename: "));
    }
}
