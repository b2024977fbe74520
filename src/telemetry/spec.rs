//! The `log` section of the configuration.

use serde::Deserialize;

/// How logs are written, as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSpec {
    /// Shape of a line.
    pub format: LogFormat,
    /// A level for countersign itself, and more or less for parts: `info`, or `info,countersign::keys=debug`.
    pub level: String,
}

impl Default for LogSpec {
    fn default() -> Self {
        Self {
            format: LogFormat::Auto,
            level: "info".to_owned(),
        }
    }
}

/// Shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}
