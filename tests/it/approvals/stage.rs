//! A vault that opens when a keeper approves, and a keeper at the same store.

use std::sync::Arc;

use countersign::approval::{Approvals, Ballot, Ended, Voted};
use countersign::model::approval::{Approval, Status, Voter};
use countersign::model::name::ProviderName;
use countersign::model::party::{Kind, PartyId};
use countersign::model::time::Timestamp;
use countersign::store::{ApprovalFilter, MAX_LISTED, Store, StoreSettings, StoreSpec};

use crate::harness::{Answer, Ask, Client, SOON, Server, Setup, eventually_async, now};

pub(crate) const VAULT: &str = "https://vault.example.com";

/// Opening takes one keeper; `open-often` can be used three times; `open-twice` takes two keepers.
pub(crate) const POLICY: &str = "\
version: 1
routes:
  vault:
    match: { host: vault.example.com }
    url: https://vault.example.com
    providers: [corp]
    actions:
      vault.open:       { http: 'POST /v1/vaults/{name}/open', tier: high }
      vault.open-often: { http: 'POST /v1/vaults/{name}/open-often' }
      vault.look:       { http: 'GET /v1/vaults/{name}' }
rules:
  - { id: openers, permit: vault.*, to: { issuer: corp, group: openers } }
  - { id: one-keeper, guard: vault.open,
      require: [{ approval: { from: { issuer: corp, group: keepers }, ttl: 10m, quorum: 1 } }] }
  - { id: three-uses, guard: vault.open-often,
      require: [{ approval: { from: { issuer: corp, group: keepers }, ttl: 10m, uses: 3 } }] }
";

/// A setup with a vault.
pub(crate) fn vault() -> Setup {
    let setup = Setup::new();
    setup.write("policies/vault.yaml", POLICY);
    setup
}

/// A second server's setup on the first one's store, with the same keys.
pub(crate) fn beside(first: &Server) -> Setup {
    let setup = vault();
    setup.write("corp.jwks.json", &first.setup.corp.jwks());
    let store = first.setup.path("state.db");
    setup.argument("--store").argument(store.to_str().unwrap())
}

/// A question about a vault.
pub(crate) fn ask(server: &Server, who: &str, path: &str) -> Ask {
    let token = server.setup.corp.token(who).audience(VAULT);
    let token = token.groups(&["openers"]).sign();
    // What is not seen whole is not approved, so there is a body.
    let ask = Ask::new("POST", "vault.example.com", path).body("{}");
    ask.bearer(&token)
}

/// A keeper in this process, beside whatever servers there are.
pub(crate) struct Keeper {
    store: Store,
    pub(crate) approvals: Approvals,
}

pub(crate) fn clock() -> Timestamp {
    Timestamp::from_millis(now() * 1000)
}

pub(crate) fn voter(id: &str) -> Voter {
    Voter {
        id: PartyId::new(ProviderName::new("corp").unwrap(), id),
        kind: Kind::Human,
        groups: vec![Arc::from("keepers")],
        owner: None,
        actor: None,
        prior: Vec::new(),
        owners: Vec::new(),
        acr: None,
        auth_time: None,
    }
}

impl Keeper {
    /// One at the store of a server.
    pub(crate) fn of(server: &Server) -> Self {
        let spec = StoreSpec {
            file: Some(server.setup.path("state.db")),
            ..StoreSpec::default()
        };
        let store = Store::open(&StoreSettings::try_from(spec).unwrap()).unwrap();
        Self {
            approvals: Approvals::kept_in(store.clone()),
            store,
        }
    }

    /// Those of a status, newest first.
    pub(crate) async fn all(&self, status: Status) -> Vec<Arc<Approval>> {
        let filter = ApprovalFilter {
            status: Some(status),
            limit: MAX_LISTED,
            ..ApprovalFilter::default()
        };
        self.store.approvals(filter).await.unwrap()
    }

    /// The one that is waited for.
    pub(crate) async fn waiting(&self) -> Arc<Approval> {
        let mut all = self.all(Status::Pending).await;
        assert_eq!(all.len(), 1, "one is waited for");
        all.remove(0)
    }

    /// Votes.
    pub(crate) async fn vote(&self, approval: &Approval, keeper: &str, approve: bool) -> Voted {
        let ballot = Ballot {
            voter: voter(keeper),
            approve,
            reason: None,
        };
        let voted = self
            .approvals
            .vote(&approval.id, &ballot, &|_| true, clock())
            .await;
        voted.unwrap()
    }

    /// Approves what is waited for.
    pub(crate) async fn approve(&self) -> Arc<Approval> {
        let waiting = self.waiting().await;
        match self.vote(&waiting, "kim", true).await {
            Voted::Done(approval, _) => {
                assert_eq!(approval.status, Status::Approved);
                approval
            }
            other => panic!("{other:?}"),
        }
    }

    /// How many are waited for.
    pub(crate) async fn all_waiting(&self) -> usize {
        self.all(Status::Pending).await.len()
    }

    /// Approves what this one waits for.
    pub(crate) async fn approve_of(&self, who: &str) -> Arc<Approval> {
        let all = self.all(Status::Pending).await;
        let waiting = all.iter().find(|it| &*it.requester.subject.id.id == who);
        match self.vote(waiting.unwrap(), "kim", true).await {
            Voted::Done(approval, _) => approval,
            other => panic!("{other:?}"),
        }
    }

    /// Ends all that is waited for.
    pub(crate) async fn clear(&self) {
        for waiting in self.all(Status::Pending).await {
            self.end(&waiting).await;
        }
    }

    /// Ends one.
    pub(crate) async fn end(&self, approval: &Approval) {
        let because = Arc::from("the keeper thought again");
        let ended = self.approvals.end(&approval.id, &because, clock()).await;
        assert!(matches!(ended, Ok(Ended::Done(..))), "{ended:?}");
    }
}

/// Asks until the answer is this one: a replica learns of votes elsewhere in a moment.
pub(crate) async fn until_it_is(client: &Client, ask: &Ask, expected: &str) -> Answer {
    eventually_async(SOON, expected, async || {
        let answer = client.check(ask).await;
        (answer.outcome() == expected).then_some(answer)
    })
    .await
}
