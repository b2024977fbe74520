//! Transcripts: commands behind `$ `, and what they print. `…` stands for anything.

use std::path::Path;
use std::process::{Command, Stdio};

use super::block::Block;

/// What parts the outputs of two commands; nothing here prints it.
const MARK: char = '\u{1e}';

/// A command and what it prints.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) command: String,
    pub(super) expected: String,
}

/// Reads a transcript; a command goes on behind a `\` at the end of its line.
pub(super) fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                command: command.to_owned(),
                expected: String::new(),
            });
            goes_on = command.ends_with('\\');
            continue;
        }
        let step = steps.last_mut().expect("a transcript starts with `$ `");
        if goes_on {
            step.command.push('\n');
            step.command.push_str(line);
            goes_on = line.ends_with('\\');
        } else {
            step.expected.push_str(line);
            step.expected.push('\n');
        }
    }
    steps
}

/// Runs a transcript in `folder`, all of it in one shell, and compares.
pub(super) fn check(block: &Block, folder: &Path) {
    let steps = steps(&block.text);
    assert!(!steps.is_empty(), "line {}: no command", block.line);
    // Between two commands `$?` is kept, because a transcript may ask for it.
    let script: Vec<String> = steps
        .iter()
        .map(|step| {
            format!(
                "(exit $status)\n{}\nstatus=$?; printf '\\036'\n",
                step.command
            )
        })
        .collect();
    let printed = shell(&format!("status=0\n{}", script.concat()), folder);
    let outputs: Vec<&str> = printed.split_terminator(MARK).collect();
    assert_eq!(outputs.len(), steps.len(), "line {}: {printed}", block.line);
    for (step, got) in steps.iter().zip(outputs) {
        let Step { command, expected } = step;
        assert!(
            fits(expected, got),
            "README.md, line {}\n$ {command}\n--- expected\n{expected}--- got\n{got}",
            block.line
        );
    }
}

/// Runs a script to its end and returns what it prints, errors among it.
pub(super) fn shell(script: &str, folder: &Path) -> String {
    let output = bash(&format!("exec 2>&1\n{script}"), folder)
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}

/// A shell that finds the program that is tested.
pub(super) fn bash(script: &str, folder: &Path) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_countersign"));
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", program.parent().unwrap().display());
    let mut command = Command::new("bash");
    command.args(["-c", script]).current_dir(folder);
    command.env("PATH", path).env("NO_COLOR", "1");
    command
}

/// Whether `got` is what is expected.
pub(super) fn fits(expected: &str, got: &str) -> bool {
    let (expected, got) = (expected.trim_end(), got.trim_end());
    let mut parts = expected.split('…');
    let Some(mut rest) = parts.next().and_then(|first| got.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn anything_fits_where_the_page_says_so_and_nowhere_else() {
    for (expected, got) in [
        ("a\n", "a"),
        ("", ""),
        ("…", "anything\nat all"),
        ("a…c", "abc"),
        ("a\n…\nc\n", "a\nb\nb\nc\n"),
        ("…b…", "abc"),
    ] {
        assert!(fits(expected, got), "{expected:?} {got:?}");
    }
    for (expected, got) in [
        ("a", "ab"),
        ("", "a"),
        ("a…c", "abcd"),
        ("a…b…c", "ac"),
        ("…b", "bc"),
        ("a…a", "a"),
    ] {
        assert!(!fits(expected, got), "{expected:?} {got:?}");
    }
}
