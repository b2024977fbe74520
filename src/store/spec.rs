//! The `store` section of the configuration.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::StoreError;
use super::replay::MAX_REPLAY;

/// Where durable state is kept, as the user wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSpec {
    /// The file; without one, what is kept ends with the process.
    pub file: Option<PathBuf>,
}

/// Where durable state is kept, checked; nothing is opened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    pub(super) file: Option<PathBuf>,
    pub(super) max_replay: u64,
}

impl StoreSpec {
    /// Reads a relative file as seen from the configuration `file`.
    pub fn relative_to(&mut self, file: &Path) {
        if let (Some(path), Some(folder)) = (&mut self.file, file.parent())
            && !path.as_os_str().is_empty()
        {
            *path = folder.join(&*path);
        }
    }
}

impl StoreSettings {
    /// Nothing outlives the process.
    pub const fn in_memory() -> Self {
        Self {
            file: None,
            max_replay: MAX_REPLAY,
        }
    }

    /// Kept in `file`.
    pub const fn in_file(file: PathBuf) -> Self {
        Self {
            file: Some(file),
            max_replay: MAX_REPLAY,
        }
    }

    /// The same with a smaller replay memory.
    #[must_use]
    pub fn max_replay(self, entries: u64) -> Self {
        Self {
            max_replay: entries.min(MAX_REPLAY),
            ..self
        }
    }

    /// The file, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl TryFrom<StoreSpec> for StoreSettings {
    type Error = StoreError;

    fn try_from(spec: StoreSpec) -> Result<Self, StoreError> {
        let StoreSpec { file } = spec;
        match file {
            Some(file) if file.as_os_str().is_empty() => Err(StoreError::NoFile),
            Some(file) => Ok(Self::in_file(file)),
            None => Ok(Self::in_memory()),
        }
    }
}
