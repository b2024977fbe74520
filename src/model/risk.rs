//! The risk of a request: what the signals of its action add up to.

use super::name::SignalId;

/// Highest score.
pub const MAX_SCORE: u8 = 100;

/// What every signal of an action says about one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Risk {
    /// Each signal, in the order of their ids.
    pub signals: Vec<Weighed>,
}

/// What one signal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// The signal.
    pub id: SignalId,
    /// Its points.
    pub points: u8,
    /// Whether they count.
    pub said: Said,
}

/// Whether the condition of a signal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It does.
    Holds,
    /// It does not.
    Not,
    /// It could not be evaluated, and why: what is not known counts in full.
    Failed(String),
}

impl Weighed {
    /// The points that it adds.
    pub const fn added(&self) -> u8 {
        match self.said {
            Said::Holds | Said::Failed(_) => self.points,
            Said::Not => 0,
        }
    }
}

impl Risk {
    /// The sum of what the signals add, at most [`MAX_SCORE`]; 0 without signals.
    pub fn score(&self) -> u8 {
        let sum = self
            .signals
            .iter()
            .fold(0_u8, |sum, signal| sum.saturating_add(signal.added()));
        sum.min(MAX_SCORE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn risk(signals: &[(u8, Said)]) -> Risk {
        let signals = signals.iter().map(|(points, said)| Weighed {
            id: SignalId::new("s").unwrap(),
            points: *points,
            said: said.clone(),
        });
        Risk {
            signals: signals.collect(),
        }
    }

    #[test]
    fn what_holds_and_what_fails_adds_its_points() {
        let failed = || Said::Failed("why".to_owned());
        assert_eq!(risk(&[]).score(), 0);
        assert_eq!(risk(&[(30, Said::Not)]).score(), 0);
        assert_eq!(
            risk(&[(30, Said::Holds), (20, Said::Not), (5, failed())]).score(),
            35
        );
    }

    #[test]
    fn a_hundred_is_the_most() {
        let many = vec![(100, Said::Holds); 5];
        assert_eq!(risk(&many).score(), MAX_SCORE);
        assert_eq!(risk(&[(60, Said::Holds), (60, Said::Holds)]).score(), 100);
    }
}
