//! Figures: the median of several repetitions, how far they are apart, and how they compare with the floor of the same run.

use anyhow::Result;
use serde_json::{Map, Value, json};

/// A figure, or how two compare.
#[derive(Clone, Copy, Debug)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        Self {
            median: at(sorted.len() / 2),
            least: at(0),
            most: at(sorted.len().saturating_sub(1)),
        }
    }

    /// What each repetition has, over what the other has in the same one; a single value stands for all.
    fn ratio(values: &[f64], others: &[f64]) -> Self {
        let others = others.iter().cycle();
        let ratios: Vec<f64> = values
            .iter()
            .zip(others)
            .map(|(one, other)| one / other)
            .collect();
        Self::of(&ratios)
    }

    fn json(self) -> Value {
        json!({ "median": self.median, "min": self.least, "max": self.most })
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    figures: Vec<Value>,
    notes: Vec<String>,
    room: &'static str,
}

impl Report {
    /// What comes is of this room.
    pub(crate) fn enter(&mut self, room: &'static str, about: &str) {
        self.room = room;
        println!("\n{room}: {about}");
    }

    /// Adds a figure, with what it is compared with.
    pub(crate) fn figure(
        &mut self,
        name: &str,
        unit: &str,
        values: &[f64],
        against: &[(&str, &[f64])],
    ) {
        let spread = Spread::of(values);
        let range = format!("({}–{})", short(spread.least), short(spread.most));
        print!(
            "  {name:<44} {:>9} {unit:<6} {range:<19}",
            short(spread.median)
        );
        let mut ratios = Map::new();
        for (other, others) in against {
            let ratio = Spread::ratio(values, others);
            print!(
                "  {:.2} x {other} ({:.2}–{:.2})",
                ratio.median, ratio.least, ratio.most
            );
            ratios.insert((*other).to_owned(), ratio.json());
        }
        println!();
        self.figures.push(json!({
            "room": self.room, "name": name, "unit": unit, "values": values, "spread": spread.json(), "ratios": ratios,
        }));
    }

    /// Adds words.
    pub(crate) fn note(&mut self, words: &str) {
        println!("  {words}");
        self.notes.push(format!("{}: {words}", self.room));
    }

    /// All of it as JSON.
    pub(crate) fn json(&self, machine: &str) -> Result<String> {
        let Self { figures, notes, .. } = self;
        let whole = json!({ "machine": machine, "notes": notes, "figures": figures });
        Ok(serde_json::to_string_pretty(&whole)?)
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        small if small < 0.1 => format!("{value:.3}"),
        small if small < 10.0 => format!("{value:.2}"),
        middle if middle < 1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
