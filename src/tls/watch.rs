//! The task that reads a listener's files again when they change.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::server::{Reread, ServerTls};
use crate::model::time::Timestamp;

/// How often the files are looked at. They are small, and their bytes are compared: an edit in place, a rename over them
/// and a link that is turned are all seen.
const POLL: Duration = Duration::from_secs(1);
/// Whoever writes two files may not be done after the first: they are read when they have rested this long.
const REST: Duration = Duration::from_millis(200);
/// A certificate that expires within this time deserves a warning.
pub(super) const SOON: Duration = Duration::from_hours(7 * 24);
/// How often that is said again.
const REMIND: Duration = Duration::from_hours(1);

/// Follows the files of `tls` until `stop`. What changed and can be used is in force within two seconds, for every
/// connection that comes after; what cannot be used is logged and counted, and changes nothing.
pub async fn watch(tls: ServerTls, clock: fn() -> Timestamp, stop: CancellationToken) {
    let follow = async {
        let mut reminded = None;
        loop {
            remind(&tls, clock(), &mut reminded);
            sleep(POLL).await;
            if changed(&tls).await && reread(&tls, clock()).await {
                reminded = None;
            }
        }
    };
    let _stopped: Option<()> = stop.run_until_cancelled(follow).await;
}

/// Whether the files are others than those that were read last, and have rested since.
async fn changed(tls: &ServerTls) -> bool {
    let looked = look(tls).await;
    if looked == tls.seen() {
        return false;
    }
    sleep(REST).await;
    look(tls).await == looked
}

async fn look(tls: &ServerTls) -> Option<u64> {
    let tls = tls.clone();
    let looked = tokio::task::spawn_blocking(move || tls.look()).await;
    looked.ok().flatten()
}

/// Whether another certificate is in force now.
async fn reread(tls: &ServerTls, now: Timestamp) -> bool {
    let reading = tls.clone();
    let Ok(reread) = tokio::task::spawn_blocking(move || reading.reread(now)).await else {
        return false;
    };
    match reread {
        Reread::Unchanged => false,
        Reread::Replaced => {
            tracing::info!(expires = %tls.expires(), "certificate reloaded");
            true
        }
        Reread::Kept(error) => {
            tracing::error!(%error, "certificate not reloaded: the one in force stays");
            false
        }
    }
}

/// Says that the certificate in force expires soon, or has expired.
fn remind(tls: &ServerTls, now: Timestamp, reminded: &mut Option<Instant>) {
    let expires = tls.expires();
    let due = reminded.is_none_or(|at| at.elapsed() >= REMIND);
    if expires > now.plus(SOON) || !due {
        return;
    }
    *reminded = Some(Instant::now());
    if expires <= now {
        tracing::error!(%expires, "the listener's certificate has expired");
    } else {
        tracing::warn!(%expires, "the listener's certificate expires soon");
    }
}
