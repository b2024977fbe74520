//! A countersign with a policy of any number of rules (`policy.rs`), loaded from files as a server loads it.

use std::fs;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use arc_swap::ArcSwap;
use countersign::app::offline_snapshot;
use countersign::audit::Audit;
use countersign::authorizer::{Authorizer, ShadowQueue, Sightings};
use countersign::config::{Overrides, load};
use countersign::ext_authz::{Grpc, answer, now, read_request};
use countersign::model::decision::Decision;
use countersign::model::request::AccessRequest;
use countersign::model::verdict::Verdict;
use countersign::telemetry::Metrics;
use prost::bytes::Bytes;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::policy;
use super::tokens::{ISSUER, Issuer};

/// Everything that a check needs.
pub(crate) struct World {
    pub(crate) rules: usize,
    /// How long reading and compiling the configuration took.
    pub(crate) load: Duration,
    pub(crate) authorizer: Authorizer,
    pub(crate) grpc: Grpc,
}

impl World {
    /// Writes a configuration with `rules` rules and loads it. Records are written to `/dev/null` on `runtime`.
    pub(crate) fn new(rules: usize, issuer: &Issuer, runtime: &Runtime) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        write(&folder, rules, issuer)?;
        let started = Instant::now();
        let bundle = load(
            &folder.path().join("countersign.yaml"),
            &Overrides::default(),
        );
        let bundle = bundle.map_err(|failure| anyhow!("{:?}", failure.problems))?;
        let load = started.elapsed();
        ensure!(
            bundle.policy.len() == rules,
            "{} rules instead of {rules}",
            bundle.policy.len()
        );

        let metrics = Metrics::new("bench", now())?;
        let (audit, writer) = Audit::open(&bundle.audit, metrics.clone())?;
        runtime.spawn(writer.run(CancellationToken::new(), Duration::ZERO));
        let (queue, worker) = ShadowQueue::new(audit.clone(), metrics.clone());
        runtime.spawn(worker.run(std::future::pending()));
        let grpc = bundle.grpc.clone();
        let snapshot = ArcSwap::from_pointee(offline_snapshot(bundle, now(), true)?);
        Ok(Self {
            rules,
            load,
            authorizer: Authorizer::new(
                Arc::new(snapshot),
                audit,
                metrics,
                queue,
                Sightings::default(),
            ),
            grpc,
        })
    }

    /// One whole check, as the server does it between two messages: bytes in, bytes out.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<Bytes> {
        let request = read_request(bytes, now()).map_err(|denial| anyhow!("{denial:?}"))?;
        let decision = self.decide(&request);
        let allowed = matches!(decision.verdict, Verdict::Allow(_));
        ensure!(allowed, "refused: {}", decision.verdict.reason());
        Ok(answer(&decision))
    }

    /// The part between the canonical request and the answer.
    pub(crate) fn decide(&self, request: &AccessRequest) -> Decision {
        let arrival = Instant::now();
        let until = arrival + Duration::from_mins(1);
        wait(self.authorizer.decide(request, arrival, until))
    }
}

fn write(folder: &TempDir, rules: usize, issuer: &Issuer) -> Result<()> {
    let path = folder.path();
    fs::write(path.join("keys.json"), issuer.jwks().to_string())?;
    fs::write(path.join("countersign.yaml"), configuration())?;
    policy::write(&path.join("policies"), rules)
}

fn configuration() -> String {
    format!(
        r#"
version: 1
grpc: {{ listen: "127.0.0.1:0" }}
audit: {{ sink: {{ file: /dev/null }}, queue: 65536 }}
policies: [policies]
providers:
  corp:
    jwt:
      issuer: {ISSUER}
      keys: {{ file: keys.json, refresh: 1h, stale_for: 24h }}
      algorithms: [ES256, RS256]
      unregistered_client: subject
      claims: {{ department: {{ type: string, required: false }} }}
      map: {{ kind: '"human"' }}
"#
    )
}

/// The result of work that never has to wait.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
    }
}
