//! What is looked at in every policy file, whatever its sections hold.

use std::collections::{BTreeMap, HashMap};

use super::documents::Documents;
use super::place::place;
use super::problem::{Problem, Problems};
use super::yaml::{Document, KeyPath};
use crate::model::finding::{Finding, Step};
use crate::model::name::ProviderName;
use crate::model::route::Route;
use crate::model::schema::ClaimDeclarations;
use crate::model::suggest::suggest;

/// A finding whose path starts with the id of a route, at that route's place.
pub(super) fn place_by_name(
    documents: &Documents<'_>,
    places: &HashMap<String, (usize, KeyPath)>,
    finding: Finding,
) -> Option<Problem> {
    let Some(Step::Key(id)) = finding.path.first() else {
        return None;
    };
    let (index, path) = places.get(id)?;
    let inside = finding.path.iter().skip(1).cloned().collect();
    let finding = Finding {
        path: inside,
        ..finding
    };
    Some(place(documents.get(*index)?, path, finding))
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

/// Providers that a route names and nobody has configured.
pub(super) fn unknown_providers(
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
