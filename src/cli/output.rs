//! How verbs print: problems with snippets, colour only on a terminal, JSON when asked.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;

use super::Exit;
use crate::config::problem::{Problems, Severity};
use crate::config::{Bundle, Failure, Overrides, load, load_with_certificates};
use crate::ext_authz::now;

/// Whether words on standard error may be coloured (<https://no-color.org>).
pub(super) fn colour() -> bool {
    std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Prints data. A reader that has read enough (`countersign check --json | head`) is no failure.
pub(super) fn print(data: impl Display) {
    let mut out = std::io::stdout().lock();
    match write!(out, "{data}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("error: cannot write to standard output: {error}");
        }
        Ok(()) | Err(_) => {}
    }
}

/// Loads a configuration, or says everything that is wrong with it.
pub(super) fn load_or_say(
    config: &Path,
    overrides: &Overrides,
    json: bool,
) -> Result<Bundle, Exit> {
    or_say(load(config, overrides), json)
}

/// The same for a server that is about to start, the certificates of its listeners included.
pub(super) fn load_whole_or_say(
    config: &Path,
    overrides: &Overrides,
    json: bool,
) -> Result<Bundle, Exit> {
    or_say(load_with_certificates(config, overrides, now()), json)
}

fn or_say(loaded: Result<Bundle, Failure>, json: bool) -> Result<Bundle, Exit> {
    loaded.map_err(|failure| {
        let Failure {
            problems, sources, ..
        } = &failure;
        if json {
            let problems = problems.to_json();
            print(format_args!(
                "{:#}\n",
                serde_json::json!({ "ok": false, "problems": problems })
            ));
        } else {
            eprint!("{}", problems.render(sources, colour()));
            eprintln!("{}", summary(problems));
        }
        Exit::Invalid
    })
}

/// Says why a verb could not do its work: words on standard error, or with `--json` one object on standard output.
pub(super) fn say_error(message: &str, json: bool) {
    if json {
        let error = serde_json::json!({ "ok": false, "error": message });
        print(format_args!("{error:#}\n"));
    } else {
        eprintln!("error: {message}");
    }
}

/// `1 rule`, `2 rules`.
pub(super) fn counted(count: usize, word: &str) -> String {
    if count == 1 {
        format!("1 {word}")
    } else {
        format!("{count} {word}s")
    }
}

/// `2 errors, 1 warning`.
pub(super) fn summary(problems: &Problems) -> String {
    let kinds = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ];
    let found = kinds.map(|(severity, word)| (problems.count(severity), word));
    let parts: Vec<String> = found
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect();
    if parts.is_empty() {
        "no problems".to_owned()
    } else {
        parts.join(", ")
    }
}
