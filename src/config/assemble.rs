//! Reads everything that the server's configuration names, and puts it together. All problems at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::approvals;
use super::bundle::{Bundle, Failure};
use super::countersign;
use super::events;
use super::files::{self, beside};
use super::fixed::Fixed;
use super::gateways;
use super::lifecycle;
use super::place::place;
use super::policy::{PolicyFiles, Read};
use super::problem::{Problems, Sources};
use super::proofs;
use super::server::{Overrides, ServerSpec};
use super::tokens::{self, Tokens};
use super::watch::Stamp;
use super::written::check_version;
use super::yaml::{Document, KeyPath};
use crate::action::{CompiledRoute, RouteTable};
use crate::admin::Streams;
use crate::approval::ApprovalSettings;
use crate::identity::{CheckedProviders, ProviderSpec};
use crate::model::finding::{Finding, Step};
use crate::model::name::{ConditionName, ProviderName};
use crate::model::schema::ClaimDeclarations;
use crate::model::suggest::suggest;
use crate::model::time::Timestamp;
use crate::policy::Policy;
use crate::registry::{Lifecycle, RegisteredSpec, Registry, RegistrySpec};

/// Reads the server's configuration at `path` and everything that it names, but no certificate: decisions do not depend
/// on these, and a listener follows its own.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Bundle, Failure> {
    read(path, overrides, None)
}

/// The same for a server that is about to start: the certificates of listeners have to be usable at `now`.
pub fn load_with_certificates(
    path: &Path,
    overrides: &Overrides,
    now: Timestamp,
) -> Result<Bundle, Failure> {
    read(path, overrides, Some(now))
}

fn read(
    path: &Path,
    overrides: &Overrides,
    certificates: Option<Timestamp>,
) -> Result<Bundle, Failure> {
    let mut reading = Reading {
        path,
        problems: Problems::new(),
        sources: Sources::new(),
        watched: Vec::new(),
        stamp: Stamp::take([path]),
        certificates,
    };
    let bundle = reading.bundle(overrides);
    let Reading {
        problems,
        sources,
        watched,
        stamp,
        path: _,
        certificates: _,
    } = reading;
    match bundle {
        Some(bundle) if !problems.has_errors() => Ok(Bundle {
            warnings: problems,
            sources,
            watched,
            stamp,
            ..bundle
        }),
        _ => Err(Failure {
            problems,
            sources,
            watched,
        }),
    }
}

struct Reading<'a> {
    path: &'a Path,
    problems: Problems,
    sources: Sources,
    watched: Vec<PathBuf>,
    stamp: Stamp,
    /// Whether certificates are looked at, and as of when.
    certificates: Option<Timestamp>,
}

impl Reading<'_> {
    fn watch(&mut self, file: &Path) {
        self.stamp.add(file);
        self.watched.push(file.to_owned());
    }

    fn document(&mut self, file: &Path) -> Option<Document> {
        let text = self.problems.keep(files::read(file, &mut self.sources))?;
        let document = self.problems.keep(Document::read(file, text))?;
        check_version(&document, &mut self.problems);
        Some(document)
    }

    fn bundle(&mut self, overrides: &Overrides) -> Option<Bundle> {
        let document = self.document(self.path)?;
        let spec = ServerSpec::read(&document, &mut self.problems);
        let (providers, incomplete) = self.providers(&document);
        let tokens = self.tokens(&document, providers.as_ref());
        let spec = spec?;
        let dpop = proofs::read(self.path, &document, &spec, &mut self.problems);
        let known = providers
            .as_ref()
            .map(CheckedProviders::claim_declarations)
            .unwrap_or_default();
        let around = (providers.as_ref(), dpop.as_ref(), self.certificates);
        let read = (&document, &spec, overrides);
        let fixed = Fixed::checked(self.path, read, around, incomplete, &mut self.problems);
        let registry = self.registry(&spec, &known, incomplete);
        let lifecycle = lifecycle::read(&document, spec.lifecycle.clone(), &mut self.problems);
        let approvals = self.approvals(&document, &spec, providers.as_ref());
        let listed = self.listed(&spec);
        let complete = providers.as_ref().filter(|_| !incomplete);
        let events = self.events(&document, &spec, complete);
        let own = countersign::route(&document, &spec, complete, &mut self.problems);
        let header = tokens.header.as_deref();
        let Read {
            cases,
            conditions,
            compiled,
        } = self.policies(&listed, &spec, &known, complete, header, own);
        let set_conditions = self.conditions(&spec, &conditions);
        let (routes, policy) = compiled?;
        let kids = [tokens.kids(), approvals::kids(approvals.as_ref())].concat();
        let version = files::version(self.path, &self.sources, &kids);
        let (registry, lifecycle, approvals) = (registry?, lifecycle?, approvals?);
        let life = (&registry, &lifecycle);
        self.look_across(&document, life, (&routes, &policy), fixed.as_ref());
        let Fixed {
            grpc,
            metrics,
            admin,
            log,
            audit,
            store,
            text,
        } = fixed?;
        Some(Bundle {
            grpc,
            metrics,
            admin,
            events: events?,
            log,
            audit,
            store,
            dpop: dpop?,
            version,
            minter: tokens.minter,
            fixed: text,
            providers: providers?,
            claims: known,
            routes,
            policy,
            registry,
            lifecycle,
            approvals,
            conditions,
            set_conditions,
            cases,
            warnings: Problems::new(),
            sources: Sources::new(),
            watched: Vec::new(),
            stamp: Stamp::default(),
        })
    }

    /// What is wrong only between parts that are each in order.
    fn look_across(
        &mut self,
        document: &Document,
        (registry, lifecycle): (&Registry, &Lifecycle),
        (routes, policy): (&RouteTable, &Policy),
        fixed: Option<&Fixed>,
    ) {
        lifecycle::lint(document, registry, routes, lifecycle, &mut self.problems);
        if let Some(fixed) = fixed {
            gateways::check(document, fixed.grpc.envoys(), routes, &mut self.problems);
        }
        self.warn_of_no_rules(document, policy);
    }

    /// The policy files and folders, watched from now on.
    fn listed(&mut self, spec: &ServerSpec) -> Vec<PathBuf> {
        let items = spec.policies.items().iter();
        let listed: Vec<PathBuf> = items.map(|item| beside(self.path, item)).collect();
        for item in &listed {
            self.watch(item);
        }
        listed
    }

    /// How approvals are asked for; the files of keys are watched, read or not.
    fn approvals(
        &mut self,
        document: &Document,
        spec: &ServerSpec,
        providers: Option<&CheckedProviders>,
    ) -> Option<ApprovalSettings> {
        for file in approvals::files(self.path, &spec.approvals) {
            self.watch(&file);
        }
        let spec = spec.approvals.clone();
        let around = (providers, self.certificates.is_some());
        approvals::read(self.path, document, spec, around, &mut self.problems)
    }

    /// Whose security events are taken.
    fn events(
        &mut self,
        document: &Document,
        spec: &ServerSpec,
        providers: Option<&CheckedProviders>,
    ) -> Option<Streams> {
        let around = (providers, self.certificates.is_some());
        let spec = spec.events.clone();
        events::read(self.path, document, spec, around, &mut self.problems)
    }

    /// What tokens are minted with; the files of the keys are watched, read or not.
    fn tokens(&mut self, document: &Document, providers: Option<&CheckedProviders>) -> Tokens {
        for file in tokens::files(self.path, document) {
            self.watch(&file);
        }
        Tokens::read(self.path, document, providers, &mut self.problems)
    }

    /// Rules that could not be read are mistakes of their own.
    fn warn_of_no_rules(&mut self, document: &Document, policy: &Policy) {
        if policy.is_empty() && !self.problems.has_errors() {
            let problem = document.warning(
                &KeyPath::root().join("policies"),
                "no-rules",
                "there are no rules: everything is denied",
            );
            let help = "name a folder of policy files: `policies: [policies]`";
            self.problems.push(problem.help(help));
        }
    }

    fn providers(&mut self, document: &Document) -> (Option<CheckedProviders>, bool) {
        let base = KeyPath::root().join("providers");
        let mut specs = Vec::new();
        let mut failed = false;
        for entry in self
            .problems
            .keep(document.entries(&base))
            .unwrap_or_default()
        {
            match self
                .problems
                .keep(document.decode::<ProviderSpec>(&entry.path))
            {
                Some(spec) => specs.push((entry.key.to_owned(), spec)),
                None => failed = true,
            }
        }
        let folder = self
            .path
            .parent()
            .unwrap_or_else(|| Path::new(""))
            .to_owned();
        match CheckedProviders::compile(specs, &folder) {
            Ok(providers) => (Some(providers), failed),
            Err(findings) => {
                self.problems.extend(
                    findings
                        .into_iter()
                        .map(|finding| place(document, &base, finding)),
                );
                (None, true)
            }
        }
    }

    fn registry(
        &mut self,
        spec: &ServerSpec,
        known: &BTreeMap<ProviderName, ClaimDeclarations>,
        incomplete: bool,
    ) -> Option<Registry> {
        let names: BTreeSet<ProviderName> = known.keys().cloned().collect();
        let Some(file) = spec.identities.as_ref().map(|file| beside(self.path, file)) else {
            return Registry::compile(
                RegistrySpec {
                    version: 1,
                    identities: Vec::new(),
                },
                &names,
            )
            .ok();
        };
        self.watch(&file);
        let document = self.document(&file)?;
        let base = KeyPath::root().join("identities");
        self.problems
            .extend(document.check_keys(&KeyPath::root(), &["version", "identities"]));
        let (mut places, mut identities) = (Vec::new(), Vec::new());
        for path in self
            .problems
            .keep(document.items(&base))
            .unwrap_or_default()
        {
            if let Some(item) = self.problems.keep(document.decode::<RegisteredSpec>(&path)) {
                places.push(path);
                identities.push(item);
            }
        }
        match Registry::compile(
            RegistrySpec {
                version: 1,
                identities,
            },
            &names,
        ) {
            Ok(registry) => Some(registry),
            Err(findings) => {
                // Items that could not be read are not among those that were checked: an index counts the others.
                for finding in findings
                    .into_iter()
                    .filter(|finding| !(incomplete && finding.code == "unknown-provider"))
                {
                    let index = match finding.path.get(1) {
                        Some(Step::Index(index)) => *index,
                        Some(Step::Key(_)) | None => 0,
                    };
                    let path = finding.path.iter().skip(2).cloned().collect();
                    let at = places.get(index).unwrap_or(&base);
                    self.problems
                        .push(place(&document, at, Finding { path, ..finding }));
                }
                None
            }
        }
    }

    fn policies(
        &mut self,
        listed: &[PathBuf],
        spec: &ServerSpec,
        known: &BTreeMap<ProviderName, ClaimDeclarations>,
        checked: Option<&CheckedProviders>,
        token_header: Option<&str>,
        own: Option<CompiledRoute>,
    ) -> Read {
        let found = files::find(listed, &mut self.problems);
        let policies = found.policies.iter().map(|file| (file, false));
        let files = policies.chain(found.tests.iter().map(|file| (file, true)));
        let mut there = Vec::new();
        for (file, tests_only) in files {
            let text = self.problems.keep(files::read(file, &mut self.sources));
            there.extend(text.map(|_text| (file, tests_only)));
        }
        let mut read = PolicyFiles::beside(own, &self.sources);
        for (file, tests_only) in there {
            read.read(file, tests_only, &mut self.problems);
        }
        let trusted: Vec<Arc<str>> = spec
            .trusted_metadata
            .iter()
            .map(|name| Arc::from(name.as_str()))
            .collect();
        read.compile(known, checked, &trusted, token_header, &mut self.problems)
    }

    /// The values of declared conditions; a value of one that no policy declares is a mistake.
    fn conditions(
        &mut self,
        spec: &ServerSpec,
        declared: &[ConditionName],
    ) -> BTreeMap<ConditionName, bool> {
        let mut set = BTreeMap::new();
        let Some(file) = spec.conditions.as_ref().map(|file| beside(self.path, file)) else {
            return set;
        };
        self.watch(&file);
        let Some(document) = self.document(&file) else {
            return set;
        };
        self.problems
            .extend(document.check_keys(&KeyPath::root(), &["version", "conditions"]));
        for entry in self
            .problems
            .keep(document.entries(&KeyPath::root().join("conditions")))
            .unwrap_or_default()
        {
            let value = self.problems.keep(document.decode::<bool>(&entry.path));
            match (
                declared.iter().find(|name| name.as_str() == entry.key),
                value,
            ) {
                (Some(name), Some(value)) => {
                    set.insert(name.clone(), value);
                }
                (None, _) => {
                    let message = format!("no policy declares a condition `{}`", entry.key);
                    let problem = document.error_at_key(&entry.path, "unknown-condition", message);
                    let near = suggest(entry.key, declared.iter().map(ConditionName::as_str));
                    self.problems.push(match near {
                        Some(near) => problem.help(format!("did you mean `{near}`?")),
                        None => problem,
                    });
                }
                (Some(_), None) => {}
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_cannot_be_read_is_the_only_problem() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("countersign.yaml");
        let identities =
            "version: 1\nidentities:\n  - { issuer: corp, id: bot, kind: agent, owner: alice }\n";
        std::fs::write(folder.path().join("identities.yaml"), identities).unwrap();
        std::fs::write(
            &main,
            "version: 1\nidentities: identities.yaml\nproviders: { corp: { jwt: { isuer: x } } }\n",
        )
        .unwrap();
        let failure = load(&main, &Overrides::default()).unwrap_err();
        let errors = failure.problems.as_slice().iter();
        let codes: Vec<_> = errors.map(|problem| problem.code.to_string()).collect();
        assert_eq!(codes, ["unknown-key"]);
    }
}
