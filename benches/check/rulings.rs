//! What looking rulings up is worth: actions whose rules compute more and more, evaluated, looked up, and as the program chooses.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use countersign::app::offline_snapshot;
use countersign::authorizer::{Described, Snapshot};
use countersign::cache::Moment;
use countersign::config::{Overrides, load};
use countersign::ext_authz::{access_request, now};
use countersign::model::facts::Facts;
use countersign::model::identity::Proof;
use countersign::model::name::ProviderName;
use countersign::model::party::{Kind, Parties, Party, PartyId};
use countersign::model::request::AccessRequest;
use countersign::model::route::Asked;
use countersign::model::value::Value;
use countersign::policy::{Call, Mode, Ruling, Scan};

use super::tokens::AUDIENCE;
use super::{Extent, requests};

/// How many conditions the rules of each action have.
const CONDITIONS: [usize; 7] = [0, 1, 2, 4, 8, 16, 32];
/// What they are, in turn.
const MUSTS: [&str; 4] = [
    "subject.id != 'nobody'",
    "params.id != 'x' && request.method == 'GET'",
    "!has(query.limit) || query.limit <= 100",
    "'payments' in subject.groups",
];
/// Requests that it takes to choose, and some.
const CHOOSING: usize = 6_000;

/// One action, and a call of it.
struct Calls {
    snapshot: Snapshot,
    request: AccessRequest,
    described: Described,
    asked: Asked,
}

/// Prints what a ruling takes.
pub(crate) fn worth(extent: &Extent) -> Result<()> {
    println!("\nrulings: evaluated, looked up, and as the program chooses; mean");
    println!(
        "  {:>10} {:>10}  {:>10} {:>10} {:>10}  chosen",
        "conditions", "calls", "evaluated", "looked up", "as chosen"
    );
    for conditions in CONDITIONS {
        for alike in [true, false] {
            row(conditions, alike, extent)?;
        }
    }
    Ok(())
}

fn row(conditions: usize, alike: bool, extent: &Extent) -> Result<()> {
    let mut calls = Calls::new(conditions)?;
    let policy = |calls: &Calls, call: &Call<'_>| {
        let policy = &calls.snapshot.policy;
        policy.run(call, Mode::Enforced, Scan::Indexed, None)
    };
    let chosen = |calls: &Calls, call: &Call<'_>| {
        let Snapshot {
            rulings, policy, ..
        } = &calls.snapshot;
        rulings.ruling(policy, call, moment())
    };
    let recalled = |calls: &Calls, call: &Call<'_>| {
        let Snapshot {
            rulings, policy, ..
        } = &calls.snapshot;
        rulings.recalled(policy, call, moment())
    };
    calls.ask(CHOOSING, alike, chosen);
    let as_chosen = calls.ask(extent.checks, alike, chosen);
    let stands = calls.snapshot.rulings.stands();
    let stand = stands.iter().find(|(_, count)| *count > 0);
    let evaluated = calls.ask(extent.checks, alike, policy);
    let looked_up = calls.ask(extent.checks, alike, recalled);
    println!(
        "  {conditions:>10} {:>10}  {evaluated:>10.2?} {looked_up:>10.2?} {as_chosen:>10.2?}  {}",
        if alike { "alike" } else { "different" },
        stand.map_or("", |(stand, _)| stand)
    );
    Ok(())
}

fn moment() -> Moment {
    Moment {
        revocations: 0,
        now: Instant::now(),
    }
}

impl Calls {
    fn new(conditions: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("countersign.yaml");
        fs::write(folder.path().join("policy.yaml"), policy(conditions)?)?;
        fs::write(&path, CONFIGURATION)?;
        let bundle = load(&path, &Overrides::default());
        let bundle = bundle.map_err(|failure| anyhow!("{:?}", failure.problems))?;
        let snapshot = offline_snapshot(bundle, now(), false)?;
        let request = access_request(&requests::check("none"), now());
        let request = request.map_err(|denial| anyhow!("{denial:?}"))?;
        let id = PartyId::new(
            ProviderName::new("corp")?,
            "3f9d1c52-7a54-4c0e-9d3f-2f4f8f1f7a10",
        );
        let mut subject = Party::bare(Kind::Human, id);
        subject.groups = ["staff", "payments", "emea"].map(Into::into).into();
        let described = Described {
            parties: Parties::alone(subject),
            token: None,
        };
        let examined = snapshot.examine_described(&request, &described, None);
        let asked = examined.asked.context("no action")?;
        Ok(Self {
            snapshot,
            request,
            described,
            asked,
        })
    }

    /// Asks so often; the mean time.
    fn ask(
        &mut self,
        times: usize,
        alike: bool,
        how: impl Fn(&Self, &Call<'_>) -> Ruling,
    ) -> Duration {
        let mut spent = Duration::ZERO;
        for number in 0..times {
            if !alike {
                let id = Value::string(format!("acc-{number}"));
                self.asked.params.insert("id".into(), id);
            }
            let call = Call {
                facts: Facts {
                    request: &self.request,
                    asked: &self.asked,
                    parties: &self.described.parties,
                    party: None,
                    workload: None,
                    proof: Proof::None,
                    conditions: &self.snapshot.conditions,
                    risk: 0,
                },
                token: None,
            };
            let started = Instant::now();
            black_box(how(self, black_box(&call)));
            spent += started.elapsed();
        }
        spent / u32::try_from(times).unwrap_or(u32::MAX).max(1)
    }
}

fn policy(conditions: usize) -> Result<String> {
    let mut text = format!(
        r#"
version: 1
routes:
  api:
    match: {{ host: api.example.com }}
    url: {AUDIENCE}
    providers: [corp]
    actions:
      accounts.read: {{ http: "GET /v1/accounts/{{id}}", query: {{ limit: {{ type: int, optional: true }} }} }}
rules:
  - {{ id: readers, permit: accounts.read, to: {{ issuer: corp, group: payments }} }}
"#
    );
    for (number, must) in MUSTS.iter().cycle().take(conditions).enumerate() {
        writeln!(
            text,
            "  - {{ id: g{number}, guard: accounts.read, must: \"{must}\" }}"
        )?;
    }
    Ok(text)
}

const CONFIGURATION: &str = r#"
version: 1
grpc: { listen: "127.0.0.1:0" }
policies: [policy.yaml]
providers:
  corp:
    jwt:
      issuer: https://login.example.com/realms/corp
      keys: { file: keys.json }
      unregistered_client: subject
      map: { kind: '"human"' }
"#;
