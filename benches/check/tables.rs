//! The tables in front of criterion's output.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
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
