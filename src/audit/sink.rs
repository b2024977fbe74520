//! Where lines go: a file or standard output, written without a buffer of ours so that every failure is seen where it
//! happens.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use super::AuditError;
use super::spec::SinkSpec;

/// Mode of a new file: its owner writes, its group reads, nobody else does either.
const MODE: u32 = 0o640;

/// An open sink.
#[derive(Debug)]
pub(super) struct Sink {
    spec: SinkSpec,
    file: Arc<File>,
}

impl Sink {
    pub(super) fn open(spec: &SinkSpec) -> Result<Self, AuditError> {
        let opened = match spec {
            SinkSpec::Stdout => io::stdout().as_fd().try_clone_to_owned().map(File::from),
            SinkSpec::File(path) => append(path),
        };
        let file = opened.map_err(|source| AuditError::Open {
            sink: name(spec),
            source,
        })?;
        Ok(Self {
            spec: spec.clone(),
            file: Arc::new(file),
        })
    }

    #[cfg(test)]
    pub(super) fn over(file: File) -> Self {
        Self {
            spec: SinkSpec::Stdout,
            file: Arc::new(file),
        }
    }

    /// What was configured.
    pub(super) fn spec(&self) -> &SinkSpec {
        &self.spec
    }

    /// The file, shared with the thread that writes to it.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }
}

/// The path, or `stdout`.
pub(super) fn name(spec: &SinkSpec) -> String {
    match spec {
        SinkSpec::Stdout => "stdout".to_owned(),
        SinkSpec::File(path) => path.display().to_string(),
    }
}

/// Opens a file to append to. A last line that was cut off, by a full disk or a crash, is ended first, so that it does
/// not swallow the next record.
fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).mode(MODE).open(path)?;
    if file.metadata()?.is_file() && ends_torn(path).unwrap_or(false) {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

fn ends_torn(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0; 1];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Writes what follows the first `written` bytes. Says how many are written now, also when it fails, so that a retry
/// repeats none.
pub(super) fn push(mut file: &File, bytes: &[u8], mut written: usize) -> (usize, io::Result<()>) {
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}
