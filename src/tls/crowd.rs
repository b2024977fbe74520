//! Making room: who is slow to introduce itself gives way to who waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// How long nobody has to give way: a handshake is two round trips, and begins with bytes that are there already.
const FAIR: Duration = Duration::from_millis(250);

/// Those who have a place and have not introduced themselves, in the order in which they came. Cheap to clone; clones are
/// the same crowd.
#[derive(Clone, Debug, Default)]
pub struct Crowd(Arc<Notify>);

impl Crowd {
    /// Somebody waits for a place: who has been here longest gives way, as soon as it had a fair time. If a place becomes
    /// free meanwhile, the next one that is slow gives way all the same.
    pub fn press(&self) {
        self.0.notify_one();
    }

    /// Returns after `limit`, or before that when it is time to give way.
    pub async fn enough(self, limit: Duration) {
        sleep(FAIR.min(limit)).await;
        let _pressed = timeout(limit.saturating_sub(FAIR), self.0.notified()).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn the_first_who_came_gives_way_after_a_fair_time_and_the_others_have_theirs() {
        let (crowd, limit) = (Crowd::default(), FAIR * 6);
        let lasted = async |later: Duration| {
            sleep(later).await;
            let start = Instant::now();
            crowd.clone().enough(limit).await;
            start.elapsed()
        };
        crowd.press();
        let (first, second) = tokio::join!(lasted(Duration::ZERO), lasted(FAIR / 2));
        assert!(first >= FAIR && first < FAIR * 4, "{first:?}");
        assert!(second >= limit, "{second:?}");
    }
}
