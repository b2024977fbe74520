//! From text to findings: the whole examination, in the order of a configuration.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use super::at::At;
use super::estate::Estate;
use super::needs::Needs;
use super::normalisation::Underscores;
use super::report::Report;
use super::trap::Trap;
use super::{listener, named};
use crate::config::problem::Problems;
use crate::config::yaml::Document;

/// The largest configuration that is read; a document has the same bound.
pub const MAX_BYTES: usize = 64 << 20;

/// What was found.
#[derive(Debug)]
pub struct Examined {
    /// The findings, by their places.
    pub problems: Problems,
    /// How many listeners were examined.
    pub listeners: usize,
    /// How many HTTP connection managers.
    pub connection_managers: usize,
    /// How many routes.
    pub routes: usize,
}

/// One examination while it goes on.
#[derive(Debug)]
pub(super) struct Examination<'a, 'd> {
    pub(super) estate: Estate<'d>,
    pub(super) needs: &'a Needs,
    pub(super) report: Report<'a>,
    pub(super) connection_managers: usize,
    pub(super) routes: usize,
    /// Routes of policies that Envoy names.
    pub(super) named: BTreeSet<String>,
    /// Keys of context extensions that are set.
    pub(super) extensions: BTreeSet<String>,
    /// Clusters that were examined as countersign's.
    pub(super) asked: BTreeSet<String>,
    /// Whether a listener lets only clients with a certificate in.
    pub(super) certificates: bool,
    /// Whether a connection manager passes `x-forwarded-client-cert` on.
    pub(super) forwards: bool,
    /// What the connection manager makes of headers with underscores.
    pub(super) underscores: Underscores,
    /// Whether something could not be seen: then nothing is said to be missing everywhere.
    pub(super) partial: bool,
}

/// Examines a configuration of Envoy (YAML or JSON) that goes by the name of `file`. `allowed` traps are notes. The error is
/// that the text cannot be read.
pub fn examine(
    file: &Path,
    text: &str,
    needs: &Needs,
    allowed: &[Trap],
) -> Result<Examined, Problems> {
    let text = without_ignore(text);
    let document = Document::read(file, &text).map_err(Problems::from_iter)?;
    let root = At::root(&document);
    let estate = Estate::read(&root);
    let listeners = estate.listeners.clone();
    let mut examination = Examination {
        estate,
        needs,
        report: Report::new(allowed),
        connection_managers: 0,
        routes: 0,
        named: BTreeSet::new(),
        extensions: BTreeSet::new(),
        asked: BTreeSet::new(),
        certificates: false,
        forwards: false,
        underscores: Underscores::Pass,
        partial: false,
    };
    examination.whole();
    for listener in &listeners {
        listener::examine(listener, &mut examination);
    }
    examination.nothing(&root);
    named::examine(&root, &mut examination);
    Ok(Examined {
        problems: examination.report.into_problems(file),
        listeners: listeners.len(),
        connection_managers: examination.connection_managers,
        routes: examination.routes,
    })
}

impl Examination<'_, '_> {
    /// What belongs to no listener.
    fn whole(&mut self) {
        if let Some(admin) = self.estate.admin.clone() {
            self.admin(&admin);
        }
        if let Some(at) = self.estate.listener_discovery.clone() {
            self.partial = true;
            self.report.add(
                Trap::UnseenListeners,
                &at,
                "listeners are discovered, so those that Envoy runs are not in this file",
                "examine what runs: `countersign doctor http://127.0.0.1:9901/config_dump`",
            );
        }
        if let Some((major, minor, at)) = self.estate.version.clone()
            && (major, minor) < (1.0, 39.0)
        {
            self.report.add(
                Trap::OldEnvoy,
                &at,
                format!("this is Envoy {major}.{minor}: before 1.39 it does not read whole MCP messages, and lacks security fixes of ext_authz"),
                "run Envoy 1.39 or later",
            );
        }
    }

    /// Envoy's admin port has no authentication.
    fn admin(&mut self, admin: &At<'_>) {
        let Some(socket) = admin.find(&["address", "socket_address"]) else {
            return;
        };
        if socket
            .text_of("address")
            .is_some_and(|address| !is_loopback(&address))
        {
            self.report.add(
                Trap::AdminExposed,
                &socket.field("address"),
                "whoever reaches Envoy's admin port can stop Envoy, read its configuration and change its runtime",
                "listen on loopback: `address: 127.0.0.1`",
            );
        }
    }

    fn nothing(&mut self, root: &At<'_>) {
        if self.connection_managers > 0 {
            return;
        }
        self.report.add(
            Trap::NothingToExamine,
            root,
            "there is no HTTP connection manager here, so nothing can be said about what is decided",
            "give a bootstrap file with `static_resources`, a file with `resources`, or a `/config_dump`",
        );
    }
}

/// Envoy leaves out top-level keys with the tag `!ignore`, which exist to hold anchors. Without the tag they are keys that
/// nothing here reads; lines keep their numbers.
fn without_ignore(text: &str) -> Cow<'_, str> {
    if !text.contains("!ignore") {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive('\n');
    let plain = lines.map(|line| line.strip_prefix("!ignore ").map_or(line, str::trim_start));
    Cow::Owned(plain.collect())
}

/// Whether an address is reached from this machine only.
pub(super) fn is_loopback(address: &str) -> bool {
    let ip = address.parse::<std::net::IpAddr>();
    address == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}
