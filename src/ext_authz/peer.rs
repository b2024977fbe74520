//! Who is at the other side of a connection, and what that means for a check.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::clock;
use super::envoys::Envoys;
use crate::certificate::Certificate;
use crate::model::request::Gateway;

/// How often strangers are logged; all of them are counted.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// Most names of a stranger's certificate that are logged.
const MAX_NAMES: usize = 4;
/// Longest such name, in bytes.
const MAX_NAME: usize = 256;

/// The allow-list in force. Cheap to clone; every clone sees the one in force.
#[derive(Clone, Debug)]
pub struct AllowList(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    envoys: ArcSwap<Envoys>,
    /// When a stranger was logged last, in milliseconds since the epoch.
    logged: AtomicI64,
}

impl Default for AllowList {
    /// A list with nobody on it, that no listener has.
    fn default() -> Self {
        Self::new(Envoys::default())
    }
}

impl AllowList {
    pub(super) fn new(envoys: Envoys) -> Self {
        Self(Arc::new(Inner {
            envoys: ArcSwap::from_pointee(envoys),
            logged: AtomicI64::new(0),
        }))
    }

    /// Puts another list in force, for connections that are open as well: their next check is answered by it.
    pub fn replace(&self, envoys: Envoys) {
        self.0.envoys.store(Arc::new(envoys));
    }

    /// The peer with this verified certificate, if its Envoy is on the list.
    pub(super) fn admit(&self, certificate: Option<Certificate>) -> Option<Peer> {
        let certificate = certificate?;
        let envoys = self.0.envoys.load_full();
        let Some(gateway) = envoys.recognise(&certificate) else {
            self.log(&certificate);
            return None;
        };
        Some(Peer::Envoy(Arc::new(Known {
            list: self.clone(),
            id: Arc::clone(&gateway.id),
            certificate,
            recognised: ArcSwap::from_pointee((envoys, Some(gateway))),
        })))
    }

    fn log(&self, certificate: &Certificate) {
        let now = clock::now().millis();
        let every = i64::try_from(LOG_EVERY.as_millis()).unwrap_or(i64::MAX);
        let last = self.0.logged.load(Ordering::Relaxed);
        let due = now.saturating_sub(last) >= every;
        let ours = |last| {
            let swapped =
                self.0
                    .logged
                    .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed);
            swapped.is_ok()
        };
        if due && ours(last) {
            tracing::warn!(
                uris = ?shown(certificate.uris()),
                dns_names = ?shown(certificate.dns_names()),
                "a certificate that is not on the list of `grpc.envoys` was turned away"
            );
        }
    }
}

fn shown(names: &[String]) -> Vec<&str> {
    // Names have visible ASCII only, so every byte is a character.
    let cut = |name: &'_ String| -> usize { name.len().min(MAX_NAME) };
    names
        .iter()
        .take(MAX_NAMES)
        .map(|name| name.get(..cut(name)).unwrap_or_default())
        .collect()
}

/// The other side of a connection.
#[derive(Clone, Debug)]
pub(super) enum Peer {
    /// Whoever can reach the port or open the socket.
    Anybody,
    /// An Envoy that was on the list when it connected.
    Envoy(Arc<Known>),
}

/// An Envoy, by its certificate.
#[derive(Debug)]
pub(super) struct Known {
    list: AllowList,
    /// Its name when it connected.
    id: Arc<str>,
    certificate: Certificate,
    /// Who it is by the list that was looked at last.
    recognised: ArcSwap<(Arc<Envoys>, Option<Arc<Gateway>>)>,
}

/// The Envoy is not on the list any more, on which it had this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Removed(pub(super) Arc<str>);

impl Peer {
    /// The Envoy that asks, by the list in force; none where the listener authenticates nobody.
    pub(super) fn gateway(&self) -> Result<Option<Arc<Gateway>>, Removed> {
        match self {
            Self::Anybody => Ok(None),
            Self::Envoy(known) => {
                let removed = || Removed(Arc::clone(&known.id));
                known.gateway().map(Some).ok_or_else(removed)
            }
        }
    }
}

impl Known {
    fn gateway(&self) -> Option<Arc<Gateway>> {
        let in_force = self.list.0.envoys.load();
        let recognised = self.recognised.load();
        let (list, gateway) = &**recognised;
        if Arc::ptr_eq(list, &in_force) {
            return gateway.clone();
        }
        let gateway = in_force.recognise(&self.certificate);
        self.recognised
            .store(Arc::new((Arc::clone(&in_force), gateway.clone())));
        gateway
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext_authz::envoys::EnvoySpec;
    use crate::tls::testing::Authority;

    fn envoys(id: &str, tenant: Option<&str>) -> Envoys {
        let spec = EnvoySpec {
            id: id.to_owned(),
            tenant: tenant.map(str::to_owned),
            routes: None,
        };
        Envoys::compile(&[spec]).unwrap()
    }

    fn certificate(uri: &str) -> Certificate {
        let pair = Authority::new("ca").client(&[uri], &[]);
        Certificate::from_pem(&pair.certificate).unwrap()
    }

    const EDGE: &str = "spiffe://example.org/envoy/edge";

    #[test]
    fn another_list_counts_for_connections_that_are_open() {
        let list = AllowList::new(envoys(EDGE, None));
        let peer = list.admit(Some(certificate(EDGE))).unwrap();
        let tenant = || {
            let gateway = peer.gateway()?;
            Ok(gateway.and_then(|gateway| gateway.tenant.clone()))
        };
        assert_eq!(tenant(), Ok(None));
        list.replace(envoys("spiffe://example.org/envoy/*", Some("acme")));
        assert_eq!(tenant(), Ok(Some(Arc::from("acme"))));
        list.replace(envoys("spiffe://example.org/other", None));
        assert_eq!(tenant(), Err(Removed(Arc::from(EDGE))));
        list.replace(envoys(EDGE, None));
        assert_eq!(tenant(), Ok(None));
    }

    #[test]
    fn without_a_certificate_and_off_the_list_nobody_is_admitted() {
        let list = AllowList::new(envoys(EDGE, None));
        assert!(list.admit(None).is_none());
        assert!(
            list.admit(Some(certificate("spiffe://example.org/other")))
                .is_none()
        );
        assert_eq!(Peer::Anybody.gateway(), Ok(None));
    }
}
