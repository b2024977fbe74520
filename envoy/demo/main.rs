//! `cargo demo`: a real Envoy that asks countersign about every request, with an issuer that gives tokens to anybody.
//!
//! `up` (the default) brings everything up and prints what to paste; `play` sends scenes through Envoy and compares; `token` prints a
//! token; `issuer`, `upstream`, `tools` and `certs` are single parts for docker-compose.yml. For demonstration only: see [`issuer`].

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the demo speaks to a person at a terminal"
)]

mod certs;
mod client;
mod clock;
mod countersign;
mod crm;
mod guide;
mod issuer;
mod operator;
mod play;
mod possession;
mod process;
mod scene;
mod scenes;
mod serve;
mod token;
mod tools;
mod up;
mod upstream;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo demo",
    about = "A real Envoy that asks countersign about every request",
    version
)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Bring up issuer, upstream, countersign and Envoy, and print what to paste (the default)
    Up,
    /// Send scenes through Envoy and compare (uses the demo that is up, else brings one up for the time)
    Play {
        /// Print one JSON document instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Print a token, minted by the issuer of the demo that is up
    Token(Box<token::Request>),
    /// Run only the issuer, in the foreground
    Issuer {
        #[arg(long, default_value_t = up::ISSUER)]
        listen: SocketAddr,
        /// What stands in `iss`, before `/corp` and `/ci`; `http://` and the address if not given
        #[arg(long, value_name = "URL")]
        external_url: Option<String>,
    },
    /// Run only the upstream, in the foreground
    Upstream {
        #[arg(long, default_value_t = up::UPSTREAM)]
        listen: SocketAddr,
    },
    /// Run only the MCP server, in the foreground
    Tools {
        #[arg(long, default_value_t = up::TOOLS)]
        listen: SocketAddr,
    },
    /// Write the certificates for Envoy's mutual TLS listener
    Certs {
        #[arg(long, default_value = up::CERTS, value_name = "FOLDER")]
        into: PathBuf,
    },
}

fn main() -> ExitCode {
    if let Some(arguments) = countersign::asked_for() {
        return countersign::main(arguments);
    }
    let verb = Arguments::parse().verb.unwrap_or(Verb::Up);
    let outcome = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(verb)));
    outcome.unwrap_or_else(|cause| {
        eprintln!("cargo demo: {cause:#}");
        ExitCode::FAILURE
    })
}

async fn run(verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Up => up::run().await?,
        Verb::Play { json } => return play::run(json).await,
        Verb::Token(request) => println!("{}", request.mint().await?),
        Verb::Issuer {
            listen,
            external_url,
        } => {
            let url = external_url.unwrap_or_else(|| format!("http://{listen}"));
            serve::foreground("issuer", listen, issuer::router(&url)?).await?;
        }
        Verb::Upstream { listen } => {
            serve::foreground("upstream", listen, upstream::router()).await?;
        }
        Verb::Tools { listen } => serve::foreground("tools", listen, crm::router()).await?,
        Verb::Certs { into } => certs::write(&into)?,
    }
    Ok(ExitCode::SUCCESS)
}
