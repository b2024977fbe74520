//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// What is said to whoever asks.
pub(crate) const HELP: &str = "\
cargo bench --bench floor -- [OPTIONS]
  --list          name the rooms
  --only NAME     these rooms alone; may be repeated
  --quick         a minute or two in all, for a first look
  --json FILE     write every figure there as well
  --instructions  count instructions per check with valgrind instead
  --bound RATIO   with --instructions: fail if countersign takes more than this many times the floor's";

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Repetitions, in turns with what they are compared with.
    pub(crate) repetitions: usize,
    /// How long one measurement lasts.
    pub(crate) lasts: Duration,
    /// Tokens that have never been seen, for one repetition.
    pub(crate) fresh: usize,
    /// The large policy, and the one that is reloaded.
    pub(crate) many_rules: usize,
    pub(crate) reloaded_rules: usize,
    /// Tokens that are in use while memory is read.
    pub(crate) live_tokens: usize,
    /// Calls that use an approval up, for one repetition.
    pub(crate) uses: usize,
    /// Checks whose instructions are counted.
    pub(crate) counted: usize,
}

const WHOLE: Extent = Extent {
    repetitions: 7,
    lasts: Duration::from_secs(3),
    fresh: 4_000,
    many_rules: 100_000,
    reloaded_rules: 10_000,
    live_tokens: 10_000,
    uses: 400,
    counted: 2_000,
};
const QUICK: Extent = Extent {
    repetitions: 5,
    lasts: Duration::from_millis(300),
    fresh: 800,
    uses: 50,
    counted: 500,
    ..WHOLE
};
/// Just enough to see that it works (`cargo test --benches`).
const SMOKE: Extent = Extent {
    repetitions: 1,
    lasts: Duration::from_millis(20),
    fresh: 32,
    many_rules: 1_000,
    reloaded_rules: 500,
    live_tokens: 64,
    uses: 4,
    counted: 50,
};

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) extent: Extent,
    pub(crate) only: Vec<String>,
    pub(crate) list: bool,
    pub(crate) help: bool,
    pub(crate) json: Option<PathBuf>,
    pub(crate) instructions: bool,
    pub(crate) bound: Option<f64>,
}

impl Options {
    /// Reads arguments. cargo adds `--bench` where figures are wanted.
    pub(crate) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            extent: SMOKE,
            only: Vec::new(),
            list: false,
            help: false,
            json: None,
            instructions: false,
            bound: None,
        };
        let (mut quick, mut bench) = (false, false);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => bench = true,
                "--quick" => quick = true,
                "--list" => options.list = true,
                "--help" | "-h" => options.help = true,
                "--instructions" => options.instructions = true,
                _ => options.read_value(&argument, arguments.next())?,
            }
        }
        options.extent = match (bench, quick) {
            (_, true) => QUICK,
            (true, false) => WHOLE,
            (false, false) => SMOKE,
        };
        Ok(options)
    }

    fn read_value(&mut self, name: &str, value: Option<String>) -> Result<()> {
        let value =
            value.with_context(|| format!("there is no option `{name}` without a value\n{HELP}"));
        match name {
            "--only" => self.only.push(value?),
            "--json" => self.json = Some(value?.into()),
            "--bound" => self.bound = Some(value?.parse().context("`--bound` needs a number")?),
            _ => bail!("there is no option `{name}`\n{HELP}"),
        }
        Ok(())
    }
}
