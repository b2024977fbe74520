//! Small mistakes in the code, each a patch in `tests/mutants/`, are caught by the policies' own tests.
//!
//! A copy of the program is patched, built and told to run `countersign test`: a patch that leaves every case as it was
//! is a mistake that nobody would see. The copy lies in one place whatever the patch, and is built in the target folder
//! of the tests themselves, so that dependencies are there and only what a patch touches is compiled again. Its program
//! has another name, so that no other test ever runs it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Caught by the sample policies, because these three matter most; the others may also be caught by `mutants/policy`.
const BY_THE_SAMPLES: &[&str] = &[
    "error-counts-as-true",
    "guard-skipped",
    "subject-not-evaluated",
];
/// The name of the copy's program.
const PROGRAM: &str = "countersign-mutant";

#[test]
fn every_mutant_is_caught_by_the_tests_of_the_policies() {
    let copy = Copy::new();
    copy.renew();
    copy.build("the unpatched copy");
    for policies in [SAMPLES, OWN] {
        assert_eq!(copy.failed_cases(policies), Vec::<String>::new());
    }
    let mut survivors = Vec::new();
    let patches = patches();
    for (name, patch) in &patches {
        copy.renew();
        copy.apply(name, patch);
        copy.build(name);
        let mut failed = copy.failed_cases(SAMPLES);
        if !BY_THE_SAMPLES.contains(&name.as_str()) {
            failed.extend(copy.failed_cases(OWN));
        }
        if failed.is_empty() {
            survivors.push(name);
        }
        eprintln!("{name}: {failed:?}");
    }
    assert!(
        survivors.is_empty(),
        "no test of a policy sees {survivors:?}"
    );
    for name in BY_THE_SAMPLES {
        assert!(
            patches.iter().any(|(known, _)| known == name),
            "no {name}.patch"
        );
    }
}

/// The project's own policies, and those made for mutants that these cannot see; seen from the project.
const SAMPLES: &str = "config/countersign.yaml";
const OWN: &str = "tests/mutants/policy/countersign.yaml";

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every patch by its name.
fn patches() -> Vec<(String, PathBuf)> {
    let folder = fs::read_dir(project().join("tests/mutants")).unwrap();
    let mut found: Vec<_> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "patch"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    found.sort();
    found
}

/// The copy of the program.
struct Copy {
    target: PathBuf,
    tree: PathBuf,
}

impl Copy {
    fn new() -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let tree = target.join("mutants");
        Self {
            target: target.to_owned(),
            tree,
        }
    }

    /// Makes the copy like the project again. What is alike already is not touched, so that it is not compiled again.
    fn renew(&self) {
        mirror(&project().join("src"), &self.tree.join("src"));
        let toolchain = fs::read(project().join("rust-toolchain.toml")).unwrap();
        write(&self.tree.join("rust-toolchain.toml"), &toolchain);
        let lock = fs::read_to_string(project().join("Cargo.lock")).unwrap();
        write(&self.tree.join("Cargo.lock"), renamed(&lock).as_bytes());
        // The manifest names targets in these folders, which are not built.
        for folder in ["benches", "envoy"] {
            let link = self.tree.join(folder);
            if !link.exists() {
                std::os::unix::fs::symlink(project().join(folder), link).unwrap();
            }
        }
        let manifest = fs::read_to_string(project().join("Cargo.toml")).unwrap();
        let other = renamed(&manifest).replace("default-run = \"countersign\"", "autobins = false");
        assert_ne!(manifest, other, "the manifest has no `default-run`");
        let targets = format!(
            "\n[lib]\nname = \"countersign\"\n\n[[bin]]\nname = \"{PROGRAM}\"\npath = \"src/main.rs\"\n"
        );
        write(&self.tree.join("Cargo.toml"), (other + &targets).as_bytes());
    }

    fn apply(&self, name: &str, patch: &Path) {
        let mut command = Command::new("patch");
        command.args([
            "-p1",
            "--batch",
            "--forward",
            "--no-backup-if-mismatch",
            "-i",
        ]);
        let ended = command.arg(patch).current_dir(&self.tree).output();
        let ended = ended.unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => {
                panic!("there is no `patch`: install it (`apt-get install patch`)")
            }
            _ => panic!("patch: {error}"),
        });
        assert!(
            ended.status.success(),
            "{name}.patch no longer applies: {}",
            words(&ended)
        );
    }

    /// Builds the copy, without haste: other tests run meanwhile, and some of them look at the clock.
    fn build(&self, name: &str) {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new("nice");
        command
            .arg(cargo)
            .args(["build", "--offline", "--locked", "--bin", PROGRAM]);
        command.arg("--target-dir").arg(&self.target);
        command
            .env("CARGO_INCREMENTAL", "1")
            .current_dir(&self.tree);
        let ended = command.output().unwrap();
        assert!(
            ended.status.success(),
            "{name} does not compile: {}",
            words(&ended)
        );
    }

    /// The cases that fail with what was built last.
    fn failed_cases(&self, policies: &str) -> Vec<String> {
        let mut command = Command::new(self.target.join("debug").join(PROGRAM));
        let ended = command
            .args(["test", "--json", "--config"])
            .arg(project().join(policies))
            .output();
        let ended = ended.unwrap();
        let report: Value = serde_json::from_slice(&ended.stdout)
            .unwrap_or_else(|error| panic!("{policies}: {error}: {}", words(&ended)));
        let failures = report["failures"].as_array().unwrap();
        assert_eq!(
            ended.status.code(),
            Some(i32::from(!failures.is_empty())),
            "{}",
            words(&ended)
        );
        failures
            .iter()
            .map(|failure| failure["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The manifest or lock file of a package of another name: cargo tells packages apart by name and not by folder, and
/// would otherwise take a patched library for the project's own in the next build.
fn renamed(text: &str) -> String {
    let other = text.replacen(
        "name = \"countersign\"",
        &format!("name = \"{PROGRAM}\""),
        1,
    );
    assert_ne!(text, other, "the package is not called `countersign`");
    other
}

/// Makes `copy` hold the same files as `folder`.
fn mirror(folder: &Path, copy: &Path) {
    fs::create_dir_all(copy).unwrap();
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    let wanted = names(folder);
    for gone in names(copy)
        .into_iter()
        .filter(|name| !wanted.contains(name))
    {
        let gone = copy.join(gone);
        let removed = if gone.is_dir() {
            fs::remove_dir_all(gone)
        } else {
            fs::remove_file(gone)
        };
        removed.unwrap();
    }
    for name in wanted {
        let (from, to) = (folder.join(&name), copy.join(&name));
        if from.is_dir() {
            mirror(&from, &to);
        } else {
            write(&to, &fs::read(from).unwrap());
        }
    }
}

fn write(file: &Path, bytes: &[u8]) {
    if fs::read(file).ok().as_deref() != Some(bytes) {
        fs::write(file, bytes).unwrap();
    }
}

fn words(ended: &Output) -> String {
    let Output { stdout, stderr, .. } = ended;
    format!(
        "{}{}",
        String::from_utf8_lossy(stdout),
        String::from_utf8_lossy(stderr)
    )
}
