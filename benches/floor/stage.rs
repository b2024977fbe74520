//! What every room has: cores, an issuer and its tokens, and somewhere to write figures.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use tempfile::TempDir;

use super::connection::Connection;
use super::cores::Cores;
use super::figures::Report;
use super::load::{self, Asked, Bodies};
use super::options::Extent;
use super::questions;
use super::served::Server;
use super::socket::Address;
use super::tokens::{Algorithm, Issuer};

/// Calls in flight on the one connection, as a worker of Envoy makes them when there is much to do.
pub(crate) const AT_ONCE: usize = 64;

/// What rooms share.
pub(crate) struct Stage {
    pub(crate) cores: Cores,
    pub(crate) extent: Extent,
    pub(crate) issuer: Issuer,
    pub(crate) report: Report,
    /// How many tokens were made, so that no two are the same.
    minted: usize,
}

impl Stage {
    pub(crate) fn new(cores: Cores, extent: Extent) -> Result<Self> {
        Ok(Self {
            cores,
            extent,
            issuer: Issuer::new()?,
            report: Report::default(),
            minted: 0,
        })
    }

    /// Tokens that nobody has seen.
    pub(crate) fn mint(&mut self, algorithm: Algorithm, count: usize) -> Result<Vec<String>> {
        let first = self.minted;
        self.minted += count;
        let (cores, issuer) = (self.cores, &self.issuer);
        let make = |from: usize, to: usize| -> Result<Vec<String>> {
            (from..to)
                .map(|number| issuer.token(algorithm, number))
                .collect()
        };
        let (middle, end) = (first + count / 2, first + count);
        // Signing takes long: the servers' core helps.
        thread::scope(|scope| {
            let half = scope.spawn(|| cores.on_servers_core(|| make(first, middle)));
            let mut rest = make(middle, end)?;
            let half = half.join().map_err(|_panic| anyhow!("a thread ended"))??;
            rest.extend(half?);
            Ok(rest)
        })
    }

    /// A token for everything that is asked with one.
    pub(crate) fn token(&mut self) -> Result<String> {
        let minted = self.mint(Algorithm::Rs256, 1)?;
        minted.into_iter().next().context("no token")
    }

    /// A floor, for as long as both live.
    pub(crate) fn floor(&self) -> Result<(Server, TempDir)> {
        let folder = tempfile::tempdir()?;
        Ok((Server::floor(self.cores, folder.path(), &[])?, folder))
    }
}

/// A server that is asked the same over one connection.
pub(crate) struct Target<'a> {
    pub(crate) server: &'a Server,
    pub(crate) connection: Connection,
    pub(crate) bodies: Bodies,
    /// How many calls it answers while one measurement lasts.
    calls: usize,
    /// How much of a core it used while it was asked as fast as it answers, in percent.
    pub(crate) busy: Vec<f64>,
}

impl<'a> Target<'a> {
    /// Connects, and asks for a while before anything is measured.
    pub(crate) fn warm(
        server: &'a Server,
        address: &Address,
        bodies: &Bodies,
        extent: &Extent,
    ) -> Result<Self> {
        let mut target = Self::cold(server, address, bodies)?;
        let mut made = 64;
        let warm = extent.lasts.min(Duration::from_millis(400)) / 2;
        loop {
            let asked = load::closed(&mut target.connection, &mut target.bodies, made, AT_ONCE)?;
            let asked = asked.all_well()?;
            let most = asked.wall >= warm || made >= 1 << 20;
            target.calls = calls_within(extent.lasts, &asked)?;
            if most {
                return Ok(target);
            }
            made *= 2;
        }
    }

    /// Connects.
    pub(crate) fn cold(server: &'a Server, address: &Address, bodies: &Bodies) -> Result<Self> {
        Ok(Self {
            server,
            connection: questions::connect(address, questions::PATIENT)?,
            bodies: bodies.clone(),
            calls: bodies.len(),
            busy: Vec::new(),
        })
    }

    /// The microseconds of processor time that a call costs the server, with many of them in flight.
    pub(crate) fn cpu(&mut self) -> Result<f64> {
        let before = self.server.process.cpu()?;
        let asked = load::closed(&mut self.connection, &mut self.bodies, self.calls, AT_ONCE)?;
        let used = self.server.process.cpu()?.saturating_sub(before);
        self.busy
            .push(100.0 * used.as_secs_f64() / asked.wall.as_secs_f64());
        let calls = asked.all_well()?.calls;
        Ok((used / u32::try_from(calls)?).as_secs_f64() * 1e6)
    }

    /// What `rate` calls a second are answered like.
    pub(crate) fn paced(&mut self, rate: u32, lasts: Duration) -> Result<Asked> {
        load::open(&mut self.connection, &mut self.bodies, rate, lasts)
    }
}

fn calls_within(lasts: Duration, asked: &Asked) -> Result<usize> {
    let each = asked.wall.as_nanos() / u128::try_from(asked.calls)?;
    Ok(usize::try_from(lasts.as_nanos() / each.max(1))?.max(AT_ONCE))
}

/// Measures every target again and again, in turns, so that a busy neighbour disturbs all alike; what each repetition said.
pub(crate) fn in_turns<T>(
    repetitions: usize,
    targets: &mut [T],
    mut measure: impl FnMut(&mut T) -> Result<f64>,
) -> Result<Vec<Vec<f64>>> {
    let mut all = vec![Vec::new(); targets.len()];
    for _ in 0..repetitions {
        for (target, values) in targets.iter_mut().zip(&mut all) {
            values.push(measure(target)?);
        }
    }
    Ok(all)
}
