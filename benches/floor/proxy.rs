//! Envoy with the project's own `envoy/envoy.yaml`, but for who is asked: nobody, Envoy's own filters, the floor, or countersign.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, ensure};

use super::connection::Connection;
use super::cores::Cores;
use super::frames::Heads;
use super::served::Process;
use super::socket::Address;
use super::speech::Speech;
use super::tokens::{AUDIENCE, ISSUER};
use super::tools::envoy;
use super::valkey::{free, listens};

const SHIPPED: &str = include_str!("../../envoy/envoy.yaml");
/// Where the filter begins that asks, and what stands behind it.
const QUESTION: (&str, &str) = (
    "          # --- The question.",
    "          - name: envoy.filters.http.router\n",
);
/// The listener for mutual TLS, which needs certificates.
const MESH: (&str, &str) = (
    "  # ------------------------------------------------------------------------------------------------------------\n  # Mutual TLS",
    "  clusters:\n",
);
/// Health is not asked: the floor has none.
const HEALTH: (&str, &str) = (
    "    health_checks:\n",
    "    common_lb_config:\n      # No panic mode",
);
/// Envoy answers allowed requests itself, so that no upstream takes part.
const UPSTREAM: (&str, &str) = (
    "                route:\n                  cluster: upstream\n",
    "\n                  # No `retry_policy`",
);

/// Who is asked.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Nobody,
    /// `jwt_authn` and RBAC with keys from this file, and with as many remembered tokens.
    Native(PathBuf, usize),
    /// Whoever listens there.
    Server(Address),
}

/// An Envoy with one worker.
pub(crate) struct Envoy {
    pub(crate) process: Process,
    address: Address,
}

impl Envoy {
    pub(crate) fn start(cores: Cores, folder: &Path, asked: &Asked) -> Result<Self> {
        let program = envoy().map_err(|cause| anyhow!(cause))?;
        let listener = free()?;
        let text = configuration(asked)?.replace(
            "port_value: 10000",
            &format!("port_value: {}", listener.port()),
        );
        fs::write(folder.join("envoy.yaml"), text)?;
        let mut command = Command::new(program);
        command
            .args([
                "-c",
                "envoy.yaml",
                "--concurrency",
                "1",
                "--log-level",
                "error",
            ])
            .arg("--disable-hot-restart")
            .current_dir(folder)
            .stdout(Stdio::null());
        let process = Process::start(cores, &mut command, folder)?;
        listens(listener)
            .with_context(|| fs::read_to_string(folder.join("stderr")).unwrap_or_default())?;
        Ok(Self {
            process,
            address: Address::Tcp(listener),
        })
    }

    /// A client's connection that asks for an account again and again.
    pub(crate) fn connect(&self, token: &str) -> Result<Connection> {
        let bearer = format!("Bearer {token}");
        let heads = Heads::new(&[
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "api.example.com"),
            (
                ":path",
                "/v1/accounts/acc-20931?limit=50&cursor=eyJvIjo1MH0",
            ),
            ("accept", "application/json"),
            ("accept-language", "en-GB,en;q=0.9"),
            ("origin", "https://console.example.com"),
            (
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
            ),
            ("authorization", &bearer),
        ]);
        Connection::open(&self.address, Speech::Plain, heads)
    }
}

fn configuration(asked: &Asked) -> Result<String> {
    let mut text = SHIPPED.replace("port_value: 9901", "port_value: 0");
    text = without(&text, MESH, "")?;
    text = without(&text, HEALTH, "")?;
    text = without(
        &text,
        UPSTREAM,
        "                direct_response: { status: 200 }",
    )?;
    match asked {
        Asked::Nobody => without(&text, QUESTION, ""),
        Asked::Native(keys, remembered) => without(&text, QUESTION, &native(keys, *remembered)),
        Asked::Server(address) => {
            let from = "socket_address: { address: 127.0.0.1, port_value: 9191 }";
            let to = match address {
                Address::Tcp(address) => format!(
                    "socket_address: {{ address: 127.0.0.1, port_value: {} }}",
                    address.port()
                ),
                Address::Unix(path) => format!("pipe: {{ path: {} }}", path.display()),
            };
            Ok(text.replace(from, &to))
        }
    }
}

/// The text without what stands from the first mark to the second one, and with something else there.
fn without(text: &str, (from, to): (&str, &str), instead: &str) -> Result<String> {
    let (before, rest) = text
        .split_once(from)
        .with_context(|| format!("envoy.yaml has no `{from}`"))?;
    let (_, behind) = rest
        .split_once(to)
        .with_context(|| format!("envoy.yaml has no `{to}`"))?;
    ensure!(!behind.contains(from), "envoy.yaml has `{from}` twice");
    Ok([before, instead, to, behind].concat())
}

/// The same as far as it can be said there: who signed the token, for whom, which path and method, and a claim.
fn native(keys: &Path, remembered: usize) -> String {
    let keys = keys.display();
    let cache = if remembered > 0 {
        format!("\n                  jwt_cache_config: {{ jwt_cache_size: {remembered} }}")
    } else {
        String::new()
    };
    format!(
        r#"          - name: envoy.filters.http.jwt_authn
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
              providers:
                corp:
                  issuer: {ISSUER}
                  audiences: [{AUDIENCE}]
                  local_jwks: {{ filename: {keys} }}
                  payload_in_metadata: claims{cache}
              rules: [{{ match: {{ prefix: / }}, requires: {{ provider_name: corp }} }}]
          - name: envoy.filters.http.rbac
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
              rules:
                action: ALLOW
                policies:
                  read:
                    permissions:
                    - and_rules:
                        rules:
                        - url_path: {{ path: {{ prefix: /v1/accounts/ }} }}
                        - header: {{ name: ":method", string_match: {{ exact: GET }} }}
                    principals:
                    - metadata:
                        filter: envoy.filters.http.jwt_authn
                        path: [{{ key: claims }}, {{ key: department }}]
                        value: {{ string_match: {{ exact: payments }} }}
"#
    )
}
