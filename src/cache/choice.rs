//! Whether the rulings of one action are looked up: decided by what looking up and evaluating were measured to take.
//!
//! An action is *weighed* first: some requests are evaluated, and timed. Then it is *tried*: requests are looked up, timed as well,
//! and what is not found is evaluated and kept. What a look-up saves depends on how often something is found, so that is counted in
//! the second half, when there is something to find. If a request costs clearly less that way, rulings are *kept* and looked up from
//! then on, and it is judged again and again by what was found since; if not, the action *rests*: it is evaluated, as if there were
//! no cache, for a long while. A trial in which looking up alone takes as long as evaluating ends at once.
//!
//! There is no clock here: whoever asks says how long things took.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, TryLockError};
use std::time::Duration;

/// Measurements that a typical time is taken of.
pub(super) const SAMPLES: u8 = 33;
/// Requests of a trial; of one in whose first part nothing was found, that part.
pub(super) const TRIAL: u32 = 4096;
pub(super) const FIRST_PART: u32 = TRIAL / 8;
/// Requests that an action rests for: a trial costs at most a sixteenth of them something.
pub(super) const REST: u32 = 65_536;
/// Requests between two judgements of an action whose rulings are kept.
pub(super) const PERIOD: u32 = 16_384;
/// Of those that are kept, one in so many is timed, and one in so many is evaluated to know what that takes by now.
pub(super) const TIMED: u32 = 64;
pub(super) const EVALUATED: u32 = 1024;

/// What is done about the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is evaluated.
    Evaluate,
    /// It is evaluated, and how long that took is told.
    TimeEvaluation,
    /// It is looked up.
    LookUp,
    /// It is looked up, and how long that took is told.
    TimeLookUp,
}

/// Where an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Its evaluations are timed.
    Weighed,
    /// Its rulings are looked up, to see how often they are found.
    Tried,
    /// Its rulings are looked up, for that is faster.
    LookedUp,
    /// It is evaluated, for looking up is not faster.
    Evaluated,
}

/// What one request took that was looked up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Took {
    /// Making the key and looking it up.
    pub(super) look: Duration,
    /// Evaluating, where nothing was found.
    pub(super) evaluation: Option<Duration>,
    /// Keeping the ruling.
    pub(super) keeping: Option<Duration>,
}

/// The figures that the last judgement was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// What an evaluation typically takes.
    pub evaluation: Duration,
    /// What a look-up does.
    pub look_up: Duration,
    /// What keeping a ruling does.
    pub keeping: Duration,
    /// Of a thousand that were looked up, so many were found.
    pub found: u32,
}

/// The choice for one action.
#[derive(Debug)]
pub(super) struct Choice {
    stand: AtomicU8,
    /// Requests since the action stands there.
    asked: AtomicU32,
    hits: AtomicU32,
    misses: AtomicU32,
    measured: Mutex<Measured>,
}

#[derive(Debug, Default)]
struct Measured {
    evaluations: Times,
    look_ups: Times,
    keepings: Times,
    /// Whether the second half of a trial has begun.
    half: bool,
    /// What the last trial or judgement came to.
    settled: Option<Stand>,
}

impl Stand {
    /// Every stand, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Weighed, Self::Tried, Self::LookedUp, Self::Evaluated];

    const fn number(self) -> u8 {
        match self {
            Self::Weighed => 0,
            Self::Tried => 1,
            Self::LookedUp => 2,
            Self::Evaluated => 3,
        }
    }

    fn of(number: u8) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|stand| stand.number() == number)
            .unwrap_or(Self::Evaluated)
    }

    /// The word that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weighed => "weighed",
            Self::Tried => "tried",
            Self::LookedUp => "looked_up",
            Self::Evaluated => "evaluated",
        }
    }
}

impl Choice {
    pub(super) fn new() -> Self {
        Self {
            stand: AtomicU8::new(Stand::Weighed.number()),
            asked: AtomicU32::new(0),
            hits: AtomicU32::new(0),
            misses: AtomicU32::new(0),
            measured: Mutex::default(),
        }
    }

    pub(super) fn stand(&self) -> Stand {
        Stand::of(self.stand.load(Ordering::Relaxed))
    }

    /// What is done about the next request.
    pub(super) fn next(&self) -> Way {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        match self.stand() {
            Stand::Weighed => Way::TimeEvaluation,
            Stand::Tried => Way::TimeLookUp,
            Stand::LookedUp if asked % EVALUATED == EVALUATED - 1 => Way::TimeEvaluation,
            Stand::LookedUp if asked.is_multiple_of(TIMED) => Way::TimeLookUp,
            Stand::LookedUp => Way::LookUp,
            Stand::Evaluated => {
                if asked >= REST {
                    self.stands(Stand::Weighed);
                }
                Way::Evaluate
            }
        }
    }

    /// An evaluation took so long.
    pub(super) fn evaluated(&self, took: Duration) {
        self.measure(|measured| {
            measured.evaluations.push(took);
            if self.stand() == Stand::Weighed && measured.evaluations.enough() {
                measured.look_ups = Times::default();
                measured.half = false;
                self.stands(Stand::Tried);
            }
            None::<()>
        });
    }

    /// Something was found, or not.
    pub(super) fn found(&self, found: bool) {
        let counter = if found { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A look-up took so long. Where the action stands from now on, if that is another place than before, and why.
    pub(super) fn looked_up(&self, took: Took) -> Option<(Stand, Figures)> {
        self.measure(|measured| {
            measured.take(took);
            match self.stand() {
                Stand::Tried => self.tried(measured),
                Stand::LookedUp => self.kept(measured),
                Stand::Weighed | Stand::Evaluated => None,
            }
        })
    }

    fn tried(&self, measured: &mut Measured) -> Option<(Stand, Figures)> {
        let asked = self.asked.load(Ordering::Relaxed);
        let figures = self.figures(measured)?;
        let at_best = Figures {
            found: 1000,
            ..figures
        };
        let hopeless = !at_best.pays() || (asked >= FIRST_PART && figures.found == 0);
        if hopeless {
            return self.settles(measured, Stand::Evaluated, figures);
        }
        if asked >= TRIAL {
            let pays = figures.pays();
            let stand = if pays {
                Stand::LookedUp
            } else {
                Stand::Evaluated
            };
            return self.settles(measured, stand, figures);
        }
        if asked >= TRIAL / 2 && !measured.half {
            // What is found from now on counts.
            measured.half = true;
            self.forget_counts();
        }
        None
    }

    fn kept(&self, measured: &mut Measured) -> Option<(Stand, Figures)> {
        if self.asked.load(Ordering::Relaxed) < PERIOD {
            return None;
        }
        let figures = self.figures(measured)?;
        let stand = if figures.costs_more() {
            Stand::Evaluated
        } else {
            Stand::LookedUp
        };
        self.settles(measured, stand, figures)
    }

    fn figures(&self, measured: &Measured) -> Option<Figures> {
        let count = |counter: &AtomicU32| u64::from(counter.load(Ordering::Relaxed));
        let (hits, misses) = (count(&self.hits), count(&self.misses));
        let found = (hits * 1000).checked_div(hits + misses).unwrap_or(0);
        measured.look_ups.enough().then(|| Figures {
            evaluation: measured.evaluations.typical(),
            look_up: measured.look_ups.typical(),
            keeping: measured.keepings.typical(),
            found: u32::try_from(found).unwrap_or(0),
        })
    }

    /// The action stands there from now on; what is told is only what it did not come to the last time.
    fn settles(
        &self,
        measured: &mut Measured,
        stand: Stand,
        figures: Figures,
    ) -> Option<(Stand, Figures)> {
        if stand == Stand::Evaluated {
            // What they take by then shows when it is weighed again.
            measured.evaluations = Times::default();
        }
        self.stands(stand);
        let last = measured.settled.replace(stand);
        (last != Some(stand)).then_some((stand, figures))
    }

    fn stands(&self, at: Stand) {
        self.stand.store(at.number(), Ordering::Relaxed);
        self.asked.store(0, Ordering::Relaxed);
        self.forget_counts();
    }

    fn forget_counts(&self) {
        self.hits.store(0, Ordering::Relaxed);
        self.misses.store(0, Ordering::Relaxed);
    }

    /// Takes a measurement, unless somebody else is at it: nobody waits for that.
    fn measure<T>(&self, take: impl FnOnce(&mut Measured) -> Option<T>) -> Option<T> {
        match self.measured.try_lock() {
            Ok(mut measured) => take(&mut measured),
            Err(TryLockError::Poisoned(poisoned)) => take(&mut poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Measured {
    fn take(&mut self, took: Took) {
        let Took {
            look,
            evaluation,
            keeping,
        } = took;
        self.look_ups.push(look);
        if let Some(evaluation) = evaluation {
            self.evaluations.push(evaluation);
        }
        if let Some(keeping) = keeping {
            self.keepings.push(keeping);
        }
    }
}

impl Figures {
    /// What a request costs that is looked up, whatever becomes of it.
    fn with(&self) -> Duration {
        let Self {
            evaluation,
            look_up,
            keeping,
            found,
        } = *self;
        look_up + (evaluation + keeping) * 1000_u32.saturating_sub(found) / 1000
    }

    /// Whether looking up saves a fifth at least: whatever is measured is measured with an error.
    fn pays(&self) -> bool {
        self.with() * 5 <= self.evaluation * 4
    }

    /// Whether looking up costs more than it saves. What lies between this and a saving changes nothing.
    fn costs_more(&self) -> bool {
        self.with() > self.evaluation
    }
}

/// The last times that something took.
#[derive(Debug, Default)]
struct Times {
    nanos: Vec<u64>,
    next: usize,
}

impl Times {
    fn push(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        if let Some(oldest) = self.nanos.get_mut(self.next) {
            *oldest = nanos;
        } else {
            self.nanos.push(nanos);
        }
        self.next = (self.next + 1) % usize::from(SAMPLES);
    }

    fn enough(&self) -> bool {
        self.nanos.len() >= usize::from(SAMPLES)
    }

    /// The middle one: one that was interrupted says nothing.
    fn typical(&self) -> Duration {
        let mut sorted = self.nanos.clone();
        sorted.sort_unstable();
        let middle = sorted.get(sorted.len() / 2).copied();
        Duration::from_nanos(middle.unwrap_or(0))
    }
}
