//! What asking costs: `cargo bench --bench floor`.
//!
//! Every figure stands beside that of **the floor** in the same run: a stock tonic server that decodes the same message and
//! always says OK. Machines differ and so do their neighbours; the ratios are what can be compared. countersign and the floor
//! are processes of their own on one core, this program asks them from another one, and they are measured in turns.
//!
//! Two ways to ask. *At saturation*, 64 calls are in flight on one connection, as a busy worker of Envoy has them, and the
//! kernel says how much processor time the server's process used for them. *At a pace*, calls are made when they are due, whether
//! or not those before were answered, and their time counts from then (so a server that stalls cannot hide what it kept from being
//! made: there is no coordinated omission). The client is `floor/connection.rs`, which costs next to nothing.
//!
//! Each question is a room in `floor/rooms`; `-- --help` says how to choose. `cargo test --benches` runs each of them for a moment.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints its tables, and how far it is"
)]

#[path = "floor/bare.rs"]
mod bare;
#[path = "floor/calls.rs"]
mod calls;
#[path = "floor/connection.rs"]
mod connection;
#[path = "floor/cores.rs"]
mod cores;
#[path = "floor/figures.rs"]
mod figures;
#[path = "../envoy/demo/valkey.rs"]
mod find_valkey;
#[path = "floor/frames.rs"]
mod frames;
#[path = "floor/http.rs"]
mod http;
#[path = "floor/instructions.rs"]
mod instructions;
#[path = "floor/keeper.rs"]
mod keeper;
#[path = "floor/load.rs"]
mod load;
#[path = "floor/options.rs"]
mod options;
#[path = "check/policy.rs"]
mod policy;
#[path = "floor/proxy.rs"]
mod proxy;
#[path = "floor/questions.rs"]
mod questions;
#[path = "check/requests.rs"]
mod requests;
#[path = "floor/rooms/mod.rs"]
mod rooms;
#[path = "floor/scene.rs"]
mod scene;
#[path = "floor/served.rs"]
mod served;
#[path = "floor/socket.rs"]
mod socket;
#[path = "floor/speech.rs"]
mod speech;
#[path = "floor/stage.rs"]
mod stage;
#[path = "check/stock.rs"]
mod stock;
#[path = "floor/stock_server.rs"]
mod stock_server;
#[path = "check/tokens.rs"]
mod tokens;
#[path = "../envoy/demo/tools.rs"]
mod tools;
#[path = "floor/valkey.rs"]
mod valkey;

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use cores::Cores;
use options::{HELP, Options};
use rooms::ROOMS;
use stage::Stage;

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, socket] = arguments.as_slice()
        && first == stock_server::ARGUMENT
    {
        stock_server::serve(socket.as_ref())?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options::read(arguments)?;
    if options.help {
        println!("{HELP}");
    } else if options.list {
        for room in ROOMS {
            println!("{:<9} {}", room.name, room.about);
        }
    } else {
        return measure(&options);
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(options: &Options) -> Result<ExitCode> {
    if let Some(unknown) = options
        .only
        .iter()
        .find(|name| ROOMS.iter().all(|room| room.name != **name))
    {
        bail!("there is no room `{unknown}`: see `--list`");
    }
    let (cores, placed) = Cores::choose();
    println!("{placed}");
    let mut stage = Stage::new(cores, options.extent)?;
    let mut code = ExitCode::SUCCESS;
    if options.instructions {
        let ratio = instructions::count(&mut stage)?;
        if let Some(bound) = options.bound.filter(|bound| ratio > *bound) {
            eprintln!("{ratio:.2} times the floor's instructions: more than {bound}");
            code = ExitCode::FAILURE;
        }
    } else {
        code = enter(&mut stage, &options.only);
    }
    if let Some(file) = &options.json {
        fs::write(file, stage.report.json(&placed)?)
            .with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    Ok(code)
}

/// Runs the rooms. One that fails does not keep the others from being measured.
fn enter(stage: &mut Stage, only: &[String]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for room in &ROOMS {
        if !only.is_empty() && !only.iter().any(|name| name == room.name) {
            continue;
        }
        eprintln!("{} …", room.name);
        let since = Instant::now();
        stage.report.enter(room.name, room.about);
        if let Err(error) = (room.run)(stage) {
            eprintln!("{}: {error:#}", room.name);
            stage.report.note(&format!("not measured: {error:#}"));
            code = ExitCode::FAILURE;
        }
        eprintln!("{} took {:.1?}", room.name, since.elapsed());
    }
    code
}
