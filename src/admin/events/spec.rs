//! The `events` section of the configuration, as the user wrote it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::keys::secret::SecretSpec;
use crate::keys::{Algorithm, KeySourceSpec};
use crate::model::duration::HumanDuration;
use crate::model::list::OneOrMany;

/// Security events that other systems push to the admin listener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventsSpec {
    /// The streams by name, which is the last segment of their path.
    pub streams: BTreeMap<String, StreamSpec>,
}

/// A stream of one transmitter, about the identities of one provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamSpec {
    /// The exact `iss` of its events.
    pub issuer: String,
    /// What their `aud` has to name.
    pub audience: String,
    /// Where the transmitter's keys come from.
    pub keys: KeySourceSpec,
    /// The provider whose identities, sessions and tokens the events are about.
    pub provider: String,
    /// The bearer token with which the transmitter comes; without it the signature alone says who it is.
    pub authorization: Option<SecretSpec>,
    /// How long the stream may be silent before it counts as stale; without it, for ever.
    pub stale_after: Option<HumanDuration>,
    /// What the transmitter may sign with; `RS256`, `ES256` and `EdDSA` unless said.
    pub algorithms: Option<OneOrMany<Algorithm>>,
}

impl EventsSpec {
    /// Reads relative files of secrets as seen from the configuration `file`.
    pub fn relative_to(&mut self, file: &Path) {
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        for stream in self.streams.values_mut() {
            if let Some(SecretSpec::File(path)) = &mut stream.authorization {
                *path = folder.join(&*path);
            }
        }
    }
}
