//! The `store` section of the configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::feed::HEARD;
use super::replay::MAX_REPLAY;
use super::valkey::{ValkeySettings, ValkeySpec};
use crate::model::duration::HumanDuration;
use crate::model::finding::Finding;
use crate::model::name::ReplicaName;
use crate::model::route::Tier;

/// The smallest bound of staleness: heartbeats are a quarter of a second apart, and a machine may be busy.
const SMALLEST: Duration = Duration::from_secs(1);

/// Where durable state is kept, as the user wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSpec {
    /// The file; without one, what is kept ends with the process.
    pub file: Option<PathBuf>,
    /// A server that many replicas share, instead of a file.
    pub valkey: Option<ValkeySpec>,
    /// What this server is called among those that share the store.
    pub replica: Option<String>,
    /// How old the knowledge of what is kept may be.
    pub staleness: StalenessSpec,
}

/// How old the knowledge may be that decisions are made with, by the tier of the action, as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StalenessSpec {
    /// For `tier: low`.
    pub low: HumanDuration,
    /// For `tier: medium`.
    pub medium: HumanDuration,
    /// For `tier: high`.
    pub high: HumanDuration,
    /// For `tier: critical`.
    pub critical: HumanDuration,
}

impl Default for StalenessSpec {
    fn default() -> Self {
        Self {
            low: HumanDuration::from_secs(300),
            medium: HumanDuration::from_secs(30),
            high: HumanDuration::from_secs(2),
            critical: HumanDuration::from_secs(1),
        }
    }
}

/// How old the knowledge may be, checked: each a second at least, and none more than that of a lower tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staleness {
    low: Duration,
    medium: Duration,
    high: Duration,
    critical: Duration,
}

/// Where durable state is kept, checked; nothing is opened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    pub(super) place: Place,
    pub(super) max_replay: u64,
    pub(super) staleness: Staleness,
    replica: Option<ReplicaName>,
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

impl Place {
    fn checked(
        file: Option<PathBuf>,
        valkey: Option<ValkeySpec>,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let mut wrong = |key: &'static str, message: String| {
            findings.push(Finding::error("invalid-setting", message).under(key));
            Self::Memory
        };
        match (file, valkey) {
            (Some(_), Some(_)) => wrong(
                "valkey",
                "`store` has `file` and `valkey`: write one of them".to_owned(),
            ),
            (Some(file), None) if file.as_os_str().is_empty() => wrong(
                "file",
                "the store's file has no name: write `store: { file: /var/lib/countersign/state.db }`"
                    .to_owned(),
            ),
            (Some(file), None) => Self::File(file),
            (None, Some(valkey)) => match ValkeySettings::try_from(valkey) {
                Ok(settings) => Self::Valkey(Box::new(settings)),
                Err(error) => wrong("valkey", error.to_string()),
            },
            (None, None) => Self::Memory,
        }
    }
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
            staleness: Staleness::DEFAULT,
            replica: None,
        }
    }

    /// Kept in `file`.
    pub const fn in_file(file: PathBuf) -> Self {
        Self {
            place: Place::File(file),
            max_replay: MAX_REPLAY,
            staleness: Staleness::DEFAULT,
            replica: None,
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

    /// How long after its last word a replica may still decide.
    pub(super) fn heard(&self) -> Duration {
        self.staleness.low.saturating_add(HEARD)
    }

    /// What this server is called, if somebody has said so.
    pub const fn replica(&self) -> Option<&ReplicaName> {
        self.replica.as_ref()
    }
}

impl TryFrom<StoreSpec> for StoreSettings {
    type Error = Vec<Finding>;

    fn try_from(spec: StoreSpec) -> Result<Self, Vec<Finding>> {
        let StoreSpec {
            file,
            valkey,
            replica,
            staleness,
        } = spec;
        let mut findings = Vec::new();
        let place = Place::checked(file, valkey, &mut findings);
        let mut named = None;
        match replica.as_deref().map(ReplicaName::new).transpose() {
            Ok(name) => named = name,
            Err(error) => {
                let finding = Finding::error("invalid-setting", error.to_string());
                findings.push(finding.under("replica"));
            }
        }
        let staleness = Staleness::checked(&staleness, &mut findings);
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Self {
            place,
            max_replay: MAX_REPLAY,
            staleness,
            replica: named,
        })
    }
}

impl Staleness {
    /// What holds where nothing else is said.
    pub const DEFAULT: Self = Self {
        low: Duration::from_mins(5),
        medium: Duration::from_secs(30),
        high: Duration::from_secs(2),
        critical: Duration::from_secs(1),
    };

    /// The bound for actions of this tier.
    pub const fn of(&self, tier: Tier) -> Duration {
        match tier {
            Tier::Low => self.low,
            Tier::Medium => self.medium,
            Tier::High => self.high,
            Tier::Critical => self.critical,
        }
    }

    fn checked(spec: &StalenessSpec, findings: &mut Vec<Finding>) -> Self {
        let StalenessSpec {
            low,
            medium,
            high,
            critical,
        } = spec;
        let mut below: Option<(Tier, HumanDuration)> = None;
        for (tier, bound) in [
            (Tier::Low, *low),
            (Tier::Medium, *medium),
            (Tier::High, *high),
            (Tier::Critical, *critical),
        ] {
            let mut wrong = |message: String| {
                let finding = Finding::error("invalid-setting", message);
                findings.push(finding.under(tier.as_str()).under("staleness"));
            };
            if bound.get() < SMALLEST {
                wrong(format!(
                    "`{bound}` cannot be kept: write `1s` or more, as replicas say four times a second that they are there"
                ));
            } else if let Some((lower, most)) = below
                && bound > most
            {
                wrong(format!(
                    "`{bound}` is more than the `{most}` of `{}`: what does more harm needs newer knowledge",
                    lower.as_str()
                ));
            }
            below = Some((tier, bound));
        }
        Self {
            low: low.get(),
            medium: medium.get(),
            high: high.get(),
            critical: critical.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<StoreSettings, Vec<String>> {
        let spec: StoreSpec = serde_json::from_str(text).unwrap();
        StoreSettings::try_from(spec)
            .map_err(|findings| findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn nothing_said_is_the_default() {
        let settings = check("{}").unwrap();
        assert_eq!(settings, StoreSettings::in_memory());
        assert_eq!(settings.staleness, Staleness::DEFAULT);
        let named = check(r#"{"replica": "gw-1", "staleness": {"critical": "2s"}}"#).unwrap();
        assert_eq!(named.replica().unwrap().as_str(), "gw-1");
        assert_eq!(named.staleness.of(Tier::Critical), Duration::from_secs(2));
    }

    #[test]
    fn bounds_are_a_second_at_least_and_no_more_than_those_of_lower_tiers() {
        let wrong = check(r#"{"staleness": {"high": "31s", "critical": "999ms"}, "file": ""}"#);
        let wrong = wrong.unwrap_err();
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong[0].starts_with("file: the store's file has no name"));
        assert!(wrong[1].starts_with("staleness.high: `31s` is more than the `30s` of `medium`"));
        assert!(wrong[2].starts_with("staleness.critical: `999ms` cannot be kept"));
        let wrong = check(r#"{"replica": "gw 1"}"#).unwrap_err();
        assert!(wrong[0].starts_with("replica: `gw 1` is not a replica name"));
    }
}
