//! A child process with a log file, noticed when it dies and ended with the demo.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};

/// How many lines of its log a dead child is shown with.
const TAIL: usize = 15;

/// How long a child may take to end in peace: longer than Envoy's and countersign's own grace periods in the demo.
const GRACE: Duration = Duration::from_secs(10);

/// A running child. Dropping it ends it.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a command with all its output in `folder/name.log`.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let log = folder.join(format!("{name}.log"));
        let file =
            File::create(&log).with_context(|| format!("cannot write `{}`", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            // A group of its own, so that Ctrl-C in the terminal reaches the demo alone, which then ends its children in order.
            .process_group(0)
            .spawn()
            .with_context(|| {
                format!(
                    "cannot start {name} (`{}`)",
                    command.get_program().display()
                )
            })?;
        Ok(Self { name, child, log })
    }

    /// Fails, with the end of its log, if the child has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        let Some(status) = self.child.try_wait()? else {
            return Ok(());
        };
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(TAIL)..)
            .unwrap_or_default()
            .join("\n  ");
        bail!(
            "{} ended ({status}); the end of `{}`:\n  {tail}",
            self.name,
            self.log.display()
        )
    }

    /// Asks the child to end, waits, and insists.
    fn stop(&mut self) -> std::io::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        // The standard library can only kill; `kill` is in every shell.
        let id = self.child.id().to_string();
        Command::new("sh")
            .args(["-c", "kill -TERM \"$1\"", "sh", &id])
            .stderr(Stdio::null())
            .status()?;
        let step = Duration::from_millis(20);
        for _ in 0..GRACE.as_millis() / step.as_millis() {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(step);
        }
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(cause) = self.stop() {
            eprintln!(
                "cannot end {} (process {}): {cause}",
                self.name,
                self.child.id()
            );
        }
    }
}
