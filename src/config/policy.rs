//! Policy files: every route, action, rule, condition and test read by itself, then compiled together.

use std::collections::BTreeMap;
use std::path::Path;

use super::case::{CaseSpec, PlacedCase};
use super::place::place;
use super::problem::Problems;
use super::yaml::{Document, KeyPath};
use crate::action::spec::{ActionSpec, RouteSpec};
use crate::action::{CompiledRoute, RouteTable, compile_route};
use crate::model::finding::Finding;
use crate::model::name::{ConditionName, ProviderName, RouteId};
use crate::model::route::Route;
use crate::model::schema::ClaimDeclarations;
use crate::model::suggest::suggest;
use crate::policy::spec::RuleSpec;
use crate::policy::{Context, Policy, Source, compile};

/// Everything that policy files hold, with where it stands.
#[derive(Default)]
pub(super) struct PolicyFiles {
    documents: Vec<Document>,
    routes: Vec<(usize, KeyPath, CompiledRoute)>,
    conditions: Vec<ConditionName>,
    rules: Vec<(usize, KeyPath, RuleSpec)>,
    pub(super) cases: Vec<PlacedCase>,
    /// Whether a route could not be read: rules are then not blamed for naming its actions.
    incomplete: bool,
}

/// The compiled part.
pub(super) struct Compiled {
    pub(super) routes: RouteTable,
    pub(super) policy: Policy,
    pub(super) conditions: Vec<ConditionName>,
}

const KEYS: &[&str] = &["version", "routes", "conditions", "rules", "tests"];

impl PolicyFiles {
    /// Reads one policy file; with `tests_only`, one that may hold nothing but tests.
    pub(super) fn read(
        &mut self,
        file: &Path,
        text: &str,
        tests_only: bool,
        problems: &mut Problems,
    ) {
        let Some(document) = problems.keep(Document::read(file, text)) else {
            self.incomplete = true;
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
        let index = self.documents.len();
        for path in problems
            .keep(document.items(&root.join("rules")))
            .unwrap_or_default()
        {
            if let Some(rule) = problems.keep(document.decode::<RuleSpec>(&path)) {
                self.rules.push((index, path, rule));
            }
        }
        for path in problems
            .keep(document.items(&root.join("tests")))
            .unwrap_or_default()
        {
            if let Some(spec) = problems.keep(document.decode::<CaseSpec>(&path)) {
                self.cases.push(PlacedCase {
                    spec,
                    file: file.to_owned(),
                    position: document.position(&path),
                });
            }
        }
        self.documents.push(document);
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
            .push((self.documents.len(), path.clone(), route));
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
        providers_incomplete: bool,
        trusted_metadata: &[std::sync::Arc<str>],
        problems: &mut Problems,
    ) -> Option<Compiled> {
        let Self {
            documents,
            routes,
            conditions,
            rules,
            cases: _,
            incomplete,
        } = self;
        let document_of = |index: usize| documents.get(index);
        if !providers_incomplete {
            for (index, path, route) in &routes {
                let findings = unknown_providers(&route.route, providers);
                let placed = document_of(*index)
                    .map(|document| findings.into_iter().map(|f| place(document, path, f)));
                problems.extend(placed.into_iter().flatten());
            }
        }
        let specs: Vec<RuleSpec> = rules.iter().map(|(_, _, spec)| spec.clone()).collect();
        let known: Vec<&Route> = routes
            .iter()
            .map(|(_, _, compiled)| &compiled.route)
            .collect();
        let context = Context {
            routes: &known,
            providers,
            conditions: &conditions,
            trusted_metadata,
        };
        let (policy, findings) = match compile(&specs, &context) {
            // Rules that could not be read are missing here: what looks odd without them may be fine with them.
            Ok((policy, _)) if problems.has_errors() => (Some(policy), Vec::new()),
            Ok((policy, warnings)) => (Some(policy), warnings),
            Err(errors) => (None, errors),
        };
        let consequence = |finding: &Finding| {
            (incomplete && ["unknown-action", "no-action", "unknown-route"].contains(&finding.code))
                || (providers_incomplete
                    && ["unknown-issuer", "unknown-claim", "invalid-expression"]
                        .contains(&finding.code))
        };
        for (source, finding) in findings
            .into_iter()
            .filter(|(_, finding)| !consequence(finding))
        {
            let at = match &source {
                Source::Rule(index) => rules
                    .get(*index)
                    .map(|(document, path, _)| (*document, path.clone())),
                Source::Action(route, action) => routes
                    .iter()
                    .find(|(_, _, compiled)| compiled.route.id == *route)
                    .map(|(document, path, _)| {
                        (*document, path.join("actions").join(action.as_str()))
                    }),
            };
            if let Some((index, path)) = at
                && let Some(document) = document_of(index)
            {
                problems.push(place(document, &path, finding));
            }
        }
        let places: Vec<(usize, KeyPath)> = routes
            .iter()
            .map(|(index, path, _)| (*index, path.clone()))
            .collect();
        let ids: Vec<RouteId> = routes
            .iter()
            .map(|(_, _, compiled)| compiled.route.id.clone())
            .collect();
        let table = RouteTable::build(
            routes
                .into_iter()
                .map(|(_, _, compiled)| compiled)
                .collect(),
        );
        match (table, policy) {
            (Ok(routes), Some(policy)) => Some(Compiled {
                routes,
                policy,
                conditions,
            }),
            (Err(conflicts), _) => {
                for finding in conflicts {
                    // The finding names the route; its place is known here.
                    let named = finding.path.first().cloned();
                    let position = ids.iter().position(|id| named == Some(id.as_str().into()));
                    if let Some((index, path)) = position.and_then(|position| places.get(position))
                        && let Some(document) = document_of(*index)
                    {
                        let path_in_route = finding.path.iter().skip(1).cloned().collect();
                        problems.push(place(
                            document,
                            path,
                            Finding {
                                path: path_in_route,
                                ..finding
                            },
                        ));
                    }
                }
                None
            }
            (Ok(_), None) => None,
        }
    }
}

/// Every file says `version: 1`.
pub(super) fn check_version(document: &Document, problems: &mut Problems) {
    let path = KeyPath::root().join("version");
    match problems.keep(document.decode_optional::<u64>(&path)) {
        Some(Some(1)) | None => {}
        Some(Some(other)) => {
            let problem = document.error(
                &path,
                "unknown-version",
                format!("version `{other}` is not known"),
            );
            problems.push(problem.help("write `version: 1`"));
        }
        Some(None) => {
            let problem = document.error(
                &KeyPath::root(),
                "missing-key",
                "the file does not say its version",
            );
            problems.push(problem.help("start it with `version: 1`"));
        }
    }
}

fn unknown_providers(
    route: &Route,
    providers: &BTreeMap<ProviderName, ClaimDeclarations>,
) -> Vec<Finding> {
    let unknown = route
        .providers
        .iter()
        .enumerate()
        .filter(|(_, name)| !providers.contains_key(*name));
    let finding = |(index, name): (usize, &ProviderName)| {
        let near = suggest(name.as_str(), providers.keys().map(ProviderName::as_str));
        let help = near.map_or_else(
            || "declare it under `providers` in the server's configuration".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Finding::error("unknown-provider", format!("there is no provider `{name}`"))
            .help(help)
            .under(index)
            .under("providers")
    };
    unknown.map(finding).collect()
}
