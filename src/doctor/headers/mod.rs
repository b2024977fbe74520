//! The request headers that a configuration needs, and who reads each of them.

mod name;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

pub use name::HeaderName;

use crate::authorizer::Protected;
use crate::config::Bundle;
use crate::model::header::{KNOWN, Known, When};
use crate::model::name::{ProviderName, RouteId, RuleId, SignalId};
use crate::model::route::Protocol;
use crate::policy::{Policy, Reader};

/// Who reads a header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Every check does.
    Check,
    /// A setting of the whole server wants it.
    Setting(&'static str),
    /// This provider.
    Provider(ProviderName),
    /// Requests on this route.
    Route(RouteId),
    /// The conditions of this rule, or the values that it computes.
    Rule(RuleId),
    /// This signal of risk.
    Signal(SignalId),
}

/// Why a header is needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// Who reads it.
    pub by: By,
    /// What for: the rest of a sentence about it.
    pub why: Cow<'static, str>,
    /// Whether decisions depend on it, and not only what is written about them.
    pub decides: bool,
}

/// The request headers that a configuration needs. What Envoy adds to every check by itself is not among them.
#[derive(Clone, Debug)]
pub struct RequestHeaders {
    needed: BTreeMap<HeaderName, BTreeSet<Need>>,
    computed: BTreeSet<Need>,
}

impl Default for RequestHeaders {
    /// What every configuration needs.
    fn default() -> Self {
        let mut headers = Self {
            needed: BTreeMap::new(),
            computed: BTreeSet::new(),
        };
        headers.known(|when| match when {
            When::Always | When::Records => vec![By::Check],
            When::Provider | When::Mcp | When::Approval | When::Browser | When::OfEnvoy => vec![],
        });
        headers
    }
}

impl RequestHeaders {
    /// What this configuration needs.
    pub fn of(bundle: &Bundle) -> Self {
        let mut headers = Self::default();
        let spoken = bundle.routes.declared();
        let mcp = spoken.filter(|route| matches!(route.protocol, Protocol::Mcp(_)));
        let mcp: Vec<By> = mcp.map(|route| By::Route(route.id.clone())).collect();
        let setting = |holds: bool, what| holds.then_some(By::Setting(what)).into_iter().collect();
        headers.known(|when| match when {
            // Of the headers of providers only these know which.
            When::Always | When::Records | When::Provider | When::OfEnvoy => vec![],
            When::Mcp => mcp.clone(),
            When::Approval => setting(bundle.policy.binds_any_content(), "approvals"),
            When::Browser => setting(bundle.lifecycle.looks_for_browsers(), "lifecycle.browser"),
        });
        for (provider, name) in bundle.providers.headers() {
            let why = format!("provider `{provider}` reads it");
            headers.exact(name, By::Provider(provider.clone()), why.into());
        }
        headers.of_policy(&bundle.policy);
        headers.of_protected(&Protected::new(&bundle.protected_headers()));
        headers
    }

    /// Every header with why it is needed, in the order of their names; none is without a reason.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &BTreeSet<Need>)> {
        self.needed.iter()
    }

    /// What reads headers by a name that only a request tells: then all of them are needed.
    pub const fn computed(&self) -> &BTreeSet<Need> {
        &self.computed
    }

    /// Adds the headers that are read by a name of their own; `by` says by whom, at the time that each is read.
    fn known(&mut self, by: impl Fn(When) -> Vec<By>) {
        for Known { name, when, why } in KNOWN {
            let header = match name.strip_suffix('-') {
                Some(_) => HeaderName::Prefix((*name).to_owned()),
                None => HeaderName::Exact((*name).to_owned()),
            };
            for by in by(*when) {
                let decides = *when != When::Records;
                self.add(header.clone(), by, Cow::Borrowed(why), decides);
            }
        }
    }

    fn of_policy(&mut self, policy: &Policy) {
        for (path, reader) in policy.reads() {
            let names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
            self.of_attribute(&names, reader);
        }
    }

    fn of_attribute(&mut self, path: &[&str], reader: Reader<'_>) {
        let (by, who) = match reader {
            Reader::Rule(id) => (By::Rule(id.clone()), format!("rule `{id}`")),
            Reader::Signal(id) => (By::Signal(id.clone()), format!("signal `{id}`")),
        };
        match path {
            ["request", "headers"] => {
                self.computed.insert(Need {
                    by,
                    why: format!("{who} reads headers by a computed name").into(),
                    decides: true,
                });
            }
            ["request", "headers", name, ..] => {
                self.exact(name, by, format!("{who} reads it").into());
            }
            _ => {}
        }
    }

    /// Spellings of what policies set are removed where they are seen.
    fn of_protected(&mut self, protected: &Protected) {
        for name in protected.with_mixed_spellings() {
            let why = format!("only this server may set `{name}`, in whatever spelling");
            let header = HeaderName::Spellings(name.to_owned());
            self.add(header, By::Check, why.into(), true);
        }
    }

    fn exact(&mut self, name: &str, by: By, why: Cow<'static, str>) {
        let header = HeaderName::Exact(name.to_ascii_lowercase());
        self.add(header, by, why, true);
    }

    fn add(&mut self, header: HeaderName, by: By, why: Cow<'static, str>, decides: bool) {
        let need = Need { by, why, decides };
        self.needed.entry(header).or_default().insert(need);
    }
}

#[cfg(test)]
mod tests;
