//! Handshakes with the certificate that is in force at their start.

use std::fmt;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_rustls::TlsAcceptor;

pub use tokio_rustls::server::TlsStream;

use super::crowd::Crowd;
use super::error::{HandshakeError, TlsError};
use super::material::{Files, Material};
use super::spec::TlsSpec;
use crate::certificate::Certificate;
use crate::model::time::Timestamp;
use crate::telemetry::{Handshake, TlsMetrics};

/// How long a handshake may take if nobody waits; it is two round trips.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// Most handshakes at once; each costs a signature and some 20 KiB, and the next one waits.
pub const MAX_HANDSHAKES: usize = 256;

/// The server's side of TLS for one listener. Cheap to clone; every clone sees the certificate in force.
#[derive(Clone)]
pub struct ServerTls(Arc<Inner>);

struct Inner {
    spec: TlsSpec,
    protocols: Vec<&'static [u8]>,
    in_force: ArcSwap<Material>,
    hashing: RandomState,
    /// What the files looked like when they were last read, good or bad.
    seen: Mutex<Option<u64>>,
    places: Semaphore,
    crowd: Crowd,
    limit: Duration,
    metrics: TlsMetrics,
}

/// A connection whose handshake is done.
#[derive(Debug)]
pub struct Accepted<S> {
    /// The connection.
    pub stream: TlsStream<S>,
    /// The client's certificate, issued by `client_ca`; none where there is no `client_ca`.
    pub certificate: Option<Certificate>,
}

/// What became of the files.
#[derive(Debug)]
pub(super) enum Reread {
    /// They are as they were when they were last read.
    Unchanged,
    /// They are in force.
    Replaced,
    /// They cannot be used; what was in force still is.
    Kept(TlsError),
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerTls").field(&self.0.spec).finish()
    }
}

impl ServerTls {
    /// Reads the files of `spec`. `protocols` are offered by ALPN (RFC 7301), the preferred first; a client that asks for
    /// none of them is refused.
    pub fn load(
        spec: &TlsSpec,
        protocols: &[&'static [u8]],
        metrics: TlsMetrics,
    ) -> Result<Self, TlsError> {
        let hashing = RandomState::new();
        let files = Files::read(spec)?;
        let material = Material::build(spec, &files, protocols)?;
        metrics.in_force(material.expires);
        Ok(Self(Arc::new(Inner {
            spec: spec.clone(),
            protocols: protocols.to_vec(),
            in_force: ArcSwap::from_pointee(material),
            seen: Mutex::new(Some(files.mark(&hashing))),
            hashing,
            places: Semaphore::new(MAX_HANDSHAKES),
            crowd: Crowd::default(),
            limit: HANDSHAKE,
            metrics,
        })))
    }

    /// When the certificate in force expires.
    pub fn expires(&self) -> Timestamp {
        self.0.in_force.load().expires
    }

    /// Shakes hands on `stream`, once one of the places is free. Where somebody waits, slow clients give way. Counts how
    /// it ended.
    pub async fn accept<S>(&self, stream: S) -> Result<Accepted<S>, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.counted(self.handshake(stream).await)
    }

    /// The same where not every certificate that `client_ca` has issued may come in: `admit` says who it is, or none for
    /// a stranger.
    pub async fn accept_known<S, P>(
        &self,
        stream: S,
        admit: impl FnOnce(Option<Certificate>) -> Option<P>,
    ) -> Result<(TlsStream<S>, P), HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let known = self.handshake(stream).await.and_then(|accepted| {
            let Accepted {
                stream,
                certificate,
            } = accepted;
            let peer = admit(certificate).ok_or(HandshakeError::Stranger)?;
            Ok((stream, peer))
        });
        self.counted(known)
    }

    fn counted<T>(&self, accepted: Result<T, HandshakeError>) -> Result<T, HandshakeError> {
        self.0.metrics.handshake(match &accepted {
            Ok(_) => Handshake::Accepted,
            Err(HandshakeError::TimedOut) => Handshake::TimedOut,
            Err(HandshakeError::Failed(_) | HandshakeError::Certificate) => Handshake::Failed,
            Err(HandshakeError::Stranger) => Handshake::Stranger,
        });
        accepted
    }

    /// Somebody waits to shake hands, and there is no room for it: the slowest gives way.
    pub fn press(&self) {
        self.0.crowd.press();
    }

    /// A place among the handshakes; they are never closed, so there is always one in the end.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(place) = self.0.places.try_acquire() {
            return Some(place);
        }
        self.press();
        self.0.places.acquire().await.ok()
    }

    async fn handshake<S>(&self, stream: S) -> Result<Accepted<S>, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let _place = self.place().await;
        let config = Arc::clone(&self.0.in_force.load().config);
        let stream = tokio::select! {
            shaken = TlsAcceptor::from(config).accept(stream) => shaken.map_err(HandshakeError::Failed)?,
            () = self.0.crowd.clone().enough(self.0.limit) => return Err(HandshakeError::TimedOut),
        };
        let shown = stream.get_ref().1.peer_certificates();
        let certificate = shown
            .and_then(|chain| chain.first())
            .map(|leaf| Certificate::from_der(leaf))
            .transpose()
            .map_err(|_malformed| HandshakeError::Certificate)?;
        Ok(Accepted {
            stream,
            certificate,
        })
    }

    /// Reads the files again and puts them in force if they changed and can be used. Blocks.
    pub(super) fn reread(&self, now: Timestamp) -> Reread {
        let read = Files::read(&self.0.spec);
        let mark = read.as_ref().ok().map(|files| files.mark(&self.0.hashing));
        let before = {
            let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *seen, mark)
        };
        if mark == before {
            return Reread::Unchanged;
        }
        match read.and_then(|files| self.usable(&files, now)) {
            Ok(material) => {
                self.0.metrics.in_force(material.expires);
                self.0.in_force.store(Arc::new(material));
                self.0.metrics.reloaded(true);
                Reread::Replaced
            }
            Err(error) => {
                self.0.metrics.reloaded(false);
                Reread::Kept(error)
            }
        }
    }

    /// A pair that has expired does not replace one that has not.
    fn usable(&self, files: &Files, now: Timestamp) -> Result<Material, TlsError> {
        let material = Material::build(&self.0.spec, files, &self.0.protocols)?;
        if material.expires <= now && self.expires() > now {
            return Err(TlsError::Expired(self.0.spec.certificate.clone()));
        }
        Ok(material)
    }

    /// What the files look like at this moment; none if they cannot be read. Blocks.
    pub(super) fn look(&self) -> Option<u64> {
        let files = Files::read(&self.0.spec).ok();
        files.map(|files| files.mark(&self.0.hashing))
    }

    /// What they looked like when they were last read, good or bad.
    pub(super) fn seen(&self) -> Option<u64> {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn with_limits(self, limit: Duration, places: usize) -> Self {
        let Some(inner) = Arc::into_inner(self.0) else {
            panic!("limits are set before clones are made");
        };
        Self(Arc::new(Inner {
            limit,
            places: Semaphore::new(places),
            ..inner
        }))
    }
}
