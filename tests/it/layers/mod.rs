//! The house (architecture in `src/lib.rs`), held by reading the source tree: who may import whom, which folder owns which
//! foreign crate, what pure code does without, and how long a file may get. A failure names file, line and rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::config::{self, Overrides};

/// The floors, from the ground up. A folder imports floors below its own, and itself; never a sibling, never upwards.
const FLOORS: [&[&str]; 10] = [
    &["model"],
    &["outbound", "telemetry", "certificate", "json", "secret"],
    &["expression", "keys", "store", "tls"],
    &["action", "policy"],
    &[
        "identity",
        "approval",
        "revocation",
        "condition",
        "registry",
        "cache",
        "audit",
        "token",
    ],
    &["authorizer"],
    &["ext_authz", "admin"],
    &["config"],
    &["app", "doctor", "tools"],
    &["cli"],
];

/// The folders that may use a foreign crate. A dependency without a row here fails the test.
const OWNERS: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("tonic", &["ext_authz"]),
    ("tonic_health", &["ext_authz"]),
    ("tonic_reflection", &["ext_authz"]),
    ("envoy_types", &["ext_authz"]),
    ("prost", &["ext_authz"]),
    ("prost_reflect", &["ext_authz"]),
    ("tokio_stream", &["ext_authz"]),
    ("axum", &["admin"]),
    ("hyper_util", &["admin"]),
    // Pages for people.
    ("maud", &["admin"]),
    ("cel", &["expression"]),
    ("regex", &["expression", "doctor"]),
    ("memchr", &["ext_authz"]),
    ("simdutf8", &["ext_authz", "json"]),
    // The program's allocator, named where the program begins.
    ("mimalloc", &["main.rs"]),
    // The priority of a thread.
    ("rustix", &["app"]),
    // What is found in tables that the configuration makes.
    ("foldhash", &["action", "policy", "registry"]),
    ("chrono", &["expression"]),
    ("jsonwebtoken", &["keys"]),
    // Digests of certificates and of JSON; secrets that the store makes for itself. `keys` gives them to everybody else.
    ("aws_lc_rs", &["keys", "certificate", "json", "store"]),
    ("base64", &["keys", "certificate", "action"]),
    // PEM files of keys to sign with.
    ("rustls_pki_types", &["keys"]),
    ("rusqlite", &["store"]),
    ("redis", &["store/valkey"]),
    (
        "moka",
        &[
            "keys",
            "identity/introspection",
            "identity/verified",
            "cache",
        ],
    ),
    ("reqwest", &["outbound"]),
    ("ryu_js", &["json"]),
    ("prometheus", &["telemetry"]),
    ("tracing_subscriber", &["telemetry"]),
    ("serde_yaml", &["config/yaml"]),
    ("tokio_rustls", &["tls"]),
    ("x509_parser", &["certificate"]),
    // Swapped snapshots.
    (
        "arc_swap",
        &[
            "keys",
            "tls",
            "store",
            "identity",
            "approval",
            "revocation",
            "condition",
            "authorizer",
            "ext_authz",
            "app",
        ],
    ),
    // Those who run tasks, wait or do I/O; the edges and what feeds them.
    (
        "tokio",
        &[
            "outbound",
            "keys",
            "identity",
            "tls",
            "store",
            "audit",
            "authorizer",
            "ext_authz",
            "admin",
            "app",
            "tools",
            "cli",
        ],
    ),
    (
        "tokio_util",
        &[
            "keys",
            "tls",
            "identity",
            "audit",
            "ext_authz",
            "admin",
            "app",
        ],
    ),
    (
        "tracing",
        &[
            "telemetry",
            "keys",
            "tls",
            "identity",
            "cache",
            "audit",
            "authorizer",
            "ext_authz",
            "admin",
            "app",
        ],
    ),
    // Errors that are only ever shown.
    ("anyhow", &["app", "cli"]),
    ("serde", EVERYWHERE),
    ("serde_json", EVERYWHERE),
    ("thiserror", EVERYWHERE),
];

/// Words of data and errors that mean the same on every floor.
const EVERYWHERE: &[&str] = &[""];

/// Pure and synchronous: `test`, `explain`, the benches and `serve` run the very same code.
const PURE: &[&str] = &["model", "json", "expression", "action", "policy"];

/// What pure code never names. `std::net` is addresses and sockets: the addresses are plain data.
const IMPURE: &[&str] = &[
    "tokio",
    "tokio_util",
    "tracing",
    "std::fs",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "std::net",
    "SystemTime",
    "Instant",
];
const ADDRESSES: &[&str] = &["IpAddr", "Ipv4Addr", "Ipv6Addr", "SocketAddr"];

/// Pure code that names such a thing all the same, and why its result does not depend on it.
const IMPURE_FOR_A_REASON: &[(&str, &str, &str)] = &[(
    "expression/parse.rs",
    "std::thread",
    "the parser needs a larger stack; the caller waits for it",
)];

/// Code lines of a file (no comments, no blank lines, no tests): ask why at the first, fail at the second.
const LONG: usize = 300;
const TOO_LONG: usize = 400;

/// Files above [`LONG`], and why each is still one concept.
const LONG_FOR_A_REASON: &[(&str, &str)] = &[
    (
        "model/schema.rs",
        "the tree of attributes and its lookups, one type after the other",
    ),
    (
        "policy/constrain.rs",
        "merging constraints to the stricter: one case a kind, side by side",
    ),
    (
        "config/assemble.rs",
        "every file that the configuration names, read in one order and joined",
    ),
    (
        "policy/requirement.rs",
        "every requirement: how it is read, met and described, one case a kind",
    ),
    (
        "policy/evaluate.rs",
        "the stages of one evaluation, in the order in which they decide",
    ),
    (
        "config/policy.rs",
        "reads the sections of a policy file item by item",
    ),
];

#[test]
fn imports_point_down_only_and_siblings_never_import_each_other() {
    let mut broken = Vec::new();
    for source in sources("src") {
        let Some(own) = source.folder() else { continue };
        let own_floor = floor(own).unwrap_or_else(|| {
            panic!("`src/{own}` stands on no floor: give it one in tests/it/layers.rs")
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
            format!("tests/it/layers.rs: `{name}` is no dependency any more: remove its row")
        })
        .collect();
    let unowned = dependencies
        .iter()
        .filter(|name| !owners.contains_key(name.as_str()));
    broken.extend(
        unowned.map(|name| format!("Cargo.toml: `{name}` has no owner in tests/it/layers.rs")),
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
    broken.extend(
        stale.map(|name| {
            format!("tests/it/layers.rs: `{name}` is not long any more: remove its row")
        }),
    );
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
        if !file.ends_with("tests/it/layers.rs")
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

/// One Rust file, with comments and texts blanked so that only code is left; lines keep their numbers.
pub(crate) struct Source {
    /// Under its tree: `action/routes.rs`.
    pub(crate) name: String,
    shown: String,
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            shown: format!("src/{name}"),
            code: blank(text),
        }
    }

    /// The top folder; none for `lib.rs` and `main.rs`, which only name the floors.
    fn folder(&self) -> Option<&str> {
        self.name.split_once('/').map(|(folder, _)| folder)
    }

    pub(crate) fn is_under(&self, folder: &str) -> bool {
        Path::new(&self.name).starts_with(folder)
    }

    pub(crate) fn at(&self, line: usize, rule: &str) -> String {
        format!("{}:{line}: {rule}", self.shown)
    }

    fn line(&self, number: usize) -> &str {
        self.code.lines().nth(number - 1).unwrap_or_default()
    }

    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }

    /// The folders that this file reaches through `crate::`, `crate::{…}` or enough `super::`.
    fn crate_imports(&self) -> Vec<(usize, String)> {
        let mut found: Vec<(usize, String)> = Vec::new();
        let roots = self
            .code
            .match_indices("crate::")
            .filter(|(at, _)| self.starts_word(*at));
        for (at, root) in roots {
            for (offset, name) in heads(&self.code, at + root.len()) {
                found.push((self.line_of(offset), name));
            }
        }
        let inline_tests = self.code.find("\nmod tests {").unwrap_or(self.code.len());
        for (at, _) in self
            .code
            .match_indices("super::")
            .filter(|(at, _)| self.starts_word(*at))
        {
            let mut end = at;
            let mut supers = 0;
            while self.code[end..].starts_with("super::") {
                (end, supers) = (end + "super::".len(), supers + 1);
            }
            let depth = self.depth() + usize::from(at > inline_tests);
            if supers >= depth {
                for (offset, name) in heads(&self.code, end) {
                    found.push((self.line_of(offset), name));
                }
            }
        }
        found.sort();
        found
    }

    /// How many modules deep the file is: `action/mod.rs` is one, `action/routes.rs` two.
    fn depth(&self) -> usize {
        let parts = self.name.split('/').count();
        if self.name.ends_with("/mod.rs") {
            parts - 1
        } else {
            parts
        }
    }

    fn starts_word(&self, at: usize) -> bool {
        !self.code[..at]
            .ends_with(|before: char| before.is_alphanumeric() || matches!(before, '_' | ':' | '.'))
    }

    /// The lines of paths that start at the crate `name`.
    fn uses(&self, name: &str) -> Vec<usize> {
        let path = format!("{name}::");
        let starts = self
            .code
            .match_indices(&path)
            .filter(|(at, _)| self.starts_word(*at));
        starts.map(|(at, _)| self.line_of(at)).collect()
    }

    /// The lines that have `word`, whole.
    fn words(&self, word: &str) -> Vec<usize> {
        let ends = |at: usize| {
            !self.code[at + word.len()..]
                .starts_with(|after: char| after.is_alphanumeric() || after == '_')
        };
        let found = self.code.match_indices(word).filter(|(at, _)| {
            let before = &self.code[..*at];
            !before.ends_with(|before: char| before.is_alphanumeric() || before == '_') && ends(*at)
        });
        found.map(|(at, _)| self.line_of(at)).collect()
    }

    /// Lines with code, up to the tests; a file of tests has none.
    fn code_lines(&self) -> usize {
        let tests = ["tests.rs", "testing.rs"]
            .iter()
            .any(|file| self.name.ends_with(file));
        if tests || self.name.split('/').any(|folder| folder == "tests") {
            return 0;
        }
        let end = self
            .code
            .find("#[cfg(test)]\nmod tests {")
            .unwrap_or(self.code.len());
        self.code[..end]
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count()
    }
}

/// The first names of what follows a `::`, with their offsets: one, or those of a group.
fn heads(code: &str, at: usize) -> Vec<(usize, String)> {
    let name = |from: usize| {
        let rest = &code[from..];
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        (from, rest[..end].to_owned())
    };
    if !code[at..].starts_with('{') {
        return vec![name(at)];
    }
    let (mut found, mut depth, mut fresh) = (Vec::new(), 0_usize, false);
    for (offset, c) in code[at..].char_indices() {
        match c {
            '{' => {
                depth += 1;
                fresh = depth == 1;
            }
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' => fresh = depth == 1,
            c if fresh && !c.is_whitespace() => {
                found.push(name(at + offset));
                fresh = false;
            }
            _ => {}
        }
    }
    found
}

/// The text with every comment and every literal text replaced by spaces; line breaks stay.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => quoted(rest),
            'r' if !code.ends_with(|before: char| before.is_alphanumeric() || before == '_') => {
                raw(rest)
            }
            '\'' => character(rest),
            _ => 0,
        };
        let (blanked, after) = rest.split_at(if skipped == 0 {
            first.len_utf8()
        } else {
            skipped
        });
        if skipped == 0 {
            code.push_str(blanked);
        } else {
            code.extend(blanked.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    code
}

/// The length of a text in quotes.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

/// The length of a raw text, or nothing if this `r` starts none.
fn raw(rest: &str) -> usize {
    let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
    let Some(body) = rest[1 + hashes..].strip_prefix('"') else {
        return 0;
    };
    let close = format!("\"{}", "#".repeat(hashes));
    body.find(&close)
        .map_or(rest.len(), |end| 2 + hashes + end + close.len())
}

/// The length of a character, or nothing if this is a lifetime.
fn character(rest: &str) -> usize {
    let mut inner = rest[1..].chars();
    match (inner.next(), inner.next()) {
        (Some('\\'), Some(_)) => rest[3..].find('\'').map_or(0, |end| end + 4),
        (Some(c), Some('\'')) => c.len_utf8() + 2,
        _ => 0,
    }
}

pub(crate) fn sources(tree: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(tree);
    let mut found = Vec::new();
    walk(&root, &mut |file| {
        if file.extension().is_some_and(|ending| ending == "rs") {
            let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
            let source = Source::new(name, &fs::read_to_string(file).unwrap());
            found.push(Source {
                shown: format!("{tree}/{name}"),
                ..source
            });
        }
    });
    assert!(!found.is_empty(), "nothing under {tree}/");
    found
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, visit);
        } else {
            visit(&path);
        }
    }
}
