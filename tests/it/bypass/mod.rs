//! Those who try to pass with an approval that is not theirs, with old knowledge, or while there is trouble: every file of
//! `fixtures/` tells one such try in steps, and is played on servers of its own, once as told and once without the try, which
//! passes. `README.md` says where each case is proven.

mod asking;
mod crowd;
mod deciding;
mod event;
mod fixture;
mod forged;
mod question;
mod settings;
mod trouble;
mod verb;
mod world;

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use fixture::{Fixture, Play, Step, fixtures};
use verb::Verb;
use world::World;

/// Plays at once: most of a play is waiting.
const PLAYERS: usize = 3;
const PAUSE: Duration = Duration::from_millis(20);

#[test]
fn an_approval_is_good_for_nothing_else() {
    group("10-");
}

#[test]
fn what_is_known_is_new_enough() {
    group("11-");
}

#[test]
fn trouble_lets_nobody_pass() {
    group("12-");
}

#[test]
fn each_is_about_something() {
    let all = fixtures("");
    assert!(all.len() > 50, "{}", all.len());
    for fixture in all {
        let [attack, good] = Play::BOTH.map(|play| fixture.steps(play));
        assert_ne!(attack, good, "{}", fixture.name);
        let end = good.last().is_some_and(passes);
        assert!(end, "{}: nobody passes without the try", fixture.name);
        let refused = attack
            .iter()
            .any(|step| !step.expect.is_empty() && !passes(step));
        assert!(refused, "{}: nobody is refused", fixture.name);
    }
}

/// Whether somebody has to pass, and how often is known.
fn passes(step: &Step) -> bool {
    match &step.verb {
        Verb::Crowd(crowd) => crowd.passes.is_some_and(|(least, _)| least > 0),
        _ => step.expect == ["allow"],
    }
}

/// Plays both plays of each, and says which ended otherwise. `BYPASS=10-other` plays those only whose name begins so.
fn group(name: &str) {
    let only = std::env::var("BYPASS").unwrap_or_default();
    let mut all: Vec<(Fixture, Play)> = Play::BOTH
        .into_iter()
        .flat_map(|play| fixtures(name).into_iter().map(move |it| (it, play)))
        .filter(|(fixture, _)| fixture.name.starts_with(&only))
        .collect();
    all.sort_by(|one, other| other.0.name.cmp(&one.0.name));
    let (waiting, wrong) = (Mutex::new(all), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..PLAYERS {
            scope.spawn(|| {
                while let Some((fixture, play)) = next(&waiting) {
                    let told = format!("{} ({})", fixture.name, play.name());
                    let played = thread::Builder::new().name(told.clone());
                    let played = played.spawn_scoped(scope, move || played_alone(&fixture, play));
                    match played.unwrap().join() {
                        Ok(Ok(())) => {}
                        Ok(Err(problem)) => wrong.lock().unwrap().push(format!("{told} {problem}")),
                        Err(_panic) => wrong.lock().unwrap().push(format!("{told} panicked")),
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} went wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn next<T>(waiting: &Mutex<Vec<T>>) -> Option<T> {
    waiting.lock().unwrap().pop()
}

fn played_alone(fixture: &Fixture, play: Play) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let mut world = World::start(&fixture.world).await;
        for (number, step) in fixture.steps(play).iter().enumerate() {
            let ended = ends(&mut world, step).await;
            ended
                .map_err(|problem| format!("step {}: {problem}\n  {:?}", number + 1, step.verb))?;
        }
        Ok(())
    })
}

/// Whether a step ends as it has to.
async fn ends(world: &mut World, step: &Step) -> Result<(), String> {
    let begun = Instant::now();
    let limit = step.within.unwrap_or_default();
    loop {
        let outcome = world.happens(step).await;
        if step.expect.is_empty() || step.expect.contains(&outcome) {
            return Ok(());
        }
        let passed = outcome == "allow" && !step.meanwhile.contains(&outcome);
        if passed || begun.elapsed() >= limit {
            return Err(format!("{outcome}, not {}", step.expect.join(" or ")));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl World {
    /// Does what a step says; how that ended, for those that can end in several ways.
    async fn happens(&mut self, step: &Step) -> String {
        let replica = step.on - 1;
        match &step.verb {
            Verb::Ask(ask) => return self.ask(replica, ask).await,
            Verb::Begin(ask) => self.begin(replica, ask).await,
            Verb::Ends(_) => return self.begun.take().expect("a question").await.unwrap(),
            Verb::Crowd(crowd) => return self.crowd(crowd).await,
            Verb::Approve(vote) => return self.vote(replica, vote, "approve"),
            Verb::Deny(vote) => return self.vote(replica, vote, "deny"),
            Verb::TakeBack(vote) => return self.vote(replica, vote, "revoke"),
            Verb::Page(visit) => return self.page(replica, visit),
            Verb::Revoke(body) => return self.operate(replica, "POST /revocations", body),
            Verb::Lift(body) => return self.operate(replica, "POST /revocations/lift", body),
            Verb::Offboard(body) => return self.operate(replica, "POST /offboard", body),
            Verb::Condition(condition) => return self.condition(replica, condition),
            Verb::Policy(change) => self.policy(&change.replace, &change.with),
            Verb::Wait(span) => {
                let span = fixture::span(&span.as_str().into()).unwrap();
                tokio::time::sleep(span).await;
            }
            Verb::Store(event) => self.happens_to_store(*event),
            Verb::Keys(event) => self.happens_to_keys(*event),
            Verb::Introspection(event) => self.happens_to_introspection(*event),
            Verb::Disk(disk) => self.disk(replica, *disk),
            Verb::Restart(_) => self.restart(replica).await,
        }
        String::new()
    }
}
