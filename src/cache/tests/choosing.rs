//! Looking up is chosen where it costs less, and given up where it does not any more.

use std::time::Duration;

use super::super::choice::{
    Choice, EVALUATED, FIRST_PART, PERIOD, REST, SAMPLES, TIMED, TRIAL, Took, Way,
};
use super::super::{Figures, Stand};

/// What things take, in nanoseconds.
#[derive(Clone, Copy)]
struct Machine {
    evaluation: u64,
    look: u64,
    /// One in so many look-ups finds nothing; zero: each finds something, one: none does.
    misses: u32,
}

const NANOSECOND: Duration = Duration::from_nanos(1);

impl Machine {
    /// Asks so often; what was told, and how many were evaluated and looked up.
    fn ask(self, choice: &Choice, times: u32) -> (Vec<(Stand, Figures)>, [u32; 2]) {
        let (mut told, mut ways) = (Vec::new(), [0, 0]);
        for number in 0..times {
            let evaluation = NANOSECOND * u32::try_from(self.evaluation).unwrap();
            let way = choice.next();
            match way {
                Way::Evaluate => ways[0] += 1,
                Way::TimeEvaluation => {
                    ways[0] += 1;
                    choice.evaluated(evaluation);
                }
                Way::LookUp | Way::TimeLookUp => {
                    ways[1] += 1;
                    let found = self.misses == 0 || !number.is_multiple_of(self.misses);
                    choice.found(found);
                    let took = Took {
                        look: NANOSECOND * u32::try_from(self.look).unwrap(),
                        evaluation: (!found).then_some(evaluation),
                        keeping: (!found).then_some(300 * NANOSECOND),
                    };
                    if way == Way::TimeLookUp {
                        told.extend(choice.looked_up(took));
                    }
                }
            }
        }
        (told, ways)
    }
}

const WEIGHED: u32 = 33;
const WHOLE_TRIAL: u32 = WEIGHED + TRIAL;

#[test]
fn what_is_slow_to_evaluate_and_often_the_same_is_looked_up() {
    let machine = Machine {
        evaluation: 10_000,
        look: 700,
        misses: 5,
    };
    let choice = Choice::new();
    let (told, _) = machine.ask(&choice, WHOLE_TRIAL);
    let [(stand, figures)] = told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(stand, Stand::LookedUp);
    assert_eq!(
        (figures.evaluation, figures.look_up),
        (10_000 * NANOSECOND, 700 * NANOSECOND)
    );
    assert!((795..=805).contains(&figures.found), "{figures:?}");
    // From then on all but a few, by which it is seen what evaluating takes.
    let (told, [evaluated, looked_up]) = machine.ask(&choice, PERIOD);
    assert_eq!((told, evaluated), (vec![], PERIOD / EVALUATED));
    assert_eq!(looked_up, PERIOD - PERIOD / EVALUATED);
}

#[test]
fn a_trial_ends_at_once_where_looking_up_takes_as_long() {
    let machine = Machine {
        evaluation: 1_000,
        look: 900,
        misses: 0,
    };
    let choice = Choice::new();
    let (told, [_, looked_up]) = machine.ask(&choice, WHOLE_TRIAL);
    assert_eq!(
        told.iter().map(|(stand, _)| *stand).collect::<Vec<_>>(),
        [Stand::Evaluated]
    );
    assert_eq!(looked_up, WEIGHED);
}

#[test]
fn what_is_never_asked_twice_is_evaluated() {
    let machine = Machine {
        evaluation: 10_000,
        look: 700,
        misses: 1,
    };
    let choice = Choice::new();
    let (told, [_, looked_up]) = machine.ask(&choice, WHOLE_TRIAL);
    assert_eq!(
        told.iter().map(|(stand, _)| *stand).collect::<Vec<_>>(),
        [Stand::Evaluated]
    );
    assert_eq!(looked_up, FIRST_PART);
}

#[test]
fn what_is_found_too_seldom_is_evaluated() {
    // One in two is found: 900 + (2000 + 300) / 2 are more than 2000.
    let machine = Machine {
        evaluation: 2_000,
        look: 900,
        misses: 2,
    };
    let choice = Choice::new();
    let (told, [_, looked_up]) = machine.ask(&choice, WHOLE_TRIAL);
    assert_eq!(
        told.iter().map(|(stand, _)| *stand).collect::<Vec<_>>(),
        [Stand::Evaluated]
    );
    assert_eq!(looked_up, TRIAL);
}

#[test]
fn where_it_does_not_pay_next_to_nothing_is_looked_up_and_it_is_tried_again() {
    let slow = Machine {
        evaluation: 1_000,
        look: 900,
        misses: 0,
    };
    let choice = Choice::new();
    let (_, [evaluated, looked_up]) = slow.ask(&choice, 10 * REST);
    assert!(looked_up * 1000 <= evaluated, "{looked_up} of {evaluated}");
    // Rules read more now: evaluating takes longer.
    let machine = Machine {
        evaluation: 20_000,
        ..slow
    };
    let (told, _) = machine.ask(&choice, REST + WHOLE_TRIAL + WEIGHED);
    assert_eq!(
        told.iter().map(|(stand, _)| *stand).collect::<Vec<_>>(),
        [Stand::LookedUp]
    );
}

#[test]
fn what_stops_to_pay_is_given_up_and_a_little_changes_nothing() {
    let machine = Machine {
        evaluation: 2_000,
        look: 700,
        misses: 0,
    };
    let choice = Choice::new();
    machine.ask(&choice, WHOLE_TRIAL);
    assert_eq!(choice.stand(), Stand::LookedUp);
    // It would not be chosen any more, and it is not worse either.
    let little = Machine {
        look: 1_900,
        ..machine
    };
    let (told, _) = little.ask(&choice, 4 * PERIOD);
    assert_eq!((told, choice.stand()), (vec![], Stand::LookedUp));
    let worse = Machine {
        look: 2_100,
        ..machine
    };
    let (told, _) = worse.ask(&choice, 4 * PERIOD);
    assert_eq!(
        told.first().map(|(stand, _)| *stand),
        Some(Stand::Evaluated)
    );
    assert!(PERIOD.is_multiple_of(TIMED));
}

#[test]
fn a_moment_in_which_nothing_went_on_changes_nothing() {
    let machine = Machine {
        evaluation: 10_000,
        look: 700,
        misses: 0,
    };
    let choice = Choice::new();
    assert_eq!(WEIGHED, u32::from(SAMPLES));
    for _weighed in 0..SAMPLES / 3 {
        assert_eq!(choice.next(), Way::TimeEvaluation);
        choice.evaluated(Duration::from_secs(1));
    }
    let (told, _) = machine.ask(&choice, WHOLE_TRIAL);
    assert_eq!(
        told.iter()
            .map(|(_, figures)| figures.evaluation)
            .collect::<Vec<_>>(),
        [10_000 * NANOSECOND]
    );
}
