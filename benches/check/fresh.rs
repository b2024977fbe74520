//! What a token costs in process that was never seen, beside one that was: processor time, allocations, instructions.

use std::time::Duration;

use allocation_counter::measure;
use anyhow::{Context as _, Result};
use prost::Message as _;
use rustix::time::{ClockId, clock_gettime};

use super::tokens::{Algorithm, Issuer};
use super::world::World;
use super::{Extent, bare, requests};

/// The phase that [`alone`] runs.
pub(crate) const PHASE: &str = "fresh";
/// Tokens that are made for counting, however many of them are sent: making them must cost the same.
const MADE: usize = 400;
/// Rounds; the median counts.
const ROUNDS: usize = 5;

/// Prints a line for every algorithm.
pub(crate) fn against_bare(world: &World, issuer: &Issuer, extent: &Extent) -> Result<()> {
    println!(
        "\na token that was never seen, in process, {} rules",
        world.rules
    );
    let each = extent.tokens.min(512);
    for algorithm in Algorithm::ALL {
        let mut all = [Vec::new(), Vec::new(), Vec::new()];
        let mut allocations = (0, 0);
        for round in 0..ROUNDS {
            // Numbers that nobody else uses.
            let first = 1_000_000 + round * each;
            let tokens = made(issuer, algorithm, first, each)?;
            let bodies = bodies(&tokens);
            let (one, rest) = bodies.split_first().context("no token")?;
            let count = || measure(|| drop(world.check(one).ok())).count_total;
            allocations = (count(), count());
            let [fresh, seen, verified] = &mut all;
            fresh.push(micros(world, rest)?);
            seen.push(micros(world, rest)?);
            verified.push(bare::verification(issuer, algorithm, &tokens)?);
        }
        let [fresh, seen, verified] = all.map(median);
        let (unseen, known) = allocations;
        println!(
            "  {}: {fresh:.2} µs ({unseen} allocations), {seen:.2} µs ({known}) when seen before; {:.2} µs beyond, {:.2} x a \
             bare verification of {verified:.2} µs",
            algorithm.name(),
            fresh - seen,
            (fresh - seen) / verified
        );
    }
    Ok(())
}

/// Sends `times` tokens that were never seen.
pub(crate) fn alone(world: &World, issuer: &Issuer, times: usize) -> Result<()> {
    let tokens = made(issuer, Algorithm::Rs256, 1, MADE)?;
    for body in bodies(&tokens).iter().take(times) {
        world.check(body)?;
    }
    Ok(())
}

fn made(issuer: &Issuer, algorithm: Algorithm, first: usize, count: usize) -> Result<Vec<String>> {
    let numbers = first..first + count;
    numbers
        .map(|number| issuer.token(algorithm, number))
        .collect()
}

fn bodies(tokens: &[String]) -> Vec<Vec<u8>> {
    let bodies = tokens.iter();
    bodies
        .map(|token| requests::check(token).encode_to_vec())
        .collect()
}

/// Processor time of this thread for each.
fn micros(world: &World, bodies: &[Vec<u8>]) -> Result<f64> {
    let clock = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime));
    let before = clock()?;
    for body in bodies {
        world.check(body)?;
    }
    let used = clock()?.saturating_sub(before);
    Ok((used / u32::try_from(bodies.len())?).as_secs_f64() * 1e6)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
