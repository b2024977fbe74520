//! Finds Chromium: `$CHROMIUM_BIN` as it stands, else a Chromium or Chrome on `PATH`, else Debian's `chromium-headless-shell`,
//! unpacked into `target/tools` with the libraries that this machine lacks. Nothing is installed and no root is needed.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::NamedTempFile;

use super::tools::{on_path, run, say};

/// What a browser may be called.
const NAMES: [&str; 4] = [
    "chromium-headless-shell",
    "chromium",
    "google-chrome",
    "google-chrome-stable",
];

/// What is unpacked, beside what these need: the browser, and letters for its pictures.
const PACKAGES: [&str; 2] = ["chromium-headless-shell", "fonts-dejavu-core"];

/// Where the program is in its package.
const PROGRAM: &str = "usr/lib/chromium/chromium-headless-shell";

/// What to do when there is none; ends every error.
const REMEDY: &str = "install it with `apt-get install chromium`, or name one in `CHROMIUM_BIN`";

/// A browser to start.
#[derive(Clone, Debug)]
pub(crate) struct Chromium {
    pub(crate) program: PathBuf,
    /// What it needs to find its libraries and fonts.
    pub(crate) environment: Vec<(&'static str, OsString)>,
}

impl Chromium {
    /// A browser that runs; fetched if there is none.
    pub(crate) fn find() -> Result<Self, String> {
        if let Some(named) = env::var_os("CHROMIUM_BIN").filter(|named| !named.is_empty()) {
            let found = Self::at(PathBuf::from(named));
            let runs = found.runs();
            return runs
                .map(|()| found)
                .map_err(|cause| format!("`CHROMIUM_BIN` does not run: {cause}"));
        }
        let installed = NAMES.iter().filter_map(|name| on_path(name)).map(Self::at);
        if let Some(found) = installed.into_iter().find(|found| found.runs().is_ok()) {
            return Ok(found);
        }
        Self::unpacked().map_err(|cause| format!("there is no Chromium: {cause}; {REMEDY}"))
    }

    fn at(program: PathBuf) -> Self {
        Self {
            program,
            environment: Vec::new(),
        }
    }

    fn runs(&self) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        run(command.envs(environment).arg("--version")).map(drop)
    }

    /// Debian's, in `target/tools`. Callers may race, also from other processes: one fetches, the others wait for it.
    fn unpacked() -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/chromium");
        let root = folder.join("root");
        if !root.join(PROGRAM).exists() {
            let told = |cause| format!("cannot write to `{}`: {cause}", folder.display());
            fs::create_dir_all(&folder).map_err(told)?;
            let held = File::create(folder.with_extension("lock"));
            let _held = held
                .and_then(|file| file.lock().map(|()| file))
                .map_err(told)?;
            if !root.join(PROGRAM).exists() {
                say("fetching Chromium …");
                fetch(&folder)?;
            }
        }
        let found = Self {
            program: root.join(PROGRAM),
            environment: vec![
                ("LD_LIBRARY_PATH", libraries(&root)),
                ("FONTCONFIG_FILE", fonts(&folder)?),
            ],
        };
        found.runs().map(|()| found)
    }
}

/// Has apt fetch what is lacking (it checks every signature and digest) and unpacks it beside the system, in place at once.
fn fetch(folder: &Path) -> Result<(), String> {
    // What the system knows may be old, or nothing at all.
    download(folder, None).or_else(|_old| {
        let lists = folder.join("lists");
        // One unreachable source is no reason to stop: the download tells whether something is missing.
        drop(run(apt(folder, Some(&lists))?.arg("update")));
        download(folder, Some(&lists))
    })?;
    let unpacked = folder.join("unpacked");
    drop(fs::remove_dir_all(&unpacked));
    for package in entries(&folder.join("cache/archives")) {
        if package
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            run(Command::new("dpkg").arg("-x").args([&package, &unpacked]))?;
        }
    }
    drop(fs::remove_dir_all(folder.join("cache")));
    drop(fs::remove_dir_all(folder.join("lists")));
    let moved = fs::rename(&unpacked, folder.join("root"));
    moved.map_err(|cause| format!("cannot move `{}`: {cause}", unpacked.display()))
}

fn download(folder: &Path, lists: Option<&Path>) -> Result<(), String> {
    let mut command = apt(folder, lists)?;
    command.args(["install", "--yes", "--download-only"]);
    run(command.arg("--no-install-recommends").args(PACKAGES)).map(drop)
}

/// apt with all its state in `folder`, so that it needs no rights and leaves the system alone.
fn apt(folder: &Path, lists: Option<&Path>) -> Result<Command, String> {
    let cache = folder.join("cache");
    let made = lists
        .into_iter()
        .chain([&*cache.join("archives")])
        .try_for_each(|it| fs::create_dir_all(it.join("partial")));
    made.map_err(|cause| format!("cannot write to `{}`: {cause}", folder.display()))?;
    let mut command = Command::new("apt-get");
    let options = [
        format!("Dir::Cache={}", cache.display()),
        format!(
            "Dir::State::extended_states={}",
            folder.join("states").display()
        ),
        "Debug::NoLocking=1".to_owned(),
        "APT::Sandbox::User=root".to_owned(),
    ];
    let lists = lists.map(|lists| format!("Dir::State::Lists={}", lists.display()));
    for option in options.into_iter().chain(lists) {
        command.args(["-o", &option]);
    }
    Ok(command)
}

/// The folders with libraries: `usr/lib`, the one of this kind of machine, and what stands in that.
fn libraries(root: &Path) -> OsString {
    let mut folders = vec![root.join("usr/lib")];
    for machine in entries(&root.join("usr/lib")) {
        folders.extend(entries(&machine));
        folders.push(machine);
    }
    folders.retain(|folder| folder.is_dir());
    env::join_paths(folders).unwrap_or_default()
}

/// Settings with which fonts are found, of the system and of `folder`.
fn fonts(folder: &Path) -> Result<OsString, String> {
    let file = folder.join("fonts.conf");
    let own = folder.join("root/usr/share/fonts");
    let alias = |family: &str, font: &str| {
        format!("<alias><family>{family}</family><prefer><family>{font}</family></prefer></alias>")
    };
    let aliases = [
        alias("system-ui", "DejaVu Sans"),
        alias("sans-serif", "DejaVu Sans"),
        alias("monospace", "DejaVu Sans Mono"),
    ];
    let text = format!(
        "<fontconfig><dir>/usr/share/fonts</dir><dir>{}</dir>{}<cachedir>{}</cachedir></fontconfig>\n",
        own.display(),
        aliases.concat(),
        folder.join("fonts").display()
    );
    if fs::read_to_string(&file).is_ok_and(|there| there == text) {
        return Ok(file.into_os_string());
    }
    let told = |cause| format!("cannot write `{}`: {cause}", file.display());
    // Moved into place: other tests may be reading it, or writing the same.
    let mut beside = NamedTempFile::new_in(folder).map_err(told)?;
    beside.write_all(text.as_bytes()).map_err(told)?;
    beside.persist(&file).map_err(|it| told(it.error))?;
    Ok(file.into_os_string())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
