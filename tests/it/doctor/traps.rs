//! The corpus: `traps/CODE.yaml` and `traps/CODE.WHERE.yaml`, each a change of `sound.yaml` that makes it bad in one way, beside one
//! that looks alike and is sound.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use countersign::config::yaml::{Document, KeyPath};
use countersign::config::{Overrides, load};
use countersign::doctor::{Needs, Trap, examine};
use serde::Deserialize;

/// Where nothing is found.
pub(crate) const SOUND: &str = include_str!("sound.yaml");

/// What countersign is told, whose needs are those of the corpus.
pub(super) static NEEDS: LazyLock<Needs> = LazyLock::new(|| {
    let bundle = load(
        &folder().join("config/countersign.yaml"),
        &Overrides::default(),
    );
    Needs::of(&bundle.unwrap())
});

/// The needs of another configuration than the corpus' own; `none` is that nothing is known of countersign.
fn needs(config: Option<&str>) -> Needs {
    match config {
        None => NEEDS.clone(),
        Some("none") => Needs::default(),
        Some(name) => {
            let file = folder().join("config").join(name);
            Needs::of(&load(&file, &Overrides::default()).unwrap())
        }
    }
}

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// What makes the sound configuration bad.
    edits: Vec<Edit>,
    /// What the first edit writes instead in the sound counterpart; without it, the counterpart is the sound configuration.
    good: Option<String>,
    /// What else is found.
    #[serde(default)]
    with: Vec<String>,
    /// Part of the line that the finding points to.
    line: Option<String>,
    /// Whose needs are compared, where it is not the corpus' own configuration.
    config: Option<String>,
    /// Whether Envoy refuses it: then it is here for files that were never given to Envoy.
    #[serde(default)]
    refused: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    from: String,
    to: String,
}

/// A configuration of the corpus.
#[derive(Debug)]
pub(crate) struct Case {
    /// The name of its file.
    pub(crate) name: String,
    code: String,
    pub(crate) bad: String,
    pub(crate) good: String,
    with: Vec<String>,
    line: Option<String>,
    needs: Needs,
    pub(crate) refused: bool,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/doctor")
}

/// All of them, by name.
pub(crate) fn cases() -> Vec<Case> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder().join("traps"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| case(path)).collect()
}

fn case(path: &Path) -> Case {
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let document = Document::read(path, &fs::read_to_string(path).unwrap()).unwrap();
    let Change {
        edits,
        good,
        with,
        line,
        config,
        refused,
    } = document.decode(&KeyPath::root()).unwrap();
    let edited = |good: Option<&String>| {
        let mut text = SOUND.to_owned();
        for (index, Edit { from, to }) in edits.iter().enumerate() {
            assert_eq!(text.matches(from.as_str()).count(), 1, "{name}: `{from}`");
            let to = good.filter(|_| index == 0).unwrap_or(to);
            text = text.replace(from, to);
        }
        text
    };
    Case {
        code: name.split('.').next().unwrap().to_owned(),
        bad: edited(None),
        good: good
            .as_ref()
            .map_or_else(|| SOUND.to_owned(), |good| edited(Some(good))),
        name,
        with,
        line,
        needs: needs(config.as_deref()),
        refused,
    }
}

/// The codes of what is found in a text, and the lines that they point to.
fn found(text: &str, needs: &Needs) -> Vec<(String, String)> {
    let examined = examine(Path::new("envoy.yaml"), text, needs, &[]).unwrap();
    let problems = examined.problems.as_slice().iter();
    problems
        .map(|problem| {
            assert!(
                !problem.message.is_empty() && problem.help.is_some(),
                "{problem:?}"
            );
            let line = usize::try_from(problem.line).unwrap();
            let line = text.lines().nth(line - 1).unwrap_or_default();
            (problem.code.to_owned(), line.to_owned())
        })
        .collect()
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    assert_eq!(found(SOUND, &NEEDS), []);
    let alone = examine(Path::new("x"), SOUND, &Needs::default(), &[]).unwrap();
    assert!(alone.problems.is_empty(), "{:?}", alone.problems);
    assert_eq!(
        (alone.listeners, alone.connection_managers, alone.routes),
        (1, 1, 2)
    );
}

#[test]
fn each_trap_is_found_where_it_is_written_and_nowhere_else() {
    let mut wrong = Vec::new();
    for case in cases() {
        let found = found(&case.bad, &case.needs);
        let mut expected: Vec<&str> = case.with.iter().map(String::as_str).collect();
        expected.push(&case.code);
        let codes: BTreeSet<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
        if codes != expected.into_iter().collect() {
            wrong.push(format!("{}: found {codes:?}", case.name));
        }
        let own = found.iter().find(|(code, _)| *code == case.code);
        if let (Some((_, at)), Some(line)) = (own, &case.line)
            && !at.contains(line)
        {
            wrong.push(format!("{}: points to `{at}`", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_counterpart_is_sound() {
    let mut wrong = Vec::new();
    for case in cases() {
        let found = found(&case.good, &case.needs);
        if !found.is_empty() {
            wrong.push(format!("{}: found {found:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_that_is_missing_or_of_another_kind_ends_the_examination() {
    let lines: Vec<&str> = SOUND.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let key = line.split(':').next().unwrap_or_default();
        for instead in [
            "",
            &format!("{key}: 7"),
            &format!("{key}: [[]]"),
            &format!("{:indent$}x: {{}}", ""),
        ] {
            let mut changed = lines.clone();
            changed[index] = instead;
            // Unreadable or examined, with whatever findings: it comes to an end.
            drop(examine(Path::new("x"), &changed.join("\n"), &NEEDS, &[]));
        }
    }
}

#[test]
fn every_code_has_a_file_and_every_file_a_code() {
    let known: BTreeSet<&str> = Trap::ALL.iter().map(|trap| trap.as_str()).collect();
    assert_eq!(known.len(), Trap::ALL.len());
    let cases = cases();
    let shown: BTreeSet<&str> = cases.iter().map(|case| case.code.as_str()).collect();
    assert_eq!(known, shown);
}
