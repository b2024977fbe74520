//! What is counted about requests to the admin listener.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::scrape::add;

/// Why a request to the admin listener was refused before it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminRefusal {
    /// It is for another host.
    Host,
    /// A page of another site sent it.
    CrossSite,
    /// It has no valid credential.
    Unauthenticated,
    /// Nobody lists whose credential it has.
    Forbidden,
    /// Too many before it failed.
    Limited,
    /// Its credential could not be judged.
    Unavailable,
}

/// The family, one handle a reason.
#[derive(Debug)]
pub(super) struct AdminMetrics([(AdminRefusal, IntCounter); 6]);

impl AdminRefusal {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::CrossSite => "cross_site",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Limited => "limited",
            Self::Unavailable => "unavailable",
        }
    }
}

impl AdminMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let options = Opts::new(
            "countersign_admin_refused_total",
            "Requests to the admin listener that were refused before anything was done, by reason.",
        );
        let family = add(registry, IntCounterVec::new(options, &["reason"])?)?;
        let of = |refusal: AdminRefusal| {
            let counter = family.get_metric_with_label_values(&[refusal.as_str()])?;
            prometheus::Result::Ok((refusal, counter))
        };
        Ok(Self([
            of(AdminRefusal::Host)?,
            of(AdminRefusal::CrossSite)?,
            of(AdminRefusal::Unauthenticated)?,
            of(AdminRefusal::Forbidden)?,
            of(AdminRefusal::Limited)?,
            of(AdminRefusal::Unavailable)?,
        ]))
    }

    pub(super) fn refused(&self, refusal: AdminRefusal) {
        let found = self.0.iter().find(|(of, _)| *of == refusal);
        if let Some((_, counter)) = found {
            counter.inc();
        }
    }
}
