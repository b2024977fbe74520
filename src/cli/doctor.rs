//! `countersign doctor`: what Envoy would let pass undecided.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Exit;
use super::output::{colour, counted, load_or_say, print, say_error, summary};
use super::standing::standing;
use crate::config::Overrides;
use crate::config::problem::{Problem, Problems, Severity, Sources};
use crate::doctor::{Examined, MAX_BYTES, Needs, Trap, examine, fetch};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign doctor envoy/envoy.yaml
  countersign doctor envoy/envoy.yaml --config config/countersign.yaml --deny-warnings
  countersign doctor http://127.0.0.1:9901/config_dump         # what a running Envoy has
  curl -s http://127.0.0.1:9901/config_dump > dump.json; countersign doctor dump.json
  countersign doctor envoy.yaml --json | jq '.problems[] | {code, path, help}'
  countersign doctor --list                                    # every code, and why it matters

Exit status: 0 without errors, 1 with errors (or with warnings and --deny-warnings), 5 if something cannot be read.")]
pub(super) struct DoctorArgs {
    /// Envoy's configuration: a YAML or JSON file, or the URL of `/config_dump`.
    #[arg(value_name = "FILE|URL", required_unless_present = "list")]
    envoy: Option<String>,
    /// countersign's own configuration, to compare with what Envoy sends and takes.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// This finding is meant; it is shown as a note. May be repeated.
    #[arg(long, value_name = "CODE")]
    allow: Vec<Trap>,
    /// Warnings fail too.
    #[arg(long)]
    deny_warnings: bool,
    /// Print every code, and why it matters.
    #[arg(long, conflicts_with_all = ["envoy", "config", "allow", "deny_warnings"])]
    list: bool,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DoctorArgs) -> Exit {
    let DoctorArgs {
        envoy,
        config,
        allow,
        deny_warnings,
        list: _,
        json,
    } = args;
    let Some(envoy) = envoy else {
        return list(*json);
    };
    let (needs, waits) = match config {
        None => (Needs::default(), String::new()),
        Some(config) => match load_or_say(config, &Overrides::default(), *json) {
            Ok(bundle) => (Needs::of(&bundle), standing(&bundle)),
            Err(exit) => return exit,
        },
    };
    let is_url = envoy.contains("://");
    let text = match read(envoy, is_url) {
        Ok(text) => text,
        Err(message) => {
            say_error(&message, *json);
            return Exit::Invalid;
        }
    };
    let file = Path::new(envoy);
    match examine(file, &text, &needs, allow)
        .map(|found| if is_url { unplaced(found) } else { found })
    {
        Ok(examined) => {
            let exit = found(envoy, text, &examined, *deny_warnings, *json);
            if !*json {
                print(waits);
            }
            exit
        }
        Err(problems) => {
            unreadable(file, text, &problems, *json);
            Exit::Invalid
        }
    }
}

/// Lines of what was fetched are nowhere to be looked up; paths are.
fn unplaced(examined: Examined) -> Examined {
    let problems = examined.problems.into_iter();
    let problems = problems.map(|problem| Problem {
        line: 0,
        column: 0,
        ..problem
    });
    Examined {
        problems: problems.collect(),
        ..examined
    }
}

fn read(envoy: &str, is_url: bool) -> Result<String, String> {
    if !is_url {
        let read = read_file(Path::new(envoy));
        return read.map_err(|error| format!("cannot read `{envoy}`: {error}"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| format!("cannot start the runtime: {error}"))?;
    let fetched = runtime.block_on(fetch(envoy));
    fetched.map_err(|error| format!("cannot fetch the configuration: {error}"))
}

/// One byte more than is examined, so that what is too large is told from what is just large enough.
fn read_file(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let file = File::open(file)?;
    file.take(most.saturating_add(1))
        .read_to_string(&mut text)?;
    Ok(text)
}

fn found(envoy: &str, text: String, examined: &Examined, deny_warnings: bool, json: bool) -> Exit {
    let Examined {
        problems,
        listeners,
        connection_managers,
        routes,
    } = examined;
    let failed = problems.has_errors() || deny_warnings && problems.count(Severity::Warning) > 0;
    if json {
        let value = json!({
            "ok": !failed,
            "listeners": listeners,
            "connection_managers": connection_managers,
            "routes": routes,
            "problems": problems.to_json(),
        });
        print(format_args!("{value:#}\n"));
    } else {
        let sources = Sources::from([(PathBuf::from(envoy), text)]);
        eprint!("{}", problems.render_with_paths(&sources, colour()));
        print(format_args!(
            "{envoy}: {}, {}, {}: {}\n",
            counted(*listeners, "listener"),
            counted(*connection_managers, "HTTP connection manager"),
            counted(*routes, "route"),
            summary(problems),
        ));
    }
    if failed { Exit::Failed } else { Exit::Ok }
}

fn unreadable(file: &Path, text: String, problems: &Problems, json: bool) {
    if json {
        let value = json!({ "ok": false, "problems": problems.to_json() });
        return print(format_args!("{value:#}\n"));
    }
    let sources = Sources::from([(file.to_owned(), text)]);
    eprint!("{}", problems.render(&sources, colour()));
    eprintln!("{}", summary(problems));
}

fn list(json: bool) -> Exit {
    if json {
        let all = Trap::ALL.iter().map(|trap| {
            json!({ "code": trap.as_str(), "severity": trap.severity().as_str(), "about": trap.about() })
        });
        print(format_args!("{:#}\n", all.collect::<serde_json::Value>()));
        return Exit::Ok;
    }
    let lines: Vec<String> = Trap::ALL
        .iter()
        .map(|trap| {
            let (code, severity) = (trap.as_str(), trap.severity().as_str());
            format!("{severity:<8}{code:<26}{}\n", trap.about())
        })
        .collect();
    print(lines.concat());
    Exit::Ok
}
