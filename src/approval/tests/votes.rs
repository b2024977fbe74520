//! Who decides, and when.

use std::sync::Arc;

use crate::approval::testing::{at, from, party, pending, voter};
use crate::approval::vote::counted;
use crate::approval::{Ballot, MAX_REASON_BYTES, VoteRefusal};
use crate::model::approval::{Approval, State, Status, Voter};
use crate::model::party::Kind;

fn lead(id: &str) -> Voter {
    voter(id, &["crm-leads"])
}

fn yes(voter: Voter) -> Ballot {
    Ballot {
        voter,
        approve: true,
        reason: None,
    }
}

fn no(voter: Voter) -> Ballot {
    Ballot {
        approve: false,
        ..yes(voter)
    }
}

fn asked() -> Approval {
    Approval::clone(&pending(1, 0))
}

/// What becomes of a vote ten seconds after the approval was asked for.
fn vote(approval: &Approval, ballot: &Ballot) -> Result<Option<Approval>, VoteRefusal> {
    counted(approval, ballot, &|_| true, at(10))
}

#[test]
fn one_of_those_who_are_asked_approves_and_the_time_starts() {
    let approved = vote(&asked(), &yes(lead("carol"))).unwrap().unwrap();
    assert_eq!(approved.status, Status::Approved);
    assert_eq!(approved.version, 2);
    assert_eq!(approved.decided, Some(at(10)));
    assert_eq!(approved.valid_until, Some(at(610)));
    assert_eq!(approved.votes.len(), 1);
    assert_eq!(approved.uses_left(), 1);
}

#[test]
fn everybody_who_is_asked_must_approve() {
    let mut approval = asked();
    approval.demand.from = vec![from("crm-leads", 2), from("security", 1)];
    let after = |approval: &Approval, who| vote(approval, &yes(who)).unwrap().unwrap();
    let one = after(&approval, lead("carol"));
    assert_eq!(one.status, Status::Pending);
    let two = after(&one, lead("dave"));
    assert_eq!(two.status, Status::Pending, "security has not spoken");
    assert_eq!(two.decided, None);
    let three = after(&two, voter("sue", &["security"]));
    assert_eq!(three.status, Status::Approved);
    assert_eq!(three.version, 4);
}

#[test]
fn a_no_is_final() {
    let mut approval = asked();
    approval.demand.from = vec![from("crm-leads", 2)];
    let one = vote(&approval, &yes(lead("carol"))).unwrap().unwrap();
    let denied = vote(&one, &no(lead("dave"))).unwrap().unwrap();
    assert_eq!(denied.status, Status::Denied);
    assert_eq!(denied.decided, Some(at(10)));
    let late = vote(&denied, &yes(lead("erin")));
    assert_eq!(
        late,
        Err(VoteRefusal::Over(State::Is(Status::Denied))),
        "nobody outvotes it"
    );
}

#[test]
fn nobody_approves_what_they_have_a_part_in() {
    let mut bot = lead("another-bot");
    (bot.kind, bot.owner) = (Kind::Human, Some(Arc::from("olga")));
    let mut through = lead("carol");
    through.actor = Some(party("crm-bot"));
    for own in [
        lead("alice"),
        lead("crm-bot"),
        lead("olga"),
        lead("ALICE"),
        bot,
        through,
    ] {
        for ballot in [yes(own.clone()), no(own)] {
            let refused = vote(&asked(), &ballot);
            assert_eq!(refused, Err(VoteRefusal::Own), "{:?}", ballot.voter.id);
        }
    }
}

#[test]
fn others_have_no_vote_not_even_a_no() {
    let mut agent = lead("robot");
    agent.kind = Kind::Agent;
    let mut nobody = lead("");
    (nobody.kind, nobody.id.issuer) = (Kind::Anonymous, None);
    for other in [voter("carol", &[]), voter("carol", &["crm"]), agent, nobody] {
        for ballot in [yes(other.clone()), no(other)] {
            assert_eq!(vote(&asked(), &ballot), Err(VoteRefusal::NotAsked));
        }
    }
}

#[test]
fn a_vote_that_comes_twice_counts_once() {
    let mut approval = asked();
    approval.demand.from = vec![from("crm-leads", 2)];
    let one = vote(&approval, &yes(lead("carol"))).unwrap().unwrap();
    assert_eq!(vote(&one, &yes(lead("carol"))), Ok(None));
    assert_eq!(
        vote(&one, &no(lead("carol"))),
        Err(VoteRefusal::Repeated),
        "an approver who changes their mind revokes"
    );
}

#[test]
fn time_is_up_when_it_is_up() {
    let approval = asked();
    assert!(counted(&approval, &yes(lead("carol")), &|_| true, at(900)).is_ok());
    let late = counted(&approval, &yes(lead("carol")), &|_| true, at(901));
    assert_eq!(late, Err(VoteRefusal::Over(State::Expired)));
}

#[test]
fn a_reason_is_kept_and_demanded_where_the_rule_says_so() {
    let mut approval = asked();
    approval.demand.reason_required = true;
    let with = |reason: &str| Ballot {
        reason: Some(Arc::from(reason)),
        ..yes(lead("carol"))
    };
    for ballot in [yes(lead("carol")), with(""), with("  \n")] {
        assert_eq!(vote(&approval, &ballot), Err(VoteRefusal::ReasonRequired));
    }
    let long = "x".repeat(MAX_REASON_BYTES + 1);
    let refused = vote(&approval, &with(&long));
    assert_eq!(refused, Err(VoteRefusal::ReasonTooLong));
    let approved = vote(&approval, &with(" CASE-7 ")).unwrap().unwrap();
    assert_eq!(approved.votes[0].reason.as_deref(), Some("CASE-7"));
}
