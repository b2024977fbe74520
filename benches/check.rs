//! What a check costs: `cargo bench --bench check`.
//!
//! First tables. Time and allocations of a whole check in process, by its phases, with 10, 1,000 and 100,000 rules (`-- --instructions`
//! counts the instructions of each phase instead, with valgrind); what a token costs that was never seen, beside a bare verification of
//! its signature (`-- --fresh` for this alone); what a tool
//! call that is decided on its arguments costs compared with a plain request; then what a call over gRPC on loopback costs compared with the floor, a stock tonic server that always says OK, asked by
//! the same client in the same run. The ratios are the figures: machines differ, and so do their neighbours. Client and
//! server share this process, so the client's own cost is in both numbers of a ratio.
//!
//! Then criterion's figures of a whole check in process: bytes of a `CheckRequest` in (about 1.5 KB, half of it the
//! token), bytes of a `CheckResponse` out, its record written to `/dev/null` and its metrics moved. `one` sends one
//! token again and again, `many` another of [`LIVE_TOKENS`] each time: both were verified before. What a token costs a server that
//! was never seen is in the room `fresh` of `cargo bench --bench floor`. The shape of the policies is in `check/policy.rs`.
//!
//! Allocations are counted for the thread that asks, by an allocator that every figure here is measured with; it costs
//! about a nanosecond an allocation.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a bench prints its tables, and criterion's closures cannot fail"
)]

#[path = "floor/bare.rs"]
mod bare;
#[path = "check/floor.rs"]
mod floor;
#[path = "check/fresh.rs"]
mod fresh;
#[path = "check/phases.rs"]
mod phases;
#[path = "check/policy.rs"]
mod policy;
#[path = "check/requests.rs"]
mod requests;
#[path = "check/rulings.rs"]
mod rulings;
#[path = "check/stock.rs"]
mod stock;
#[path = "check/tables.rs"]
mod tables;
#[path = "check/tokens.rs"]
mod tokens;
#[path = "check/tools.rs"]
mod tools;
#[path = "check/world.rs"]
mod world;

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;
use criterion::{BenchmarkId, Criterion};
use prost::Message as _;
use tokio::runtime::Runtime;

use tokens::{Algorithm, Issuer};
use world::World;

/// Tokens that are used in turn.
const LIVE_TOKENS: usize = 2048;

/// How much is done: everything, or just enough to see that it works (`cargo test --benches`).
pub(crate) struct Extent {
    pub(crate) rules: &'static [usize],
    pub(crate) tokens: usize,
    /// Checks behind a figure of a table.
    pub(crate) checks: usize,
    /// Rounds of calls over gRPC; the median counts.
    pub(crate) rounds: usize,
}

const WHOLE: Extent = Extent {
    rules: &[10, 1_000, 100_000],
    tokens: LIVE_TOKENS,
    checks: 20_000,
    rounds: 7,
};
const SMOKE: Extent = Extent {
    rules: &[10, 1_000],
    tokens: 32,
    checks: 64,
    rounds: 1,
};

fn main() -> Result<()> {
    if let Some(done) = phases::alone() {
        return done;
    }
    let has = |flag: &str| std::env::args().any(|arg| arg == flag);
    if has("--instructions") {
        return phases::count();
    }
    if has("--fresh") {
        let (runtime, issuer) = (Runtime::new()?, Issuer::new()?);
        let world = World::new(10, &issuer, &runtime)?;
        return fresh::against_bare(&world, &issuer, &WHOLE);
    }
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    if has("--list") {
        criterion.final_summary();
        return Ok(());
    }
    let extent = if has("--bench") && !has("--test") {
        WHOLE
    } else {
        SMOKE
    };
    let runtime = Runtime::new()?;
    let issuer = Issuer::new()?;
    let worlds: Result<Vec<World>> = extent
        .rules
        .iter()
        .map(|rules| World::new(*rules, &issuer, &runtime))
        .collect();
    let worlds = worlds?;
    tables::loading(&worlds);
    phases::print(&worlds, &issuer, &extent)?;
    if let Some(world) = worlds.first() {
        fresh::against_bare(world, &issuer, &extent)?;
    }
    tools::against_plain(&worlds, &issuer, &extent)?;
    rulings::worth(&extent)?;
    tables::over_grpc(&worlds, &issuer, &extent, &runtime)?;
    for algorithm in Algorithm::ALL {
        in_process(&mut criterion, &worlds, &issuer, algorithm, &extent)?;
    }
    criterion.final_summary();
    Ok(())
}

fn in_process(
    criterion: &mut Criterion,
    worlds: &[World],
    issuer: &Issuer,
    algorithm: Algorithm,
    extent: &Extent,
) -> Result<()> {
    let pool: Result<Vec<Vec<u8>>> = (0..extent.tokens)
        .map(|number| Ok(requests::check(&issuer.token(algorithm, number)?).encode_to_vec()))
        .collect();
    let pool = pool?;
    for (name, tokens) in [("one", 1), ("many", pool.len())] {
        let mut group = criterion.benchmark_group(format!("check/{}/{name}", algorithm.name()));
        for world in worlds {
            let mut next = pool.iter().take(tokens).cycle();
            group.bench_function(BenchmarkId::from_parameter(world.rules), |bencher| {
                bencher.iter(|| {
                    let bytes = next.next().expect("the pool is not empty");
                    black_box(world.check(black_box(bytes)).expect("the check is allowed"))
                });
            });
        }
        group.finish();
    }
    Ok(())
}
