//! The settings that a reload cannot change: listeners, log, sink and store.

use std::path::Path;

use super::place::place;
use super::problem::{Problem, Problems};
use super::proofs;
use super::server::{Overrides, ServerSpec};
use super::yaml::{Document, KeyPath};
use crate::admin::{AdminSettings, AdminSpec, Hooks, MetricsSettings, Surroundings};
use crate::approval::ApprovalsSpec;
use crate::audit::AuditSettings;
use crate::ext_authz::Grpc;
use crate::identity::{CheckedProviders, DpopSettings};
use crate::model::finding::Finding;
use crate::model::name::ProviderName;
use crate::model::time::Timestamp;
use crate::store::StoreSettings;
use crate::telemetry::Log;
use crate::tls;

/// The listeners and sinks, checked.
pub(super) struct Fixed {
    pub(super) grpc: Grpc,
    pub(super) metrics: MetricsSettings,
    pub(super) admin: AdminSettings,
    pub(super) log: Log,
    pub(super) audit: AuditSettings,
    pub(super) store: StoreSettings,
    /// What they were read from; a reload that changes it needs a restart.
    pub(super) text: String,
}

/// What listeners and store are checked with: the providers, how proofs are judged, and the moment at which certificates
/// are looked at, as far as each is there.
pub(super) type Beside<'a> = (
    Option<&'a CheckedProviders>,
    Option<&'a DpopSettings>,
    Option<Timestamp>,
);

impl Fixed {
    /// Reads the settings and says what is to be said about them beside the rest.
    pub(super) fn checked(
        path: &Path,
        read: (&Document, &ServerSpec, &Overrides),
        beside: Beside<'_>,
        incomplete: bool,
        problems: &mut Problems,
    ) -> Option<Self> {
        let (document, spec, overrides) = read;
        let (providers, _, certificates) = beside;
        let names = providers.into_iter().flat_map(CheckedProviders::names);
        let names: Vec<ProviderName> = names.cloned().collect();
        let around = Surroundings {
            providers: &names,
            incomplete,
            files: certificates.is_some(),
        };
        let fixed = Self::read(path, document, spec, overrides, &around, problems)?;
        fixed.check_beside(beside, document, problems);
        Some(fixed)
    }

    /// Checks the settings of the file at `path` with what the command line says instead, and reports every problem.
    fn read(
        path: &Path,
        document: &Document,
        spec: &ServerSpec,
        overrides: &Overrides,
        around: &Surroundings<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let (mut grpc, mut log) = (spec.grpc.clone(), spec.log.clone());
        let (mut metrics, mut admin) = (spec.metrics.clone(), spec.admin.clone());
        if let Some(address) = overrides.grpc_listen {
            grpc.listen = address.to_string();
        }
        if let Some(address) = overrides.metrics_listen {
            metrics.listen = address.to_string();
        }
        if let Some(listen) = &overrides.admin_listen {
            admin.listen.clone_from(listen);
        }
        admin.relative_to(path);
        let mut hooks = spec.hooks.clone();
        hooks.relative_to(path);
        if let Some(level) = &overrides.log_level {
            log.level.clone_from(level);
        }
        let mut audit = spec.audit.clone();
        audit.relative_to(path);
        if let Some(tls) = &mut grpc.tls {
            tls.relative_to(path);
        }
        let envoys = std::mem::take(&mut grpc.envoys);
        let mut store = spec.store.clone();
        store.relative_to(path);
        if let Some(file) = &overrides.store {
            store.file = Some(file.clone());
            store.valkey = None;
        }
        let mut approvals = spec.approvals.clone();
        approvals.relative_to(path);
        let entries = spec.dpop.replay_entries;
        let page = (&approvals.url, &approvals.sign_in);
        let text = format!(
            "{grpc:?} {metrics:?} {admin:?} {hooks:?} {log:?} {audit:?} {store:?} {entries} {page:?}"
        );
        // The list of Envoys is what a reload does change.
        grpc.envoys = envoys;

        let wrong = |path: KeyPath, message: String| -> Vec<Problem> {
            vec![document.error(&path, "invalid-setting", message)]
        };
        let key = |name: &str| KeyPath::root().join(name);
        let grpc = problems.keep(Grpc::try_from(grpc).map_err(|error| {
            let findings = error.into_findings().into_iter();
            let placed = findings.map(|finding| place(document, &key("grpc"), finding));
            placed.collect::<Vec<_>>()
        }));
        let metrics = problems.keep(
            MetricsSettings::try_from(metrics)
                .map_err(|error| wrong(key("metrics").join("listen"), error.to_string())),
        );
        let admin = admin_settings(document, (admin, &approvals), around, problems);
        let hooks = Hooks::compile(hooks, around.files);
        let hooks = hooks.map_err(|finding| vec![place(document, &key("hooks"), finding)]);
        let hooks = problems.keep(hooks);
        let log = problems.keep(
            Log::try_from(log).map_err(|error| wrong(key("log").join("level"), error.to_string())),
        );
        let audit = problems.keep(
            AuditSettings::try_from(audit).map_err(|error| wrong(key("audit"), error.to_string())),
        );
        let store = problems.keep(
            StoreSettings::try_from(store)
                .map(|store| store.max_replay(entries))
                .map_err(|findings| {
                    let placed = findings.into_iter();
                    let placed = placed.map(|it| place(document, &key("store"), it));
                    placed.collect::<Vec<_>>()
                }),
        );
        let fixed = Self {
            grpc: grpc?,
            metrics: metrics?,
            admin: admin?.with_hooks(hooks?),
            log: log?,
            audit: audit?,
            store: store?,
            text,
        };
        fixed.warn_of_exposure(document, problems);
        Some(fixed)
    }

    /// What listeners and store have to do with the rest.
    fn check_beside(&self, beside: Beside<'_>, document: &Document, problems: &mut Problems) {
        let (providers, dpop, now) = beside;
        if providers.is_some_and(|known| known.api_keys().next().is_some()) {
            self.warn_of_lost_keys(document, problems);
        }
        if let Some(dpop) = dpop {
            proofs::warn_of_forgetting(dpop, self, document, problems);
        }
        if let Some(now) = now {
            self.check_certificates(document, now, problems);
        }
    }

    /// Reads the files of every listener with TLS, and reports those that cannot be used at `now`, or not for long.
    fn check_certificates(&self, document: &Document, now: Timestamp, problems: &mut Problems) {
        let listeners = [("grpc", self.grpc.tls()), ("admin", self.admin.tls())];
        for (name, spec) in listeners {
            let Some(spec) = spec else { continue };
            let base = KeyPath::root().join(name).join("tls");
            let findings = tls::check(spec, now);
            problems.extend(findings.into_iter().map(|it| place(document, &base, it)));
        }
    }

    /// Keys that are issued into memory end with the process that issued them.
    fn warn_of_lost_keys(&self, document: &Document, problems: &mut Problems) {
        if !self.store.is_lasting() {
            let path = KeyPath::root().join("providers");
            let message = "API keys are accepted, and there is no store to keep them in";
            let problem = document.warning(&path, "keys-without-store", message.to_owned());
            problems.push(problem.help("write `store: { file: /var/lib/countersign/state.db }`"));
        }
    }

    /// Whoever reaches the gRPC port can claim any peer certificate.
    fn warn_of_exposure(&self, document: &Document, problems: &mut Problems) {
        let warn = |name: &str, what: &str| {
            let path = KeyPath::root().join(name).join("insecure");
            document.warning(
                &path,
                "insecure-listener",
                format!("{what} can be reached from other machines"),
            )
        };
        if self.grpc.exposed().is_some() {
            let listener = match self.grpc.tls() {
                Some(_) => "the gRPC listener authenticates nobody and",
                None => "the gRPC listener",
            };
            problems.push(warn("grpc", listener).help(
                "whoever reaches it can claim any identity; name `tls.client_ca` and `envoys`, or keep it on loopback or a Unix socket",
            ));
        }
        if self.metrics.is_exposed() {
            problems.push(warn("metrics", "the metrics listener"));
        }
    }
}

/// The listener of operators, and the page on it where people approve.
fn admin_settings(
    document: &Document,
    (admin, approvals): (AdminSpec, &ApprovalsSpec),
    around: &Surroundings<'_>,
    problems: &mut Problems,
) -> Option<AdminSettings> {
    let mut report = |section: &str, findings: Vec<Finding>| {
        let key = KeyPath::root().join(section);
        problems.extend(findings.into_iter().map(|it| place(document, &key, it)));
    };
    let (admin, findings) = AdminSettings::compile(admin, around);
    report("admin", findings);
    let (admin, findings) = admin?.with_page(approvals, around);
    report("approvals", findings);
    Some(admin)
}
