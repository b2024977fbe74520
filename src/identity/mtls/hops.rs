//! Who the caller is where proxies of ours stand between it and the Envoy that asks.
//!
//! With `forward_client_cert_details: APPEND_FORWARD` an Envoy appends an element about its own peer to what it was
//! sent; with `SANITIZE_SET` it writes that element alone. So the last element is about our Envoy's own peer, which the
//! check names as well, and both have to agree; the one before it was added by that peer, the first hop, and so on to
//! the left, as far as there are hops to be trusted. Nothing may stand further left: a client wrote it, or has a name
//! with commas in it, which Envoy writes as they are, so that it would look like an element more.

use super::caller::{Caller, ambiguous};
use super::xfcc;
use crate::model::glob::Glob;
use crate::model::header;
use crate::model::request::AccessRequest;
use crate::model::spiffe::SpiffeId;
use crate::model::verdict::Denial;

/// The most proxies in front of the Envoy that asks.
pub(super) const MAX_HOPS: usize = 8;

/// The proxies that are believed about certificates that they have verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::identity) struct Hops {
    /// How many of them a request goes through at most.
    trusted: usize,
    /// Their names; if there are none, whoever calls our Envoy is taken for one.
    names: Vec<Glob>,
}

impl Hops {
    pub(super) const fn new(trusted: usize, names: Vec<Glob>) -> Self {
        Self { trusted, names }
    }

    /// The header that is read, if there are hops.
    pub(in crate::identity) const fn header(&self) -> Option<&'static str> {
        if self.trusted == 0 {
            None
        } else {
            Some(header::CLIENT_CERTIFICATE)
        }
    }

    /// Who calls. A hop itself never does: without an element about its own peer it has seen no certificate.
    /// `known` tells which workloads could be callers.
    pub(in crate::identity) fn caller(
        &self,
        request: &AccessRequest,
        known: impl Fn(&SpiffeId) -> bool,
    ) -> Result<Caller, Denial> {
        let peer = Caller::direct(&request.source, request.now)?;
        let named = !self.names.is_empty();
        if self.trusted == 0 || (named && !self.lists(&peer)) {
            // It speaks for itself alone, whatever it says.
            return Ok(peer);
        }
        let Some(forwarded) = request.headers.get(header::CLIENT_CERTIFICATE) else {
            return Ok(Caller::default());
        };
        let caller = self.forwarded(forwarded, &peer, request)?;
        let disagree = peer.id.as_ref().is_some_and(known) && caller.id != peer.id;
        if !named && disagree {
            return Err(ambiguous(
                "the peer is a workload itself, is not listed in `hops` and names another one",
            ));
        }
        Ok(caller)
    }

    /// Whoever the last hop to the left has seen.
    fn forwarded(
        &self,
        header: &str,
        peer: &Caller,
        request: &AccessRequest,
    ) -> Result<Caller, Denial> {
        let elements = xfcc::read(header)?;
        let mut elements = elements.iter().rev();
        // Our own Envoy appends an element exactly if its peer has shown a certificate.
        if peer.shown {
            let own = elements.next().map(|own| own.is_about(peer)).transpose()?;
            if own != Some(true) {
                return Err(ambiguous(
                    "the last element of `x-forwarded-client-cert` is not about Envoy's own peer: \
                     Envoy needs `APPEND_FORWARD`, `uri: true` and `include_peer_certificate`",
                ));
            }
        }
        for hop in 1..=self.trusted {
            let Some(element) = elements.next() else {
                if self.names.is_empty() {
                    return Err(ambiguous(
                        "`x-forwarded-client-cert` has fewer elements than there are trusted hops",
                    ));
                }
                return Ok(Caller::default());
            };
            if self.names.is_empty() && hop < self.trusted {
                continue;
            }
            let caller = element.caller(request.now)?;
            if self.lists(&caller) {
                continue;
            }
            if elements.next().is_some() {
                return Err(ambiguous(
                    "`x-forwarded-client-cert` has more elements than there are hops: the outermost proxy needs \
                     `SANITIZE_SET`",
                ));
            }
            return Ok(caller);
        }
        Err(ambiguous("there are more hops than `trusted_hops` says"))
    }

    /// Whether this is one of the named proxies.
    fn lists(&self, peer: &Caller) -> bool {
        let id = peer.id.as_ref().map(SpiffeId::as_str);
        id.is_some_and(|id| self.names.iter().any(|name| name.matches(id)))
    }
}
