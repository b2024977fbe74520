//! Whether votes suffice: distinct approvers, and nobody for themselves.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::{Approvers, Asking, Bind, Demand, NoVote, Standing, Who};
use crate::model::approval::{Involved, Requester, Vote, Voter};
use crate::model::glob::Glob;
use crate::model::name::{ProviderName, RuleId};
use crate::model::party::{Kind, Parties, Party, PartyId, Prior};
use crate::model::time::Timestamp;

fn id(issuer: &str, id: &str) -> PartyId {
    PartyId::new(ProviderName::new(issuer).unwrap(), id)
}

fn voter(issuer: &str, name: &str) -> Voter {
    Voter {
        id: id(issuer, name),
        kind: Kind::Human,
        groups: vec![Arc::from("leads")],
        owner: None,
        actor: None,
        prior: Vec::new(),
        owners: Vec::new(),
        acr: None,
        auth_time: None,
    }
}

fn agent(name: &str, owner: &str) -> Voter {
    Voter {
        kind: Kind::Agent,
        owner: Some(Arc::from(owner)),
        ..voter("corp", name)
    }
}

fn yes(voter: Voter) -> Vote {
    Vote {
        voter,
        approve: true,
        at: Timestamp::from_seconds(1),
        reason: None,
    }
}

fn leads(quorum: u32) -> Approvers {
    Approvers {
        who: vec![Who {
            issuer: Vec::new(),
            kind: vec![Kind::Human, Kind::Agent],
            id: Vec::new(),
            group: vec![Glob::identifier("leads")],
        }],
        quorum,
    }
}

fn demand(from: Vec<Approvers>) -> Demand {
    Demand {
        rules: vec![RuleId::new("r").unwrap()],
        from,
        ttl: Duration::from_secs(1),
        pending: Duration::from_secs(1),
        uses: 1,
        bind: Bind::default(),
        reason_required: false,
    }
}

/// crm-bot, which olga answers for, acts for alice.
fn asking() -> Parties {
    let bot = Party {
        owner: Some(Arc::from("Olga")),
        ..Party::bare(Kind::Agent, id("corp", "crm-bot"))
    };
    Parties {
        subject: Party::bare(Kind::Human, id("corp", "alice")),
        actor: Some(bot),
        depth: 1,
        prior: vec![Prior {
            id: id("corp", "planner"),
            owner: Some(Arc::from("corp/pia")),
        }],
    }
}

fn met(demand: &Demand, votes: &[Vote]) -> bool {
    demand.standing(votes, &asking()) == Standing::Met
}

#[test]
fn enough_distinct_approvers_are_needed() {
    let two = demand(vec![leads(2)]);
    let (ana, ben) = (|| yes(voter("corp", "ana")), || yes(voter("corp", "ben")));
    assert_eq!(
        two.standing(&[], &asking()),
        Standing::Missing("2 of human, agent group leads more".into())
    );
    assert_eq!(
        two.standing(&[ana()], &asking()),
        Standing::Missing("1 of human, agent group leads more".into())
    );
    assert!(met(&two, &[ana(), ben()]));
    assert!(!met(&two, &[ana(), ana()]));
    let no = Vote {
        approve: false,
        ..ben()
    };
    assert!(!met(&two, &[ana(), no]));
    let elsewhere = Voter {
        groups: Vec::new(),
        ..voter("corp", "ben")
    };
    assert!(!met(&two, &[ana(), yes(elsewhere)]));
}

#[test]
fn a_person_with_several_accounts_counts_once() {
    let two = demand(vec![leads(2)]);
    let ana = || yes(voter("corp", "ana"));
    for other in [
        voter("other", "ana"),
        voter("other", "Ana"),
        agent("ana-bot", "ana"),
    ] {
        assert!(!met(&two, &[ana(), yes(other.clone())]), "{other:?}");
    }
    let bots = [yes(agent("one", "ben")), yes(agent("two", "ben"))];
    assert!(!met(&two, &bots));
    assert!(met(&two, &[ana(), yes(agent("one", "ben"))]));
    let same = [yes(agent("one", "ben")), yes(agent("two", "corp/Ben"))];
    assert!(!met(&two, &same));
    assert!(!met(&two, &[ana(), yes(agent("one", "corp/ana"))]));
}

#[test]
fn nobody_approves_for_themselves_in_any_role() {
    let one = demand(vec![leads(1)]);
    let through = |actor: &str| Voter {
        actor: Some(id("corp", actor)),
        ..voter("corp", "ana")
    };
    let own = [
        voter("corp", "alice"),
        voter("other", "alice"),
        voter("corp", "ALICE"),
        voter("corp", "olga"),
        voter("corp", "planner"),
        voter("corp", "pia"),
        Voter {
            prior: vec![id("corp", "crm-bot")],
            ..through("mail-bot")
        },
        agent("crm-bot", "zoe"),
        agent("other-bot", "alice"),
        agent("other-bot", "olga"),
        agent("other-bot", "corp/alice"),
        agent("other-bot", "other/Olga"),
        Voter {
            owners: vec![Arc::from("corp/olga")],
            ..through("mail-bot")
        },
        through("crm-bot"),
        through("alice"),
    ];
    for voter in own {
        assert!(!met(&one, &[yes(voter.clone())]), "{voter:?}");
        assert_eq!(
            one.may_vote(&voter, &asking()),
            Err(NoVote::TakesPart),
            "{voter:?}"
        );
    }
    for voter in [
        voter("corp", "ana"),
        agent("other-bot", "ana"),
        through("mail-bot"),
    ] {
        assert!(met(&one, &[yes(voter.clone())]), "{voter:?}");
        assert_eq!(one.may_vote(&voter, &asking()), Ok(()));
    }
    let stranger = Voter {
        groups: Vec::new(),
        ..voter("corp", "ana")
    };
    assert_eq!(one.may_vote(&stranger, &asking()), Err(NoVote::NotAsked));
}

#[test]
fn what_an_approval_remembers_of_its_requester_says_the_same() {
    let involved = |party: &Party| Involved {
        id: party.id.clone(),
        kind: party.kind,
        owner: party.owner.clone(),
    };
    let parties = asking();
    let requester = Requester {
        subject: involved(&parties.subject),
        actor: parties.actor.as_ref().map(involved),
        prior: parties.prior.clone(),
        proof: None,
    };
    assert_eq!(Asking::from(&parties), Asking::from(&requester));
}

#[test]
fn an_approver_counts_for_each_demand_that_it_fits() {
    let of = |name: &str| Approvers {
        who: vec![Who {
            issuer: vec![ProviderName::new("corp").unwrap()],
            kind: vec![Kind::Human],
            id: vec![Glob::identifier(name)],
            group: Vec::new(),
        }],
        quorum: 1,
    };
    let both = demand(vec![leads(1), of("ana")]);
    assert!(met(&both, &[yes(voter("corp", "ana"))]));
    assert_eq!(
        both.standing(&[yes(voter("corp", "ben"))], &asking()),
        Standing::Missing("1 of human corp id ana more".into())
    );
    assert!(met(
        &demand(vec![leads(2), of("ana")]),
        &[yes(voter("corp", "ben")), yes(voter("corp", "ana"))]
    ));
    assert!(!met(&demand(Vec::new()), &[yes(voter("corp", "ana"))]));
}

fn anybody() -> impl Strategy<Value = Vote> {
    let names = || prop::sample::select(vec!["alice", "crm-bot", "olga", "ana", "ben", "Ana"]);
    let owner = prop::option::of(names());
    let actor = prop::option::of(names());
    let issuer = prop::sample::select(vec!["corp", "other"]);
    (issuer, names(), owner, actor, any::<bool>(), any::<bool>()).prop_map(
        |(issuer, name, owner, actor, grouped, approve)| {
            let voter = Voter {
                kind: if owner.is_some() {
                    Kind::Agent
                } else {
                    Kind::Human
                },
                owner: owner.map(Arc::from),
                actor: actor.map(|actor| id(issuer, actor)),
                groups: if grouped {
                    vec![Arc::from("leads")]
                } else {
                    Vec::new()
                },
                ..voter(issuer, name)
            };
            Vote {
                approve,
                ..yes(voter)
            }
        },
    )
}

proptest! {
    #[test]
    fn one_more_vote_never_makes_it_less(votes in prop::collection::vec(anybody(), 0..6), more in anybody(), quorum in 1..4_u32) {
        let demand = demand(vec![leads(quorum)]);
        let many = [votes.clone(), vec![more]].concat();
        prop_assert!(!met(&demand, &votes) || met(&demand, &many));
    }

    #[test]
    fn the_order_of_votes_never_matters(votes in prop::collection::vec(anybody(), 0..6), quorum in 1..4_u32) {
        let demand = demand(vec![leads(quorum)]);
        let mut turned = votes.clone();
        turned.reverse();
        prop_assert_eq!(demand.standing(&votes, &asking()), demand.standing(&turned, &asking()));
    }

    #[test]
    fn votes_of_those_who_take_part_never_count(votes in prop::collection::vec(anybody(), 0..6), quorum in 1..3_u32) {
        let demand = demand(vec![leads(quorum)]);
        let asks = Asking::from(&asking());
        let others: Vec<Vote> = votes.iter().filter(|vote| !asks.includes(&vote.voter)).cloned().collect();
        prop_assert_eq!(met(&demand, &votes), met(&demand, &others));
        for Vote { voter, .. } in &others {
            prop_assert!(!["alice", "crm-bot", "olga"].contains(&&*voter.id.id));
        }
    }
}
