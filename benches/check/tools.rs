//! What a tool call costs compared with a plain request: the same token, as many rules, and a body to read.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use prost::Message as _;

use super::floor::{Cost, cpu_time};
use super::tables::median;
use super::tokens::{Algorithm, Issuer};
use super::world::World;
use super::{Extent, requests};

/// Prints the processor time of whole checks in process, the writing of their records included. A tool call is meant to cost
/// at most one and a half times a plain request.
pub(crate) fn against_plain(worlds: &[World], issuer: &Issuer, extent: &Extent) -> Result<()> {
    let world = worlds.first().context("no world")?;
    for algorithm in Algorithm::ALL {
        let token = issuer.token(algorithm, 0)?;
        let plain = requests::check(&token).encode_to_vec();
        let tool = requests::tool_call(&token).encode_to_vec();
        let (mut plain_costs, mut tool_costs) = (Vec::new(), Vec::new());
        // In turns, so that a busy neighbour disturbs both alike.
        for _ in 0..extent.rounds {
            plain_costs.push(cost(world, &plain, extent)?);
            tool_costs.push(cost(world, &tool, extent)?);
        }
        let (plain, tool) = (median(&plain_costs)?, median(&tool_costs)?);
        println!(
            "\na tool call decided on its arguments, 2 KB, against a plain request, {} token, {} rules",
            algorithm.name(),
            world.rules
        );
        println!("  {:>10} {:>10} {:>7}", "plain cpu", "tool cpu", "ratio");
        let ratio = tool.cpu.as_secs_f64() / plain.cpu.as_secs_f64();
        println!("  {:>10.2?} {:>10.2?} {ratio:>7.2}", plain.cpu, tool.cpu);
    }
    Ok(())
}

fn cost(world: &World, bytes: &[u8], extent: &Extent) -> Result<Cost> {
    let (cpu, started) = (cpu_time()?, Instant::now());
    for _ in 0..extent.checks {
        black_box(world.check(black_box(bytes))?);
    }
    let made = u32::try_from(extent.checks)?;
    let mean = |whole: Duration| whole / made;
    Ok(Cost {
        wall: mean(started.elapsed()),
        cpu: mean(cpu_time()?.saturating_sub(cpu)),
    })
}
