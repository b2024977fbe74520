//! Who approves.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign::approval::{Approvals, Ballot};
use countersign::ext_authz::now;
use countersign::model::approval::{ApprovalId, Status, Voter};
use countersign::model::decision::DecisionId;
use countersign::model::name::ProviderName;
use countersign::model::party::{Kind, PartyId};
use countersign::store::{ApprovalFilter, Spent, Store, StoreSettings, StoreSpec};
use hdrhistogram::Histogram;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::load::{self, LONGEST};
use super::questions;
use super::served::Server;
use super::stage::Target;

/// How long a replica may take to learn of a vote.
const SOON: Duration = Duration::from_secs(10);

/// Somebody at the same store who approves, and who uses approvals up without any call. Its threads run on the servers' core.
pub(crate) struct Keeper {
    runtime: Runtime,
    store: Store,
}

impl Keeper {
    /// One at the store that this section of a configuration describes.
    pub(crate) fn at(spec: Value) -> Result<Self> {
        let spec: StoreSpec = serde_json::from_value(spec)?;
        let settings = StoreSettings::try_from(spec);
        Ok(Self {
            runtime: Builder::new_multi_thread()
                .enable_all()
                .worker_threads(1)
                .build()?,
            store: Store::open(&settings.map_err(|findings| anyhow!("{findings:?}"))?)?,
        })
    }

    /// An approval of a call that the server knows, and the call.
    pub(crate) fn approved<'a>(
        &self,
        server: &'a Server,
        token: &str,
        vault: &str,
    ) -> Result<(ApprovalId, Target<'a>)> {
        let path = format!("/v1/vaults/{vault}/open");
        let bodies = questions::other(token, "POST", "vault.example.com", &path, "{}")?;
        let mut target = Target::cold(server, &server.tcp, &bodies)?;
        let mut once = || load::closed(&mut target.connection, &mut target.bodies, 1, 1);
        ensure!(
            once()?.failed == 1,
            "the call does not wait for an approval"
        );
        let id = self.runtime.block_on(self.approve())?;
        let since = Instant::now();
        while once()?.failed > 0 {
            ensure!(
                since.elapsed() < SOON,
                "the server does not learn of the vote"
            );
            sleep(Duration::from_millis(20));
        }
        Ok((id, target))
    }

    /// Approves the one that is waited for.
    async fn approve(&self) -> Result<ApprovalId> {
        let filter = ApprovalFilter {
            status: Some(Status::Pending),
            limit: 1,
            ..ApprovalFilter::default()
        };
        let waiting = self.store.approvals(filter).await?;
        let id = waiting.first().context("nothing is waited for")?.id.clone();
        let voter = Voter {
            id: PartyId::new(ProviderName::new("corp")?, "kim"),
            kind: Kind::Human,
            groups: vec![Arc::from("keepers")],
            owner: None,
            actor: None,
            prior: Vec::new(),
            owners: Vec::new(),
            acr: None,
            auth_time: None,
        };
        let ballot = Ballot {
            voter,
            approve: true,
            reason: None,
        };
        let approvals = Approvals::kept_in(self.store.clone());
        approvals.vote(&id, &ballot, &|_| true, now()).await?;
        Ok(id)
    }

    /// Uses an approval up, one use after the other: the median in microseconds.
    pub(crate) fn spend(&self, id: &ApprovalId, uses: usize) -> Result<f64> {
        let (store, id) = (self.store.clone(), id.clone());
        let spending = self.runtime.spawn(async move {
            let mut taken = Histogram::<u64>::new_with_bounds(1, LONGEST, 3)?;
            for _ in 0..uses {
                let by = DecisionId::new("bench");
                let since = Instant::now();
                let spent = store.spend_approval(&id, 1, u32::MAX, &by, now()).await?;
                taken.saturating_record(u64::try_from(since.elapsed().as_nanos())?);
                ensure!(
                    matches!(spent, Spent::Done(_)),
                    "a use does not count: {spent:?}"
                );
            }
            let median = Duration::from_nanos(taken.value_at_quantile(0.5));
            Ok(median.as_secs_f64() * 1e6)
        });
        self.runtime.block_on(spending)?
    }
}
