//! What is counted about the listeners' certificates and handshakes.

use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, Opts, Registry};

use crate::model::time::Timestamp;

use super::scrape::{add, seconds};

/// A listener that can have TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// Where Envoy asks.
    Grpc,
    /// Where operators change things.
    Admin,
}

impl Listener {
    const ALL: [Self; 2] = [Self::Grpc, Self::Admin];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Admin => "admin",
        }
    }
}

/// How a handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// The client is connected.
    Accepted,
    /// No TLS, or no acceptable certificate.
    Failed,
    /// Not in time.
    TimedOut,
    /// The certificate is good, and its owner is not on the list of those who may connect.
    Stranger,
}

impl Handshake {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Stranger => "stranger",
        }
    }
}

/// The families, for every listener.
#[derive(Debug)]
pub(super) struct TlsFamilies {
    grpc: TlsMetrics,
    admin: TlsMetrics,
}

/// What one listener counts. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct TlsMetrics {
    expires: GaugeVec,
    listener: Listener,
    applied: IntCounter,
    refused: IntCounter,
    accepted: IntCounter,
    failed: IntCounter,
    timed_out: IntCounter,
    strangers: IntCounter,
}

impl TlsFamilies {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let expires = add(
            registry,
            GaugeVec::new(
                Opts::new(
                    "countersign_tls_certificate_expiry_timestamp_seconds",
                    "Unix time at which the listener's certificate in force expires; absent without TLS.",
                ),
                &["listener"],
            )?,
        )?;
        let counters = |name, help| {
            let labels = &["listener", "result"];
            add(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let reloads = counters(
            "countersign_tls_reloads_total",
            "Changes of the listener's certificate files, by result.",
        )?;
        let handshakes = counters(
            "countersign_tls_handshakes_total",
            "TLS handshakes of the listener, by result.",
        )?;
        let of = |listener| TlsMetrics::of(listener, &expires, &reloads, &handshakes);
        let [grpc, admin] = Listener::ALL.map(of);
        Ok(Self {
            grpc: grpc?,
            admin: admin?,
        })
    }

    pub(super) fn listener(&self, listener: Listener) -> TlsMetrics {
        match listener {
            Listener::Grpc => self.grpc.clone(),
            Listener::Admin => self.admin.clone(),
        }
    }
}

impl TlsMetrics {
    fn of(
        listener: Listener,
        expires: &GaugeVec,
        reloads: &IntCounterVec,
        handshakes: &IntCounterVec,
    ) -> prometheus::Result<Self> {
        let reloads = |result| reloads.get_metric_with_label_values(&[listener.as_str(), result]);
        let handshakes = |result: Handshake| {
            handshakes.get_metric_with_label_values(&[listener.as_str(), result.as_str()])
        };
        Ok(Self {
            expires: expires.clone(),
            listener,
            applied: reloads("applied")?,
            refused: reloads("refused")?,
            accepted: handshakes(Handshake::Accepted)?,
            failed: handshakes(Handshake::Failed)?,
            timed_out: handshakes(Handshake::TimedOut)?,
            strangers: handshakes(Handshake::Stranger)?,
        })
    }

    /// States when the certificate in force expires.
    pub fn in_force(&self, expires: Timestamp) {
        let gauge: prometheus::Result<Gauge> = self
            .expires
            .get_metric_with_label_values(&[self.listener.as_str()]);
        // One label that is a constant: there is nothing that could fail.
        if let Ok(gauge) = gauge {
            gauge.set(seconds(expires));
        }
    }

    /// Counts files that changed: whether they are in force now.
    pub fn reloaded(&self, applied: bool) {
        if applied {
            self.applied.inc();
        } else {
            self.refused.inc();
        }
    }

    /// Counts a handshake.
    pub fn handshake(&self, ended: Handshake) {
        match ended {
            Handshake::Accepted => self.accepted.inc(),
            Handshake::Failed => self.failed.inc(),
            Handshake::TimedOut => self.timed_out.inc(),
            Handshake::Stranger => self.strangers.inc(),
        }
    }
}
