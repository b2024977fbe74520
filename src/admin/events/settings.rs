//! The streams, checked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::super::access::{Access, MIN_TOKEN};
use super::super::status::StreamStatus;
use super::spec::{EventsSpec, StreamSpec};
use crate::identity::CheckedProviders;
use crate::keys::secret::{Secret, SecretSpec};
use crate::keys::{Algorithm, KeySet, KeySource};
use crate::model::duration::HumanDuration;
use crate::model::finding::{Finding, Severity};
use crate::model::name::ProviderName;
use crate::model::suggest::suggest;
use crate::model::time::Timestamp;

/// Most streams.
const MAX_STREAMS: usize = 64;
/// Most bytes of an issuer and of an audience.
const MAX_NAME: usize = 512;
/// What a transmitter may sign with unless the configuration says so.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

/// Every stream, by name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Streams(BTreeMap<ProviderName, Arc<Stream>>);

/// A stream of one transmitter.
#[derive(Clone, Debug)]
pub(in crate::admin) struct Stream {
    /// Its name, which its key set has too.
    pub(super) name: Arc<str>,
    /// The exact `iss` of its events.
    pub(super) issuer: Arc<str>,
    /// What their `aud` names.
    pub(super) audience: Arc<str>,
    /// Whose identities it speaks of.
    pub(super) provider: ProviderName,
    /// The `iss` that these have.
    pub(super) subjects: Arc<str>,
    pub(super) algorithms: Vec<Algorithm>,
    /// Read for every event, so that a replaced one counts at once.
    pub(super) authorization: Option<SecretSpec>,
    /// How long it may be silent.
    stale_after: Option<Duration>,
    source: KeySource,
    /// None until it is given them: then nothing is taken.
    pub(super) keys: Option<KeySet>,
}

impl Streams {
    /// Checks the section, whose files of secrets are no longer relative; those of keys start at `base`. There are streams unless a
    /// finding is an error. `files` looks at the secrets too.
    pub fn compile(
        spec: EventsSpec,
        base: &Path,
        providers: &CheckedProviders,
        files: bool,
    ) -> (Option<Self>, Vec<Finding>) {
        let EventsSpec { streams } = spec;
        let mut findings = Vec::new();
        if streams.len() > MAX_STREAMS {
            let message = format!("at most {MAX_STREAMS} streams are received");
            findings.push(Finding::error("out-of-range", message));
        }
        let mut checked = BTreeMap::new();
        for (name, spec) in streams {
            match Stream::compile(&name, spec, base, providers, files) {
                Ok((name, stream)) => {
                    checked.insert(name, Arc::new(stream));
                }
                Err(wrong) => findings.extend(wrong.into_iter().map(|it| it.under(name.as_str()))),
            }
        }
        let findings: Vec<_> = findings.into_iter().map(|it| it.under("streams")).collect();
        let sound = !findings.iter().any(|it| it.severity == Severity::Error);
        (sound.then_some(Self(checked)), findings)
    }

    /// Where the keys of each stream come from; what [`Streams::with`] will look for.
    pub fn key_sources(&self) -> impl Iterator<Item = (&ProviderName, &KeySource)> {
        self.0.iter().map(|(name, stream)| (name, &stream.source))
    }

    /// Gives each stream its keys. Nothing is taken of one that has none.
    #[must_use]
    pub fn with(&self, sets: &BTreeMap<ProviderName, KeySet>) -> Self {
        let each = self.0.iter().map(|(name, stream)| {
            let keys = sets.get(name).cloned();
            let stream = Stream::clone(stream);
            (name.clone(), Arc::new(Stream { keys, ..stream }))
        });
        Self(each.collect())
    }

    /// Name and bound of each: how long it may be silent.
    pub fn bounds(&self) -> impl Iterator<Item = (&str, Option<Duration>)> {
        let each = self.0.values();
        each.map(|stream| (&*stream.name, stream.stale_after))
    }

    /// How each stands at `now`, where `last` says when its last event was accepted. What says nothing since the server's
    /// start is silent since then. It changes no decision.
    pub fn standing(
        &self,
        now: Timestamp,
        started: Timestamp,
        last: impl Fn(&str) -> Option<Timestamp>,
    ) -> Vec<StreamStatus> {
        let each = self.bounds().map(|(name, stale_after)| {
            let last = last(name);
            let heard = last.unwrap_or(started);
            StreamStatus {
                name: Arc::from(name),
                last,
                stale_after,
                stale: stale_after.is_some_and(|bound| now > heard.plus(bound)),
            }
        });
        each.collect()
    }

    /// The stream of this name.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Stream>> {
        let name = ProviderName::new(name).ok()?;
        self.0.get(&name).cloned()
    }
}

impl Stream {
    fn compile(
        name: &str,
        spec: StreamSpec,
        base: &Path,
        providers: &CheckedProviders,
        files: bool,
    ) -> Result<(ProviderName, Self), Vec<Finding>> {
        let StreamSpec {
            issuer,
            audience,
            keys,
            provider,
            authorization,
            stale_after,
            algorithms,
        } = spec;
        let mut findings = Vec::new();
        let checked = ProviderName::new(name).map_err(|_no_name| {
            let message = format!("`{name}` is no name of a stream: it is a segment of a path");
            findings.push(Finding::error("invalid-name", message));
        });
        findings.extend(bad_name("issuer", &issuer));
        findings.extend(bad_name("audience", &audience));
        let algorithms = algorithms.map_or_else(|| ALGORITHMS.to_vec(), |it| it.items().to_vec());
        if algorithms.is_empty() {
            let message = "no algorithm is accepted, so no event is: name at least one";
            findings.push(Finding::error("no-algorithm", message).under("algorithms"));
        }
        let known =
            known(&provider, providers).map_err(|finding| findings.push(finding.under("provider")));
        let source = KeySource::compile(&format!("events.{name}"), keys, base);
        let source = source.map_err(|error| {
            findings.push(Finding::error("invalid-keys", error.to_string()).under("keys"));
        });
        if let Some(secret) = authorization.as_ref().filter(|_| files) {
            findings.extend(bad_secret(secret).map(|it| it.under("authorization")));
        }
        match (checked, known, source) {
            (Ok(checked), Ok((provider, subjects)), Ok(source)) if findings.is_empty() => {
                let stream = Self {
                    name: checked.shared(),
                    issuer: issuer.into(),
                    audience: audience.into(),
                    provider,
                    subjects,
                    algorithms,
                    authorization,
                    stale_after: stale_after.map(HumanDuration::get),
                    source,
                    keys: None,
                };
                Ok((checked, stream))
            }
            _ => Err(findings),
        }
    }
}

/// The provider that a stream is about, and the `iss` of its identities: events name these by it.
fn known(text: &str, providers: &CheckedProviders) -> Result<(ProviderName, Arc<str>), Finding> {
    let Some(name) = providers.names().find(|name| name.as_str() == text) else {
        let finding = Finding::error("unknown-provider", format!("there is no provider `{text}`"));
        let near = suggest(text, providers.names().map(ProviderName::as_str));
        return Err(finding.help(near.map_or_else(
            || "declare it under `providers`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        )));
    };
    let issuer = providers.issuer(name).ok_or_else(|| {
        let message = format!("provider `{text}` has no `issuer` that events could name");
        let finding = Finding::error("provider-without-issuer", message);
        finding.help("name a provider of tokens that has one")
    })?;
    Ok((name.clone(), Arc::from(issuer)))
}

/// What is wrong with a name that events are compared with.
fn bad_name(what: &'static str, name: &str) -> Option<Finding> {
    let plain = name.bytes().all(|byte| byte.is_ascii_graphic());
    if plain && (1..=MAX_NAME).contains(&name.len()) {
        return None;
    }
    let message = format!("an {what} has 1 to {MAX_NAME} visible characters");
    Some(Finding::error("event-stream", message).under(what))
}

fn bad_secret(secret: &SecretSpec) -> Option<Finding> {
    let wrong = match Secret::load(secret, Path::new("")) {
        Ok(secret) if Access::is_token(secret.expose()) => return None,
        Ok(_) => format!("a token has at least {MIN_TOKEN} characters, and no spaces"),
        Err(error) => error.to_string(),
    };
    let finding = Finding::error("unusable-token", wrong);
    Some(finding.help("make one with `openssl rand -hex 32`"))
}
