//! Where the two listeners are, checked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use super::access::Access;
use super::hooks::spec::Hooks;
use super::inbox::InboxSettings;
use super::origin::Origin;
use super::spec::{AdminSpec, MetricsSpec};
use super::{AdminError, check};
use crate::approval::ApprovalsSpec;
use crate::model::finding::{Finding, Severity};
use crate::model::name::ProviderName;
use crate::tls::TlsSpec;

/// Where metrics and health are read, checked.
#[derive(Clone, Copy, Debug)]
pub struct MetricsSettings {
    listen: SocketAddr,
}

impl MetricsSettings {
    /// The address to bind.
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Whether other machines can reach it, which deserves a warning.
    pub fn is_exposed(&self) -> bool {
        is_exposed(self.listen)
    }
}

impl TryFrom<MetricsSpec> for MetricsSettings {
    type Error = AdminError;

    fn try_from(spec: MetricsSpec) -> Result<Self, AdminError> {
        let MetricsSpec { listen, insecure } = spec;
        let Ok(listen) = listen.parse() else {
            return Err(AdminError::Address(listen));
        };
        let settings = Self { listen };
        if settings.is_exposed() && !insecure {
            return Err(AdminError::Exposed(listen));
        }
        Ok(settings)
    }
}

/// Where operators look at the server and change it, checked.
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// The address to bind; none: there is no such listener.
    pub(super) listen: Option<SocketAddr>,
    pub(super) tls: Option<TlsSpec>,
    pub(super) url: Option<Origin>,
    pub(super) audience: Option<Arc<str>>,
    pub(super) access: Access,
    pub(super) hooks: Hooks,
    /// The page where people approve.
    pub(super) inbox: InboxSettings,
}

/// What the section is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The configured providers.
    pub providers: &'a [ProviderName],
    /// Whether some could not be read, so that a missing one is no mistake of this section.
    pub incomplete: bool,
    /// Whether files with tokens are looked at; while the server runs they are read for every request anyway.
    pub files: bool,
}

impl AdminSettings {
    /// Checks the section, whose files are no longer relative. There are settings unless a finding is an error; other
    /// findings are warnings.
    pub fn compile(spec: AdminSpec, around: &Surroundings<'_>) -> (Option<Self>, Vec<Finding>) {
        let AdminSpec {
            listen,
            insecure,
            url,
            audience,
            tls,
            access,
        } = spec;
        let mut findings = Vec::new();
        let listen = check::listen(&listen);
        let url = check::url(url.as_deref(), &mut findings);
        let audience = audience.map(Arc::from);
        let audience = audience.or_else(|| url.as_ref().map(|url| Arc::clone(&url.text)));
        let has_ca = tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        let guarded = tls.is_some() && !access.is_empty();
        let access = check::access(access, around, has_ca, &mut findings);
        if access.providers().next().is_some() && audience.is_none() {
            findings.push(check::no_audience());
        }
        if let Ok(Some(address)) = listen
            && is_exposed(address)
            && !guarded
        {
            findings.push(check::exposed(address, insecure));
        }
        let listen = listen.map_err(|finding| findings.push(finding)).ok();
        let failed = findings.iter().any(|it| it.severity == Severity::Error);
        let settings = listen.filter(|_| !failed).map(|listen| Self {
            listen,
            tls,
            url,
            audience,
            access,
            hooks: Hooks::default(),
            inbox: InboxSettings::default(),
        });
        (settings, findings)
    }

    /// Adds the page where people approve, of the section `approvals`, whose files are no longer relative. Findings are of that section.
    pub fn with_page(
        mut self,
        approvals: &ApprovalsSpec,
        around: &Surroundings<'_>,
    ) -> (Self, Vec<Finding>) {
        let (inbox, mut findings) = InboxSettings::compile(approvals, around.providers, &self);
        if around.incomplete {
            // A provider that could not be read is reported where it stands.
            findings.retain(|finding| finding.code != "unknown-provider");
        }
        self.inbox = inbox;
        (self, findings)
    }

    /// Where operators reach it, with scheme: `url`, else the address it listens on, which is loopback where it is every one. None:
    /// there is no such listener, or its port is chosen when it starts.
    pub fn reached_at(&self) -> Option<String> {
        if let Some(url) = &self.url {
            return Some(url.text.to_string());
        }
        let mut listen = self.listen.filter(|listen| listen.port() != 0)?;
        if listen.ip().is_unspecified() {
            listen.set_ip(match listen.ip() {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            });
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Some(format!("{scheme}://{listen}"))
    }

    /// Takes messages of other systems too.
    #[must_use]
    pub fn with_hooks(mut self, hooks: Hooks) -> Self {
        self.hooks = hooks;
        self
    }

    /// Its certificate, if it has one.
    pub const fn tls(&self) -> Option<&TlsSpec> {
        self.tls.as_ref()
    }

    /// Whether whoever reaches the listener may read the status: on loopback, and where nobody is listed.
    pub(super) fn open_to_readers(&self) -> bool {
        self.access.is_empty() || self.listen.is_none_or(|listen| !is_exposed(listen))
    }
}

/// Whether other machines can reach an address.
fn is_exposed(listen: SocketAddr) -> bool {
    !listen.ip().to_canonical().is_loopback()
}
