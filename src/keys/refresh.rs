//! The background task of one source: when to fetch, and what becomes of the outcome.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::fetch::{self, FetchError, Stamp};
use super::jwk::JwkError;
use super::set::Shared;
use super::source::Location;
use super::table::KeyTable;
use crate::outbound::{HttpClient, describe};

/// The pause after the first failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two attempts after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often a file is looked at.
const FILE_POLL: Duration = Duration::from_secs(1);

/// Fetches one source for ever. It is the only task that does, so no two fetches of a source overlap.
#[derive(Debug)]
pub(super) struct Refresher {
    shared: Arc<Shared>,
    client: HttpClient,
    /// When the last fetch started that a lookup had asked for.
    last_asked: Option<Instant>,
    /// The file as it was before it was last read.
    stamp: Option<Stamp>,
    failures_in_a_row: u32,
}

impl Refresher {
    pub(super) fn new(shared: Arc<Shared>, client: HttpClient) -> Self {
        Self {
            shared,
            client,
            last_asked: None,
            stamp: None,
            failures_in_a_row: 0,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            self.refresh().await;
            self.wait().await;
        }
    }

    async fn refresh(&mut self) {
        let started = Instant::now();
        self.shared.begin();
        match self.fetch().await {
            Ok(table) => {
                self.failures_in_a_row = 0;
                self.accept(table, started);
            }
            Err(error) => {
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
                self.refuse(&error);
            }
        }
    }

    async fn fetch(&mut self) -> Result<KeyTable, FetchError> {
        let source = &self.shared.source;
        self.stamp = fetch::stamp(&source.location).await;
        let document = fetch::fetch(&self.client, &source.location, source.limits).await?;
        Ok(KeyTable::read(&document)?)
    }

    fn accept(&self, table: KeyTable, started: Instant) {
        let name = self.shared.source.name();
        let Some(table) = self.shared.succeed(table, started) else {
            return;
        };
        tracing::info!(key_set = name, keys = table.len(), "keys loaded");
        for key in table.ignored() {
            let kid = key.kid.as_deref();
            if key.why == JwkError::Private {
                tracing::warn!(key_set = name, kid, reason = %key.why, "key ignored");
            } else {
                tracing::debug!(key_set = name, kid, reason = %key.why, "key ignored");
            }
        }
    }

    fn refuse(&self, error: &FetchError) {
        let error = describe(error);
        tracing::warn!(key_set = self.shared.source.name(), %error, "keys not refreshed");
        self.shared.fail(error);
    }

    /// Waits until the next fetch is due, for whichever reason comes first.
    async fn wait(&mut self) {
        let source = &self.shared.source;
        let asked = tokio::select! {
            () = sleep(pause(source.refresh, self.failures_in_a_row, random())) => false,
            () = file_changed(&source.location, self.stamp) => false,
            () = asked(&self.shared, self.last_asked) => true,
        };
        if asked {
            self.last_asked = Some(Instant::now());
        }
    }
}

/// Waits until a lookup asks for a refresh and `min_interval` has passed since the last that was asked for.
async fn asked(shared: &Shared, last: Option<Instant>) {
    shared.wake.notified().await;
    if let Some(last) = last {
        sleep(shared.source.min_interval.saturating_sub(last.elapsed())).await;
    }
}

/// Waits until the file is another than `before`; for ever, if the source is no file.
async fn file_changed(location: &Location, before: Option<Stamp>) {
    if !matches!(location, Location::File(_)) {
        return std::future::pending().await;
    }
    while fetch::stamp(location).await == before {
        sleep(FILE_POLL).await;
    }
}

/// The pause before the next fetch. After a success it is up to a tenth shorter than `refresh`, by chance, so that
/// replicas which started together do not fetch together. After failures it doubles, and never exceeds `refresh`.
fn pause(refresh: Duration, failures_in_a_row: u32, random: u8) -> Duration {
    let Some(doublings) = failures_in_a_row.checked_sub(1) else {
        return refresh.saturating_sub(refresh / 10 * u32::from(random) / 255);
    };
    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings));
    pause.min(LONGEST_PAUSE).min(refresh)
}

/// A random byte; zero, which means no jitter, should the system have none.
fn random() -> u8 {
    let mut byte = [0];
    match aws_lc_rs::rand::fill(&mut byte) {
        Ok(()) => byte[0],
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFRESH: Duration = Duration::from_mins(5);

    #[test]
    fn a_refresh_comes_early_by_at_most_a_tenth() {
        assert_eq!(pause(REFRESH, 0, 0), REFRESH);
        assert_eq!(pause(REFRESH, 0, 255), Duration::from_secs(270));
    }

    #[test]
    fn failures_double_the_pause_up_to_a_bound() {
        let pauses: Vec<_> = [1, 2, 3, 4, 7, 8, u32::MAX]
            .map(|failures| pause(REFRESH, failures, 255).as_millis())
            .to_vec();
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn a_short_refresh_bounds_the_pause_after_failures() {
        let refresh = Duration::from_millis(100);
        assert_eq!(pause(refresh, 9, 0), refresh);
    }
}
