//! The tables in front of criterion's output.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::world::wait;
use allocation_counter::{AllocationInfo, measure};
use anyhow::{Context as _, Result, anyhow};
use countersign::ext_authz::{access_request, check_response, now};
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use prost::Message as _;
use tokio::runtime::Runtime;

use super::floor::{self, Cost};
use super::tokens::{Algorithm, Issuer};
use super::world::World;
use super::{Extent, requests};

/// How long policies take to load.
pub(crate) fn loading(worlds: &[World]) {
    println!("\nloading a policy");
    for world in worlds {
        println!("  {:>7} rules  {:>9.1?}", world.rules, world.load);
    }
}

/// What the steps of a check cost in process.
pub(crate) fn steps(worlds: &[World], issuer: &Issuer, extent: &Extent) -> Result<()> {
    for algorithm in Algorithm::ALL {
        let bytes = requests::check(&issuer.token(algorithm, 0)?).encode_to_vec();
        let size = bytes.len();
        println!(
            "\na check in process, {} token, request of {size} bytes: allocations (bytes)",
            algorithm.name()
        );
        println!(
            "  {:>7}  {:>14} {:>14} {:>14} {:>14} {:>14}",
            "rules", "decode", "canonical", "decide", "answer", "whole"
        );
        for world in worlds {
            print_allocations(world, &bytes)?;
        }
        let floor = measure(|| floor_check(&bytes));
        println!("  {:>7}  {:>74}", "floor", allocations(&floor));
        print_times(worlds, &bytes, extent)?;
    }
    Ok(())
}

fn print_allocations(world: &World, bytes: &[u8]) -> Result<()> {
    // Once before, so that what is made on first use is not counted.
    world.check(bytes)?;
    let (mut check, mut request, mut decision) = (None, None, None);
    let decoding = measure(|| check = CheckRequest::decode(bytes).ok());
    let check = check.context("the request cannot be decoded")?;
    let canonical = measure(|| request = access_request(&check, now()).ok());
    let request = request.context("the request is ambiguous")?;
    let arrival = Instant::now();
    let until = arrival + Duration::from_mins(1);
    let decide =
        measure(|| decision = Some(wait(world.authorizer.decide(&request, arrival, until))));
    let decision = decision.context("no decision")?;
    let answer = measure(|| {
        black_box(check_response(&decision).encode_to_vec());
    });
    let mut ended = None;
    let whole = measure(|| ended = Some(world.check(bytes)));
    ended.context("no answer")??;
    println!(
        "  {:>7}  {:>14} {:>14} {:>14} {:>14} {:>14}",
        world.rules,
        allocations(&decoding),
        allocations(&canonical),
        allocations(&decide),
        allocations(&answer),
        allocations(&whole)
    );
    Ok(())
}

fn allocations(info: &AllocationInfo) -> String {
    format!("{} ({})", info.count_total, info.bytes_total)
}

/// What the floor does with a message, without the network.
fn floor_check(bytes: &[u8]) {
    black_box(CheckRequest::decode(bytes).ok());
    black_box(floor::ok().encode_to_vec());
}

fn print_times(worlds: &[World], bytes: &[u8], extent: &Extent) -> Result<()> {
    let count = u32::try_from(extent.checks)?;
    println!("  time of each, mean");
    println!(
        "  {:>7}  {:>14} {:>14} {:>14}",
        "rules", "whole", "identity", "rules"
    );
    for world in worlds {
        let check = CheckRequest::decode(bytes)?;
        let (mut identity, mut policy) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..count {
            let decision = world.decide(&check)?;
            identity += decision.spent.identity;
            policy += decision.spent.policy;
        }
        let started = Instant::now();
        for _ in 0..count {
            black_box(world.check(bytes)?);
        }
        let whole = started.elapsed() / count;
        let (identity, policy) = (identity / count, policy / count);
        println!(
            "  {:>7}  {whole:>14.2?} {identity:>14.2?} {policy:>14.2?}",
            world.rules
        );
    }
    let started = Instant::now();
    for _ in 0..count {
        floor_check(bytes);
    }
    println!("  {:>7}  {:>14.2?}", "floor", started.elapsed() / count);
    Ok(())
}

/// What a call over gRPC costs, compared with the floor.
pub(crate) fn over_grpc(
    worlds: &[World],
    issuer: &Issuer,
    extent: &Extent,
    runtime: &Runtime,
) -> Result<()> {
    let mut servers = vec![("floor".to_owned(), floor::serve_floor(runtime)?)];
    for world in worlds {
        servers.push((
            format!("{} rules", world.rules),
            floor::serve(world, runtime)?,
        ));
    }
    for algorithm in Algorithm::ALL {
        let pool: Result<Vec<CheckRequest>> = (0..extent.tokens)
            .map(|number| Ok(requests::check(&issuer.token(algorithm, number)?)))
            .collect();
        let pool = Arc::new(pool?);
        let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); servers.len()];
        // In turns, so that a busy neighbour disturbs all of them alike.
        for _ in 0..extent.rounds {
            for ((_, address), costs) in servers.iter().zip(&mut costs) {
                let channel = floor::connect(*address, runtime)?;
                floor::call(&channel, &pool, extent.checks / 10, runtime)?;
                costs.push(floor::call(&channel, &pool, extent.checks, runtime)?);
            }
        }
        let medians: Result<Vec<Cost>> = costs.iter().map(|costs| median(costs)).collect();
        print_ratios(algorithm, &servers, &medians?)?;
    }
    Ok(())
}

/// The middle one of several rounds, each figure for itself.
pub(crate) fn median(costs: &[Cost]) -> Result<Cost> {
    let middle = |read: fn(&Cost) -> Duration| {
        let mut all: Vec<Duration> = costs.iter().map(read).collect();
        all.sort_unstable();
        all.get(all.len() / 2)
            .copied()
            .ok_or_else(|| anyhow!("no round"))
    };
    Ok(Cost {
        wall: middle(|cost| cost.wall)?,
        cpu: middle(|cost| cost.cpu)?,
    })
}

fn print_ratios<A>(algorithm: Algorithm, servers: &[(String, A)], costs: &[Cost]) -> Result<()> {
    let floor = costs.first().context("no floor")?;
    println!(
        "\na call over gRPC on loopback, a different {} token each",
        algorithm.name()
    );
    println!(
        "  {:>13}  {:>10} {:>7}  {:>10} {:>7}",
        "", "time", "ratio", "cpu", "ratio"
    );
    for ((name, _), cost) in servers.iter().zip(costs) {
        let ratio = |part: Duration, whole: Duration| part.as_secs_f64() / whole.as_secs_f64();
        println!(
            "  {name:>13}  {:>10.2?} {:>7.2}  {:>10.2?} {:>7.2}",
            cost.wall,
            ratio(cost.wall, floor.wall),
            cost.cpu,
            ratio(cost.cpu, floor.cpu)
        );
    }
    Ok(())
}
