//! Secrets that the configuration names and never holds: in a file, or in the environment.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Largest secret in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSpec {
    /// In a file, seen from the file that says so; line ends at its end are not part of it.
    File(PathBuf),
    /// In a variable of the environment.
    Env(String),
}

/// A secret. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("the secret's file `{file}` cannot be read: {source}")]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The variable is not set, or not text.
    #[error("the variable `{0}` of the environment is not set")]
    Env(String),
    /// There is nothing in it.
    #[error("the secret is empty: `{0}`")]
    Empty(String),
    /// It is larger than any secret.
    #[error("the secret is larger than {MAX_BYTES} bytes: `{0}`")]
    TooLarge(String),
}

impl Secret {
    /// Reads the secret; a relative file starts at `base`.
    pub fn load(spec: &SecretSpec, base: &Path) -> Result<Self, SecretError> {
        let (name, bytes) = match spec {
            SecretSpec::File(file) => {
                let file = base.join(file);
                let bytes = read(&file).map_err(|source| SecretError::File {
                    file: file.clone(),
                    source,
                })?;
                (file.display().to_string(), bytes)
            }
            SecretSpec::Env(name) => {
                let value = std::env::var(name);
                let value = value.map_err(|_unset| SecretError::Env(name.clone()))?;
                (name.clone(), value.into_bytes())
            }
        };
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
            return Err(SecretError::TooLarge(name));
        }
        let bytes = bytes.trim_ascii_end();
        if bytes.is_empty() {
            return Err(SecretError::Empty(name));
        }
        Ok(Self(bytes.into()))
    }

    /// The secret itself, for the one who needs it.
    pub const fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 32]> for Secret {
    fn from(bytes: [u8; 32]) -> Self {
        Self(Box::new(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_without_its_line_end_and_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pepper"), "s3cret\r\n").unwrap();
        let spec: SecretSpec = serde_json::from_str(r#"{"file":"pepper"}"#).unwrap();
        let secret = Secret::load(&spec, folder.path()).unwrap();
        assert_eq!(secret.expose(), b"s3cret");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        let load = |json: &str| {
            let spec: SecretSpec = serde_json::from_str(json).unwrap();
            Secret::load(&spec, folder.path()).unwrap_err().to_string()
        };
        assert!(load(r#"{"file":"none"}"#).contains("none"));
        assert!(load(r#"{"file":"empty"}"#).contains("is empty"));
        assert!(load(r#"{"env":"COUNTERSIGN_NO_SUCH"}"#).contains("COUNTERSIGN_NO_SUCH"));
    }
}
