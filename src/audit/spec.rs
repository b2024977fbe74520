//! The `audit` section of the configuration.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::AuditError;

/// Longest line of a record, its end included. The lengths of its fields add up to less; a test holds that.
pub const MAX_LINE: usize = 12 * 1024;

/// Most memory that waiting records may take.
const MAX_WAITING: usize = 768 * 1024 * 1024;

/// Longest queue.
pub const MAX_QUEUE: usize = MAX_WAITING / MAX_LINE;

/// Where decision records go, as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSpec {
    /// Where lines are written.
    pub sink: SinkSpec,
    /// Records that may wait to be written.
    pub queue: usize,
}

impl Default for AuditSpec {
    fn default() -> Self {
        Self {
            sink: SinkSpec::Stdout,
            queue: 8192,
        }
    }
}

/// `stdout`, or `{ file: PATH }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SinkSpec {
    /// Standard output, which nothing else writes to while the server runs.
    Stdout,
    /// A file that is appended to, created readable by owner and group only.
    File(PathBuf),
}

/// Where decision records go, checked; nothing is opened yet.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    pub(super) sink: SinkSpec,
    pub(super) queue: usize,
}

impl AuditSpec {
    /// Reads a relative file as seen from the configuration `file`.
    pub fn relative_to(&mut self, file: &Path) {
        if let (SinkSpec::File(path), Some(folder)) = (&mut self.sink, file.parent())
            && !path.as_os_str().is_empty()
        {
            *path = folder.join(&*path);
        }
    }
}

impl TryFrom<AuditSpec> for AuditSettings {
    type Error = AuditError;

    fn try_from(spec: AuditSpec) -> Result<Self, AuditError> {
        let AuditSpec { sink, queue } = spec;
        if queue == 0 || queue > MAX_QUEUE {
            return Err(AuditError::Queue(queue));
        }
        match &sink {
            SinkSpec::File(path) if path.as_os_str().is_empty() => Err(AuditError::NoFile),
            SinkSpec::File(_) | SinkSpec::Stdout => Ok(Self { sink, queue }),
        }
    }
}
