//! The house (architecture in `src/lib.rs`), held by reading the source tree: who may import whom, which folder owns which
//! foreign crate, what pure code does without, and how long a file may get. A failure names file, line and rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::config::{self, Overrides};

mod source;
mod tables;

use source::walk;
pub(crate) use source::{Source, sources};
use tables::*;

#[test]
fn imports_point_down_only_and_siblings_never_import_each_other() {
    let mut broken = Vec::new();
    for source in sources("src") {
        let Some(own) = source.folder() else { continue };
        let own_floor = floor(own).unwrap_or_else(|| {
            panic!("`src/{own}` stands on no floor: give it one in tests/it/layers/tables.rs")
        });
        for (line, other) in source.crate_imports() {
            match floor(&other) {
                Some(floor) if floor < own_floor || other == own => {}
                Some(floor) => broken.push(source.at(
                    line,
                    &format!("`{own}` (floor {own_floor}) imports `{other}` (floor {floor}): imports point down only"),
                )),
                None => broken.push(source.at(line, &format!("`crate::{other}` is no folder on a floor"))),
            }
        }
    }
    report(&broken);
}

#[test]
fn every_foreign_crate_has_its_owners() {
    let owners: BTreeMap<&str, &[&str]> = OWNERS.iter().copied().collect();
    let dependencies = dependencies();
    let mut broken: Vec<String> = owners
        .keys()
        .filter(|name| !dependencies.contains(**name))
        .map(|name| {
            format!("tests/it/layers/tables.rs: `{name}` is no dependency any more: remove its row")
        })
        .collect();
    let unowned = dependencies
        .iter()
        .filter(|name| !owners.contains_key(name.as_str()));
    broken.extend(
        unowned
            .map(|name| format!("Cargo.toml: `{name}` has no owner in tests/it/layers/tables.rs")),
    );
    for source in sources("src") {
        for (name, owners) in &owners {
            let owned = owners.iter().any(|owner| source.is_under(owner));
            for line in source.uses(name).into_iter().filter(|_| !owned) {
                let rule = format!("`{name}` belongs to {}", owners.join(", "));
                broken.push(source.at(line, &rule));
            }
        }
    }
    report(&broken);
}

#[test]
fn pure_code_has_no_clock_no_files_no_sockets_and_no_log() {
    let mut broken = Vec::new();
    let pure = |source: &Source| source.folder().is_some_and(|own| PURE.contains(&own));
    for source in sources("src").into_iter().filter(pure) {
        for word in IMPURE {
            let excused =
                |(name, what, _): &(&str, &str, &str)| *name == source.name && what == word;
            if IMPURE_FOR_A_REASON.iter().any(excused) {
                continue;
            }
            let mut lines = source.words(word);
            if *word == "std::net" {
                let plain = |line: &str| ADDRESSES.iter().any(|name| line.contains(name));
                lines.retain(|line| !plain(source.line(*line)));
            }
            let rule =
                format!("pure code does without `{word}`: take what is needed as an argument");
            broken.extend(lines.iter().map(|line| source.at(*line, &rule)));
        }
        for (at, _) in source.code.match_indices("std::{") {
            broken.push(source.at(
                source.line_of(at),
                "pure code spells out what it uses of `std`",
            ));
        }
    }
    report(&broken);
}

#[test]
fn the_model_derives_nothing_of_serde() {
    let mut broken = Vec::new();
    for source in sources("src")
        .iter()
        .filter(|source| source.is_under("model"))
    {
        for (number, line) in source.code.lines().enumerate() {
            let derives = line.contains("derive(") || line.contains("serde(");
            if derives
                && ["Serialize", "Deserialize", "serde("]
                    .iter()
                    .any(|word| line.contains(word))
            {
                broken.push(source.at(
                    number + 1,
                    "file and wire shapes live at the edges, not in the model",
                ));
            }
        }
    }
    report(&broken);
}

#[test]
fn no_file_outgrows_its_concept() {
    let reasons: BTreeMap<&str, &str> = LONG_FOR_A_REASON.iter().copied().collect();
    let mut broken = Vec::new();
    let mut long = BTreeSet::new();
    for source in sources("src").into_iter().chain(sources("envoy")) {
        let lines = source.code_lines();
        if lines > TOO_LONG {
            broken.push(source.at(
                1,
                &format!("{lines} code lines, at most {TOO_LONG}: split it by concept"),
            ));
        } else if lines > LONG && !reasons.contains_key(source.name.as_str()) {
            broken.push(source.at(
                1,
                &format!(
                    "{lines} code lines, above {LONG}: split it, or say why it is one concept"
                ),
            ));
        }
        if lines > LONG {
            long.insert(source.name);
        }
    }
    let stale = reasons.keys().filter(|name| !long.contains(**name));
    broken.extend(stale.map(|name| {
        format!("tests/it/layers/tables.rs: `{name}` is not long any more: remove its row")
    }));
    report(&broken);
}

#[test]
fn the_shipped_configuration_checks_without_a_warning_and_names_every_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let main = root.join("config/countersign.yaml");
    let check = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["check", "--deny-warnings", "--config"])
        .arg(&main)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&check.stderr);
    assert!(check.status.success(), "countersign check: {said}");

    let bundle = config::load(&main, &Overrides::default()).unwrap();
    let read: BTreeSet<PathBuf> = bundle.sources.keys().cloned().collect();
    let mut there = BTreeSet::new();
    walk(&root.join("config"), &mut |file| {
        there.insert(file.to_owned());
    });
    assert_eq!(
        there, read,
        "left: what is in config/, right: what `check` reads"
    );
}

#[test]
fn every_envoy_configuration_is_run_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = String::new();
    walk(&root.join("tests"), &mut |file| {
        if !file.ends_with("tests/it/layers/mod.rs")
            && file.extension().is_some_and(|ending| ending == "rs")
        {
            tests.push_str(&fs::read_to_string(file).unwrap());
        }
    });
    let mut broken = Vec::new();
    for entry in fs::read_dir(root.join("envoy")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        if path.extension().is_some_and(|ending| ending == "yaml") && !tests.contains(name) {
            broken.push(format!(
                "{name}: no test under tests/ names this file, so nothing shows that Envoy takes it"
            ));
        }
    }
    report(&broken);
}

#[test]
fn the_scanner_sees_groups_supers_and_nothing_in_comments_or_texts() {
    let source = Source::new(
        "action/routes.rs",
        "// crate::cli\nuse crate::{\n    model::route,\n    expression::{Program, Value},\n};\n/* crate::app */\n\
         const A: &str = \"crate::keys\"; const B: &str = r#\"crate::\"keys\"#; const C: char = '\"';\n\
         fn f<'a>(_: &'a crate::policy::Rule) {}\nuse super::super::keys;\nuse super::spec;\n",
    );
    let found: Vec<(usize, String)> = source.crate_imports();
    let expected = [(3, "model"), (4, "expression"), (8, "policy"), (9, "keys")];
    assert_eq!(found, expected.map(|(line, name)| (line, name.to_owned())));
    let source = Source::new(
        "cli/x.rs",
        "use tonic::A;\n#[tokio::test]\nfn f() { a.tonic::<B>(); self::tonic::c(); tonic_health::d(); }\n",
    );
    assert_eq!(source.uses("tonic"), [1]);
    assert_eq!(source.uses("tokio"), [2]);
    let source = Source::new(
        "cli/x.rs",
        "//! doc\n\nfn f() {}\n\n#[cfg(test)]\nuse a::b;\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n",
    );
    assert_eq!(
        source.code_lines(),
        3,
        "`use a::b` and its attribute are code, the tests are not"
    );
}

pub(crate) fn report(broken: &[String]) {
    assert!(
        broken.is_empty(),
        "the house has cracks:\n{}",
        broken.join("\n")
    );
}

fn floor(folder: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&folder))
}

/// The crates that the product is built of, as Rust spells them.
fn dependencies() -> BTreeSet<String> {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let section = manifest
        .split("[dependencies]\n")
        .nth(1)
        .unwrap()
        .split("\n[")
        .next()
        .unwrap();
    let names = section.lines().filter_map(|line| line.split_once(" = "));
    names.map(|(name, _)| name.replace('-', "_")).collect()
}
