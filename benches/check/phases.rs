//! What each phase of a check costs in process: nanoseconds, allocations and, with valgrind, instructions.
//!
//! Instructions are counted in a process of its own that does nothing but one phase, twice as often the second time, so that
//! what a start costs drops out.

use std::env;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use anyhow::{Context as _, Result, anyhow, ensure};
use countersign::ext_authz::{answer, now, read_request};
use countersign::model::decision::Decision;
use countersign::model::request::AccessRequest;
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use prost::Message as _;
use tokio::runtime::Runtime;

use super::tokens::{Algorithm, Issuer};
use super::world::World;
use super::{Extent, fresh, requests, stock};

/// Checks that are counted under valgrind.
const COUNTED: usize = 200;
/// The argument that makes this program run one phase and nothing else.
pub(crate) const ALONE: &str = "--phase";

/// A part of a check, the whole, or what the floor does with the same message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Canonical,
    Decide,
    Answer,
    Whole,
    Floor,
}

impl Phase {
    const ALL: [Self; 5] = [
        Self::Canonical,
        Self::Decide,
        Self::Answer,
        Self::Whole,
        Self::Floor,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::Decide => "decide",
            Self::Answer => "answer",
            Self::Whole => "whole",
            Self::Floor => "floor",
        }
    }
}

/// One check, held at every phase.
struct Held<'a> {
    world: &'a World,
    bytes: Vec<u8>,
    request: AccessRequest,
    decision: Decision,
}

impl<'a> Held<'a> {
    fn new(world: &'a World, token: &str) -> Result<Self> {
        let bytes = requests::check(token).encode_to_vec();
        // Once before, so that what is made on first use is not counted.
        world.check(&bytes)?;
        let request = read_request(&bytes, now()).map_err(|denial| anyhow!("{denial:?}"))?;
        let decision = world.decide(&request);
        Ok(Self {
            world,
            bytes,
            request,
            decision,
        })
    }

    fn once(&self, phase: Phase) {
        match phase {
            Phase::Canonical => drop(black_box(read_request(&self.bytes, now()).ok())),
            Phase::Decide => drop(black_box(self.world.decide(&self.request))),
            Phase::Answer => drop(black_box(answer(&self.decision))),
            Phase::Whole => drop(black_box(self.world.check(&self.bytes).ok())),
            Phase::Floor => {
                black_box(CheckRequest::decode(self.bytes.as_slice()).ok());
                black_box(stock::ok().encode_to_vec());
            }
        }
    }

    fn nanos(&self, phase: Phase, times: usize) -> Result<Duration> {
        let started = Instant::now();
        for _ in 0..times {
            self.once(phase);
        }
        Ok(started.elapsed() / u32::try_from(times)?)
    }
}

/// Prints a table for every kind of token and every number of rules.
pub(crate) fn print(worlds: &[World], issuer: &Issuer, extent: &Extent) -> Result<()> {
    for algorithm in Algorithm::ALL {
        let token = issuer.token(algorithm, 0)?;
        for world in worlds {
            let held = Held::new(world, &token)?;
            println!(
                "\na check in process, {} token seen before, {} rules, request of {} bytes",
                algorithm.name(),
                world.rules,
                held.bytes.len()
            );
            println!("  {:>10}  {:>10} {:>20}", "", "time", "allocations (bytes)");
            for phase in Phase::ALL {
                let info = measure(|| held.once(phase));
                let time = held.nanos(phase, extent.checks)?;
                let allocations = format!("{} ({})", info.count_total, info.bytes_total);
                println!("  {:>10}  {time:>10.2?} {allocations:>20}", phase.name());
            }
        }
    }
    Ok(())
}

/// Prints how many instructions each phase takes.
pub(crate) fn count() -> Result<()> {
    println!("\ninstructions of a check in process, RS256 token seen before, 10 rules");
    let folder = tempfile::tempdir()?;
    let names = Phase::ALL.map(Phase::name);
    for name in names.into_iter().chain([fresh::PHASE]) {
        let run = |times| counted(name, times, folder.path());
        let (once, twice) = (run(COUNTED)?, run(2 * COUNTED)?);
        let each = (twice.saturating_sub(once)) / u64::try_from(COUNTED)?;
        println!("  {name:>10}  {each:>10}");
    }
    println!(
        "  `{}` is the whole with a token that was never seen",
        fresh::PHASE
    );
    Ok(())
}

fn counted(phase: &str, times: usize, folder: &Path) -> Result<u64> {
    let file = folder.join("counted");
    let ended = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env::current_exe()?)
        .args([ALONE, phase, &times.to_string()])
        .stderr(Stdio::null())
        .status()
        .context("counting instructions takes valgrind: install it with `apt install valgrind`")?;
    ensure!(ended.success(), "valgrind ended with {ended}");
    let text = fs::read_to_string(&file)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.context("valgrind counted nothing")?.trim().parse()?)
}

/// Runs the phase that the arguments name as often as they say; `None` if they name none.
pub(crate) fn alone() -> Option<Result<()>> {
    let mut rest = env::args().skip_while(|argument| argument != ALONE).skip(1);
    let (name, times) = (rest.next()?, rest.next()?);
    Some(repeat(&name, &times))
}

fn repeat(name: &str, times: &str) -> Result<()> {
    let (runtime, issuer) = (Runtime::new()?, Issuer::new()?);
    let world = World::new(10, &issuer, &runtime)?;
    if name == fresh::PHASE {
        return fresh::alone(&world, &issuer, times.parse()?);
    }
    let phase = Phase::ALL.into_iter().find(|phase| phase.name() == name);
    let phase = phase.context("no such phase")?;
    let held = Held::new(&world, &issuer.token(Algorithm::Rs256, 0)?)?;
    for _ in 0..times.parse()? {
        held.once(phase);
    }
    Ok(())
}
