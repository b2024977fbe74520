//! The filters of a chain, whatever way they are written.

use super::at::At;
use super::examine::Examination;
use super::trap::Trap;

pub(super) const EXT_AUTHZ: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";
pub(super) const MCP: &str = "envoy.extensions.filters.http.mcp.v3.Mcp";
pub(super) const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";
const WITH_MATCHER: &str = "envoy.extensions.common.matching.v3.ExtensionWithMatcher";

/// One filter.
#[derive(Clone, Debug)]
pub(super) struct HttpFilter<'d> {
    /// Its entry in the chain.
    pub(super) entry: At<'d>,
    /// What per-route settings call it.
    pub(super) name: String,
    /// The full name of its configuration's message; empty if it has none.
    pub(super) of: String,
    /// Where its settings stand.
    pub(super) config: At<'d>,
    /// Whether it is off unless a route turns it on.
    pub(super) disabled: bool,
    /// Whether a matcher decides if it runs.
    pub(super) conditional: bool,
    /// Whether it is an `ext_authz` filter whose settings are not in the file.
    pub(super) unseen: bool,
}

/// Reads a chain. What is discovered is looked up.
pub(super) fn read<'d>(
    entries: Vec<At<'d>>,
    examination: &mut Examination<'_, 'd>,
) -> Vec<HttpFilter<'d>> {
    let entries = entries.into_iter();
    entries.map(|entry| one(entry, examination)).collect()
}

fn one<'d>(entry: At<'d>, examination: &mut Examination<'_, 'd>) -> HttpFilter<'d> {
    let name = entry.text_of("name").unwrap_or_default();
    let discovery = entry.get("config_discovery");
    let config = match &discovery {
        Some(discovery) => discovered(&name, discovery, examination),
        None => entry.get("typed_config"),
    };
    let types = discovery.map(|discovery| discovery.texts("type_urls"));
    let unseen = config.is_none()
        && types.is_some_and(|types| types.iter().any(|of| of.ends_with(EXT_AUTHZ)));
    let (of, config) = config
        .as_ref()
        .and_then(At::message)
        .unwrap_or_else(|| (String::new(), entry.clone()));
    let filter = HttpFilter {
        disabled: entry.is("disabled"),
        entry,
        name,
        of,
        config,
        conditional: false,
        unseen,
    };
    unwrapped(filter)
}

/// What a matcher is put around counts as the filter itself.
fn unwrapped(filter: HttpFilter<'_>) -> HttpFilter<'_> {
    if filter.of == WITH_MATCHER {
        let inner = filter.config.find(&["extension_config", "typed_config"]);
        if let Some((of, config)) = inner.as_ref().and_then(At::message) {
            let conditional = true;
            return HttpFilter {
                of,
                config,
                conditional,
                ..filter
            };
        }
    }
    if filter.of != EXT_AUTHZ && filter.config.mentions(EXT_AUTHZ) && filter.of != ROUTER {
        let conditional = true;
        return HttpFilter {
            conditional,
            ..filter
        };
    }
    filter
}

fn discovered<'d>(
    name: &str,
    discovery: &At<'d>,
    examination: &mut Examination<'_, 'd>,
) -> Option<At<'d>> {
    let found = examination.estate.filters.get(name).cloned();
    let found = found.or_else(|| discovery.get("default_config"));
    if found.is_none() {
        examination.partial = true;
        examination.report.add(
            Trap::UnseenFilter,
            discovery,
            format!("filter `{name}` is discovered, and its configuration is not in this file"),
            "examine what runs: `countersign doctor http://127.0.0.1:9901/config_dump`",
        );
    }
    found
}
