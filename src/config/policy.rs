//! Policy files: every route, action, rule, condition and test read by itself, then compiled together.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::case::{CaseSpec, PlacedCase};
use super::documents::Documents;
use super::expectation::{self, Known};
use super::place::place;
use super::problem::{Problems, Sources};
use super::signals::Signals;
use super::written::{check_version, place_by_name, unknown_providers};
use super::yaml::{Document, KeyPath};
use crate::action::spec::{ActionSpec, RouteSpec};
use crate::action::{CompiledRoute, RouteTable, compile_route};
use crate::identity::CheckedProviders;
use crate::model::finding::Finding;
use crate::model::name::{ConditionName, ProviderName, RouteId};
use crate::model::route::{COUNTERSIGN, Protocol, Route};
use crate::model::schema::ClaimDeclarations;
use crate::policy::spec::RuleSpec;
use crate::policy::{Context, Policy, Source, compile};

/// Everything that policy files hold, with where it stands.
pub(super) struct PolicyFiles<'s> {
    documents: Documents<'s>,
    routes: Vec<(usize, KeyPath, CompiledRoute)>,
    conditions: Vec<ConditionName>,
    rules: Vec<RuleSpec>,
    /// Where each rule stands: in which document, and as which item.
    places: Vec<(usize, usize)>,
    signals: Signals,
    cases: Vec<(usize, KeyPath, PlacedCase)>,
    /// Whether a rule could not be read: actions are then not said to be permitted by nobody.
    rules_incomplete: bool,
    /// The route that countersign itself is.
    own: Option<CompiledRoute>,
    /// Whether a route could not be read: rules are then not blamed for naming its actions.
    incomplete: bool,
}

/// What the policy files came to.
pub(super) struct Read {
    pub(super) cases: Vec<PlacedCase>,
    pub(super) conditions: Vec<ConditionName>,
    /// None if anything is wrong with routes or rules.
    pub(super) compiled: Option<(RouteTable, Policy)>,
}

const KEYS: &[&str] = &["version", "routes", "conditions", "risk", "rules", "tests"];

impl<'s> PolicyFiles<'s> {
    /// No policy yet, of files with these texts, beside the route that countersign itself is.
    pub(super) const fn beside(own: Option<CompiledRoute>, sources: &'s Sources) -> Self {
        Self {
            documents: Documents::of(sources),
            routes: Vec::new(),
            conditions: Vec::new(),
            rules: Vec::new(),
            places: Vec::new(),
            signals: Signals::new(),
            cases: Vec::new(),
            rules_incomplete: false,
            own,
            incomplete: false,
        }
    }

    /// Reads one policy file; with `tests_only`, one that may hold nothing but tests.
    pub(super) fn read(&mut self, file: &Path, tests_only: bool, problems: &mut Problems) {
        let text = self.documents.text(file);
        let Some(document) = problems.keep(Document::read(file, text)) else {
            (self.incomplete, self.rules_incomplete) = (true, true);
            return;
        };
        let root = KeyPath::root();
        problems.extend(document.check_keys(
            &root,
            if tests_only {
                &["version", "tests"]
            } else {
                KEYS
            },
        ));
        check_version(&document, problems);
        self.read_routes(&document, problems);
        self.read_conditions(&document, problems);
        let index = self.documents.next();
        self.signals.read(index, &document, problems);
        self.read_rules(index, &document, problems);
        for path in problems
            .keep(document.items(&root.join("tests")))
            .unwrap_or_default()
        {
            if let Some(spec) = problems.keep(document.decode::<CaseSpec>(&path)) {
                let position = document.position(&path);
                let case = PlacedCase {
                    spec,
                    file: file.to_owned(),
                    position,
                };
                self.cases.push((index, path, case));
            }
        }
        self.documents.add(file);
    }

    fn read_rules(&mut self, index: usize, document: &Document, problems: &mut Problems) {
        let items = problems.keep(document.items(&rules()));
        let items = items.unwrap_or_default();
        self.rules.reserve(items.len());
        self.places.reserve(items.len());
        for (item, path) in items.iter().enumerate() {
            match problems.keep(document.decode::<RuleSpec>(path)) {
                Some(rule) => {
                    self.rules.push(rule);
                    self.places.push((index, item));
                }
                None => self.rules_incomplete = true,
            }
        }
    }

    fn read_routes(&mut self, document: &Document, problems: &mut Problems) {
        for entry in problems
            .keep(document.entries(&KeyPath::root().join("routes")))
            .unwrap_or_default()
        {
            let before = problems.as_slice().len();
            let spec =
                problems.keep(document.decode_without::<RouteSpec>(&entry.path, &["actions"]));
            let mut actions: Vec<(String, ActionSpec)> = Vec::new();
            for action in problems
                .keep(document.entries(&entry.path.join("actions")))
                .unwrap_or_default()
            {
                if let Some(spec) = problems.keep(document.decode::<ActionSpec>(&action.path)) {
                    actions.push((action.key.to_owned(), spec));
                }
            }
            let id = RouteId::new(entry.key);
            match (&id, spec) {
                (Err(error), _) => problems.push(document.error_at_key(
                    &entry.path,
                    "invalid-name",
                    error.to_string(),
                )),
                (Ok(id), Some(spec)) => match compile_route(id, &spec, &actions) {
                    Ok(route) => self.add_route(document, &entry.path, route, problems),
                    Err(findings) => {
                        problems.extend(
                            findings
                                .into_iter()
                                .map(|finding| place(document, &entry.path, finding)),
                        );
                    }
                },
                (Ok(_), None) => {}
            }
            self.incomplete |= problems.as_slice().len() > before;
        }
    }

    fn add_route(
        &mut self,
        document: &Document,
        path: &KeyPath,
        route: CompiledRoute,
        problems: &mut Problems,
    ) {
        let id = &route.route.id;
        if id.as_str() == COUNTERSIGN {
            let problem = document.error_at_key(
                path,
                "reserved-route",
                format!("`{id}` is countersign itself"),
            );
            problems.push(problem.help(
                "its actions are there already, as `approvals.*`: give this route another id",
            ));
            return;
        }
        if self
            .routes
            .iter()
            .any(|(_, _, other)| other.route.id == *id)
        {
            problems.push(document.error_at_key(
                path,
                "duplicate-route",
                format!("there are two routes `{id}`"),
            ));
        }
        self.routes
            .push((self.documents.next(), path.clone(), route));
    }

    fn read_conditions(&mut self, document: &Document, problems: &mut Problems) {
        for entry in problems
            .keep(document.entries(&KeyPath::root().join("conditions")))
            .unwrap_or_default()
        {
            let of = problems.keep(document.decode::<String>(&entry.path));
            if of.is_some_and(|of| of != "bool") {
                let problem =
                    document.error(&entry.path, "invalid-type", "a condition is a `bool`");
                problems.push(problem.help("write `incident: bool`; unset is false"));
            }
            match ConditionName::new(entry.key) {
                Ok(name) if self.conditions.contains(&name) => {
                    let message = format!("condition `{name}` is declared twice");
                    problems.push(document.error_at_key(
                        &entry.path,
                        "duplicate-condition",
                        message,
                    ));
                }
                Ok(name) => self.conditions.push(name),
                Err(error) => problems.push(document.error_at_key(
                    &entry.path,
                    "invalid-name",
                    error.to_string(),
                )),
            }
        }
    }

    /// Compiles everything together; problems and warnings go to `problems`.
    pub(super) fn compile(
        self,
        providers: &BTreeMap<ProviderName, ClaimDeclarations>,
        checked: Option<&CheckedProviders>,
        trusted_metadata: &[Arc<str>],
        token_header: Option<&str>,
        problems: &mut Problems,
    ) -> Read {
        let providers_incomplete = checked.is_none();
        if let Some(checked) = checked {
            for (index, path, route) in &self.routes {
                let listed = &route.route.providers;
                let together = checked.check_together(listed).into_iter();
                let unknown = unknown_providers(&route.route, providers).into_iter();
                let findings = unknown.chain(together.map(|finding| finding.under("providers")));
                self.report(*index, path, findings, problems);
            }
        }
        let policy = self.compile_rules(
            providers,
            providers_incomplete,
            // Where a provider could not be read, it may be the one that is missed.
            checked.is_none_or(CheckedProviders::knows_workloads),
            trusted_metadata,
            token_header,
            problems,
        );
        self.check_cases(providers, providers_incomplete, policy.as_ref(), problems);
        let places: HashMap<String, (usize, KeyPath)> = self
            .routes
            .iter()
            .map(|(index, path, compiled)| (compiled.route.id.to_string(), (*index, path.clone())))
            .collect();
        let Self {
            documents,
            routes,
            conditions,
            cases,
            own,
            ..
        } = self;
        let written = routes.into_iter().map(|(_, _, compiled)| compiled);
        let compiled = written.chain(own);
        let has_metadata =
            |route: &Route| checked.is_some_and(|checked| checked.takes_tokens(&route.providers));
        let table = RouteTable::build(compiled.collect(), has_metadata).map_err(|conflicts| {
            for finding in conflicts {
                problems.extend(place_by_name(&documents, &places, finding));
            }
        });
        Read {
            cases: cases.into_iter().map(|(_, _, case)| case).collect(),
            conditions,
            compiled: table.ok().zip(policy),
        }
    }

    fn report(
        &self,
        document: usize,
        path: &KeyPath,
        findings: impl IntoIterator<Item = Finding>,
        problems: &mut Problems,
    ) {
        let mut findings = findings.into_iter().peekable();
        if findings.peek().is_some()
            && let Some(document) = self.documents.get(document)
        {
            problems.extend(findings.map(|finding| place(document, path, finding)));
        }
    }

    fn compile_rules(
        &self,
        providers: &BTreeMap<ProviderName, ClaimDeclarations>,
        providers_incomplete: bool,
        workloads: bool,
        trusted_metadata: &[Arc<str>],
        token_header: Option<&str>,
        problems: &mut Problems,
    ) -> Option<Policy> {
        let known: Vec<&Route> = self.all_routes().collect();
        let context = Context {
            routes: &known,
            providers,
            workloads,
            conditions: &self.conditions,
            trusted_metadata,
            token_header,
        };
        let (policy, findings) = match compile(&self.rules, self.signals.as_slice(), &context) {
            // Rules that could not be read are missing here: what looks odd without them may be fine with them.
            Ok((policy, _)) if problems.has_errors() => (Some(policy), Vec::new()),
            Ok((policy, warnings)) => (Some(policy), warnings),
            Err(errors) => (None, errors),
        };
        for (source, finding) in findings {
            if !self.is_consequence(&finding, providers_incomplete)
                && let Some((index, path)) = self.place_of(&source)
            {
                self.report(index, &path, [finding], problems);
            }
        }
        policy
    }

    /// Every route, countersign's own among them.
    fn all_routes(&self) -> impl Iterator<Item = &Route> {
        let written = self.routes.iter().map(|(_, _, compiled)| compiled);
        written.chain(&self.own).map(|compiled| &compiled.route)
    }

    /// Whether a finding only follows from something that could not be read, and was reported there.
    fn is_consequence(&self, finding: &Finding, providers_incomplete: bool) -> bool {
        let follows = |codes: &[&str]| codes.contains(&finding.code);
        (self.incomplete && follows(&["unknown-action", "no-action", "unknown-route"]))
            || (self.rules_incomplete && follows(&["nobody-permits"]))
            || (providers_incomplete
                && follows(&["unknown-issuer", "unknown-claim", "invalid-expression"]))
    }

    fn place_of(&self, source: &Source) -> Option<(usize, KeyPath)> {
        match source {
            Source::Rule(index) => {
                let (document, item) = self.places.get(*index)?;
                Some((*document, rules().join(*item)))
            }
            Source::Signal(index) => self.signals.place_of(*index),
            Source::Action(route, action) => {
                let mut routes = self.routes.iter();
                let (document, path, _) =
                    routes.find(|(_, _, compiled)| compiled.route.id == *route)?;
                Some((*document, path.join("actions").join(action.as_str())))
            }
        }
    }

    fn check_cases(
        &self,
        providers: &BTreeMap<ProviderName, ClaimDeclarations>,
        providers_incomplete: bool,
        policy: Option<&Policy>,
        problems: &mut Problems,
    ) {
        if self.cases.is_empty() {
            // What cases are checked against is as large as the policy.
            return;
        }
        let routes = || self.all_routes();
        let actions = routes().flat_map(|route| &route.actions);
        let complete = !self.incomplete;
        let rules = policy.filter(|_| complete).map(Policy::rule_ids);
        let known = Known {
            routes: complete.then(|| routes().map(|route| route.id.to_string()).collect()),
            mcp: complete.then(|| routes().filter_map(of_mcp).collect()),
            actions: complete.then(|| actions.map(|action| action.id.to_string()).collect()),
            rules: rules.map(|ids| ids.iter().map(ToString::to_string).collect()),
            providers: (!providers_incomplete)
                .then(|| providers.keys().map(ToString::to_string).collect()),
            conditions: self.conditions.iter().map(ToString::to_string).collect(),
        };
        for (index, path, case) in &self.cases {
            self.report(
                *index,
                path,
                expectation::check(&case.spec, &known),
                problems,
            );
        }
    }
}

/// Where the rules of a file stand.
fn rules() -> KeyPath {
    KeyPath::root().join("rules")
}

fn of_mcp(route: &Route) -> Option<String> {
    matches!(route.protocol, Protocol::Mcp(_)).then(|| route.id.to_string())
}
