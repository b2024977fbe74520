//! The `lifecycle` section of the configuration: what each check does when it finds something.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::model::duration::HumanDuration;
use crate::model::finding::Finding;
use crate::model::lifecycle::Level;
use crate::model::list::OneOrMany;
use crate::model::route::Tier;

/// The tiers that demand proof of possession where the configuration names none.
const DEMANDING: [Tier; 1] = [Tier::Critical];

/// What each check does, as the user wrote it.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LifecycleSpec {
    /// An identity that is not human and not registered.
    pub unregistered: LevelSpec,
    /// One that is suspended or off-boarded.
    pub standing: LevelSpec,
    /// One that has expired.
    pub expired: LevelSpec,
    /// One whose secret should have been rotated.
    pub rotation: WordOr<RotationSpec>,
    /// A credential that lives longer than allowed.
    pub token_lifetime: WordOr<TokenLifetimeSpec>,
    /// An identity of another environment than the route's.
    pub environment: LevelSpec,
    /// A workload that is not in the identity's list.
    pub workload: LevelSpec,
    /// An identity that a browser uses.
    pub browser: LevelSpec,
    /// A credential without proof of possession, where the tier demands it.
    pub proof: WordOr<ProofSpec>,
}

/// `off`, `warn` or `deny`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LevelSpec {
    /// The check is not made.
    Off,
    /// The call goes on, with a warning.
    Warn,
    /// The call is denied.
    Deny,
}

/// `{ check: warn, max_age: 90d }`.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RotationSpec {
    /// What the check does.
    pub check: LevelSpec,
    /// How old a secret may get.
    pub max_age: HumanDuration,
}

/// `{ check: warn, max: 1h }`.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenLifetimeSpec {
    /// What the check does.
    pub check: LevelSpec,
    /// The longest time from issue to end.
    pub max: HumanDuration,
}

/// `{ check: warn, tiers: [critical] }`.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProofSpec {
    /// What the check does.
    pub check: LevelSpec,
    /// The tiers that demand proof; `critical` unless said.
    pub tiers: Option<OneOrMany<String>>,
}

/// The settings of a check, or only the word for what it does.
#[derive(Clone, Copy, Debug, Default)]
pub struct WordOr<T>(pub T);

impl Default for LifecycleSpec {
    fn default() -> Self {
        Self {
            unregistered: LevelSpec::Warn,
            standing: LevelSpec::Deny,
            expired: LevelSpec::Deny,
            rotation: WordOr::default(),
            token_lifetime: WordOr::default(),
            environment: LevelSpec::Deny,
            workload: LevelSpec::Deny,
            browser: LevelSpec::Warn,
            proof: WordOr::default(),
        }
    }
}

impl Default for RotationSpec {
    fn default() -> Self {
        Self {
            check: LevelSpec::Warn,
            max_age: HumanDuration::from_secs(90 * 86_400),
        }
    }
}

impl Default for TokenLifetimeSpec {
    fn default() -> Self {
        Self {
            check: LevelSpec::Warn,
            max: HumanDuration::from_secs(3600),
        }
    }
}

impl Default for ProofSpec {
    fn default() -> Self {
        Self {
            check: LevelSpec::Warn,
            tiers: None,
        }
    }
}

trait Named: Default {
    fn check(&mut self, level: LevelSpec);
}

macro_rules! named {
    ($($spec:ident),*) => {$(
        impl Named for $spec {
            fn check(&mut self, level: LevelSpec) {
                self.check = level;
            }
        }
    )*};
}

named!(RotationSpec, TokenLifetimeSpec, ProofSpec);

impl<'de, T: Named + Deserialize<'de>> Deserialize<'de> for WordOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Named + Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = WordOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`off`, `warn` or `deny`, or a map with `check`")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<WordOr<T>, E> {
                let mut spec = T::default();
                spec.check(LevelSpec::deserialize(StrDeserializer::new(word))?);
                Ok(WordOr(spec))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WordOr<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(WordOr)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// What each check does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    pub(super) unregistered: Level,
    pub(super) standing: Level,
    pub(super) expired: Level,
    pub(super) rotation: Level,
    pub(super) max_age: Duration,
    pub(super) token_lifetime: Level,
    pub(super) max_lifetime: Duration,
    pub(super) environment: Level,
    pub(super) workload: Level,
    pub(super) browser: Level,
    pub(super) proof: Level,
    pub(super) tiers: Vec<Tier>,
}

impl Lifecycle {
    /// Checks the section, and reports everything that is wrong with paths that start in it. What loads and should be
    /// looked at is a warning beside it.
    pub fn compile(spec: LifecycleSpec) -> Result<(Self, Vec<Finding>), Vec<Finding>> {
        let tiers = match &spec.proof.0.tiers {
            Some(names) => tiers(names)?,
            None => DEMANDING.to_vec(),
        };
        let lifecycle = Self::new(spec, tiers);
        let warnings = lifecycle.lints();
        Ok((lifecycle, warnings))
    }

    fn new(spec: LifecycleSpec, tiers: Vec<Tier>) -> Self {
        let LifecycleSpec {
            unregistered,
            standing,
            expired,
            rotation: WordOr(rotation),
            token_lifetime: WordOr(token),
            environment,
            workload,
            browser,
            proof: WordOr(proof),
        } = spec;
        Self {
            unregistered: unregistered.into(),
            standing: standing.into(),
            expired: expired.into(),
            rotation: rotation.check.into(),
            max_age: rotation.max_age.get(),
            token_lifetime: token.check.into(),
            max_lifetime: token.max.get(),
            environment: environment.into(),
            workload: workload.into(),
            browser: browser.into(),
            proof: proof.check.into(),
            tiers,
        }
    }

    /// An identity whose life is over should be refused everywhere; whoever loosens that should know.
    fn lints(&self) -> Vec<Finding> {
        let loosened = [
            ("standing", self.standing, "suspended and off-boarded"),
            ("expired", self.expired, "expired"),
        ];
        let lint = |(key, level, which): (&str, Level, &str)| {
            let message = format!(
                "{which} identities are let in: `{key}` is `{}`",
                level.as_str()
            );
            Finding::warning("lifecycle-loosened", message)
                .help("write `deny`, unless this is for the time of a migration")
                .under(key)
        };
        let mut lints: Vec<Finding> = Vec::new();
        lints.extend(
            loosened
                .into_iter()
                .filter(|(_, level, _)| *level != Level::Deny)
                .map(lint),
        );
        lints
    }

    /// Whether requests are looked at for what only browsers send.
    pub fn looks_for_browsers(&self) -> bool {
        self.browser != Level::Off
    }

    /// Whether environments are compared.
    pub fn compares_environments(&self) -> bool {
        self.environment != Level::Off
    }

    /// Whether a secret that was never rotated is worth a word: rotation that is overdue is denied.
    pub fn denies_overdue(&self) -> bool {
        self.rotation == Level::Deny
    }
}

impl Default for Lifecycle {
    /// What holds where the configuration says nothing.
    fn default() -> Self {
        Self::new(LifecycleSpec::default(), DEMANDING.to_vec())
    }
}

fn tiers(names: &OneOrMany<String>) -> Result<Vec<Tier>, Vec<Finding>> {
    let mut tiers = Vec::new();
    let mut findings = Vec::new();
    for (position, name) in names.items().iter().enumerate() {
        match name.parse::<Tier>() {
            Ok(tier) => tiers.push(tier),
            Err(error) => {
                let finding = Finding::error("unknown-tier", error.to_string());
                findings.push(names.place(position, finding));
            }
        }
    }
    if names.items().is_empty() {
        let finding = Finding::error("no-tier", "proof is demanded for no tier");
        findings.push(finding.help("name one, for example `critical`, or write `proof: off`"));
    }
    if findings.is_empty() {
        return Ok(tiers);
    }
    let place = |finding: Finding| finding.under("tiers").under("proof");
    Err(findings.into_iter().map(place).collect())
}

impl From<LevelSpec> for Level {
    fn from(spec: LevelSpec) -> Self {
        match spec {
            LevelSpec::Off => Self::Off,
            LevelSpec::Warn => Self::Warn,
            LevelSpec::Deny => Self::Deny,
        }
    }
}
