//! A countersign with a policy of any number of rules, loaded from files as a server loads it.
//!
//! Half of the generated rules and more cover one action, the one that is asked: 3 of 10 permit it to one id, 2 of 10 to
//! one group, 1 of 10 forbids it to one id under a condition, 1 of 10 guards it for one group with a `must`. The other
//! 3 of 10 permit other actions, of which there is one for every hundred rules, at most a thousand. Whatever the number,
//! four rules concern the caller: the permit of its group, a guard with a `must`, a guard that sets a header and caps a
//! query parameter, and a forbid of another group. The tool that is called has as many of the same kinds, and its `must` reads
//! its arguments.

use std::fmt::Write as _;
use std::fs;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use arc_swap::ArcSwap;
use countersign::app::offline_snapshot;
use countersign::audit::Audit;
use countersign::authorizer::{Authorizer, ShadowQueue, Sightings};
use countersign::config::{Overrides, load};
use countersign::ext_authz::{Grpc, access_request, check_response, now};
use countersign::model::decision::Decision;
use countersign::telemetry::Metrics;
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use prost::Message as _;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::tokens::{AUDIENCE, ISSUER, Issuer};

/// Rules that concern the caller, of the API and of the tool.
const OWN: usize = 8;
/// Rules in a file; a large policy is several files.
const PER_FILE: usize = 20_000;

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
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let check = CheckRequest::decode(bytes)?;
        let decision = self.decide(&check)?;
        let response = check_response(&decision);
        let code = response.status.as_ref().map(|status| status.code);
        ensure!(code == Some(0), "refused: {}", decision.verdict.reason());
        Ok(response.encode_to_vec())
    }

    /// The part between the canonical request and the answer.
    pub(crate) fn decide(&self, check: &CheckRequest) -> Result<Decision> {
        let arrival = Instant::now();
        let request = access_request(check, now()).map_err(|denial| anyhow!("{denial:?}"))?;
        let until = arrival + Duration::from_mins(1);
        Ok(wait(self.authorizer.decide(&request, arrival, until)))
    }
}

fn write(folder: &TempDir, rules: usize, issuer: &Issuer) -> Result<()> {
    let path = folder.path();
    fs::write(path.join("keys.json"), issuer.jwks().to_string())?;
    fs::write(path.join("countersign.yaml"), configuration())?;
    fs::create_dir(path.join("policies"))?;
    let generated = rules
        .checked_sub(OWN)
        .context("fewer rules than the caller's own")?;
    let others = (rules / 100).clamp(1, 1000);
    fs::write(path.join("policies/api.yaml"), own_policy(others)?)?;
    for first in (0..generated).step_by(PER_FILE) {
        let mut text = "version: 1\nrules:\n".to_owned();
        for number in first..generated.min(first + PER_FILE) {
            writeln!(text, "  - {}", rule(number, others))?;
        }
        fs::write(path.join(format!("policies/rules-{first:06}.yaml")), text)?;
    }
    Ok(())
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

fn own_policy(others: usize) -> Result<String> {
    let mut text = format!(
        r#"
version: 1
rules:
  - {{ id: payments-read, permit: accounts.read, to: {{ issuer: corp, group: payments }}, when: 'request.method == "GET"' }}
  - {{ id: own-department, guard: accounts.read, must: 'has(subject.claims.department) && subject.claims.department == "payments"' }}
  - {{ id: small-pages, guard: accounts.read, constrain: {{ headers: {{ x-user: subject.id }}, query: {{ cap: {{ limit: 100 }} }} }} }}
  - {{ id: no-contractors, forbid: accounts.read, to: {{ issuer: corp, group: contractors }} }}
  - {{ id: payments-export, permit: customers.export, to: {{ issuer: corp, group: payments }}, when: 'request.method == "POST"' }}
  - {{ id: small-exports, guard: customers.export, must: 'args.rows <= 1000 && args.segment != "all"' }}
  - {{ id: exporters-are-known, guard: customers.export, constrain: {{ headers: {{ x-user: subject.id }} }} }}
  - {{ id: no-contractors-export, forbid: customers.export, to: {{ issuer: corp, group: contractors }} }}
routes:
  tools:
    match: {{ host: mcp.example.com, path: /crm }}
    url: https://mcp.example.com/crm
    audience: {AUDIENCE}
    providers: [corp]
    protocol: mcp
    server: crm
    actions:
      customers.export: {{ tool: export_customers, scope: accounts:read, args: {{ segment: string, rows: int, note: {{ type: string, optional: true }} }} }}
  api:
    match: {{ host: api.example.com }}
    url: {AUDIENCE}
    providers: [corp]
    actions:
      accounts.read: {{ http: "GET /v1/accounts/{{id}}", scope: accounts:read, query: {{ limit: {{ type: int, optional: true }} }} }}
"#
    );
    for number in 0..others {
        writeln!(
            text,
            "      others.read-{number}: {{ http: \"GET /v1/others-{number}/{{id}}\" }}"
        )?;
    }
    Ok(text)
}

fn rule(number: usize, others: usize) -> String {
    let on = "accounts.read";
    match number % 10 {
        0..=2 => {
            format!("{{ id: r{number}, permit: {on}, to: {{ issuer: corp, id: user-{number} }} }}")
        }
        3 | 4 => format!(
            "{{ id: r{number}, permit: {on}, to: {{ issuer: corp, group: team-{number} }} }}"
        ),
        5 => format!(
            "{{ id: r{number}, forbid: {on}, to: {{ issuer: corp, id: user-{number} }}, unless: 'request.hour > 6' }}"
        ),
        6 => format!(
            "{{ id: r{number}, guard: {on}, to: {{ issuer: corp, group: team-{number} }}, must: 'has(query.limit) && query.limit <= 50' }}"
        ),
        _ => {
            let other = (number / 10) % others;
            format!(
                "{{ id: r{number}, permit: others.read-{other}, to: {{ issuer: corp, group: team-{number} }} }}"
            )
        }
    }
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
