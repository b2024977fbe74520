//! The `store` section of the configuration.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::StoreError;
use super::replay::MAX_REPLAY;
use super::valkey::{ValkeySettings, ValkeySpec};

/// Where durable state is kept, as the user wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSpec {
    /// The file; without one, what is kept ends with the process.
    pub file: Option<PathBuf>,
    /// A server that many replicas share, instead of a file.
    pub valkey: Option<ValkeySpec>,
}

/// Where durable state is kept, checked; nothing is opened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    pub(super) place: Place,
    pub(super) max_replay: u64,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the process.
    Memory,
    /// In a file.
    File(PathBuf),
    /// In a server.
    Valkey(Box<ValkeySettings>),
}

impl StoreSpec {
    /// Reads a relative file as seen from the configuration `file`.
    pub fn relative_to(&mut self, file: &Path) {
        let Some(folder) = file.parent() else { return };
        if let Some(path) = &mut self.file
            && !path.as_os_str().is_empty()
        {
            *path = folder.join(&*path);
        }
        if let Some(valkey) = &mut self.valkey {
            valkey.relative_to(folder);
        }
    }
}

impl StoreSettings {
    /// Nothing outlives the process.
    pub const fn in_memory() -> Self {
        Self {
            place: Place::Memory,
            max_replay: MAX_REPLAY,
        }
    }

    /// Kept in `file`.
    pub const fn in_file(file: PathBuf) -> Self {
        Self {
            place: Place::File(file),
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

    /// Kept in a server.
    pub fn in_valkey(settings: ValkeySettings) -> Self {
        Self {
            place: Place::Valkey(Box::new(settings)),
            max_replay: MAX_REPLAY,
        }
    }

    /// The file, if there is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::File(file) => Some(file),
            Place::Memory | Place::Valkey(_) => None,
        }
    }

    /// Whether what is kept outlives the process.
    pub const fn is_lasting(&self) -> bool {
        match &self.place {
            Place::File(_) | Place::Valkey(_) => true,
            Place::Memory => false,
        }
    }
}

impl TryFrom<StoreSpec> for StoreSettings {
    type Error = StoreError;

    fn try_from(spec: StoreSpec) -> Result<Self, StoreError> {
        let StoreSpec { file, valkey } = spec;
        match (file, valkey) {
            (Some(_), Some(_)) => Err(StoreError::TwoPlaces),
            (Some(file), None) if file.as_os_str().is_empty() => Err(StoreError::NoFile),
            (Some(file), None) => Ok(Self::in_file(file)),
            (None, Some(valkey)) => Ok(Self::in_valkey(ValkeySettings::try_from(valkey)?)),
            (None, None) => Ok(Self::in_memory()),
        }
    }
}
