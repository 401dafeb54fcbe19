//! A round's monotonic clock, in the protocol's milliseconds.
//!
//! It counts the time for which the round was served: it goes on where the store left it, and stands
//! still while the hospital is down, stops, or cannot store anything. The wall clock, which people and
//! NTP move, decides nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use wardsum_protocol::Timestamp;

/// The clock of one round; clones show the same. Tokio's time is behind it, so tests can pause it.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    began: Instant,
    /// What it showed when it began.
    base: Timestamp,
    /// For how many milliseconds it has stood still since.
    stood: Arc<AtomicU64>,
    /// What it goes on showing once it was stopped.
    stopped_at: Arc<OnceLock<Timestamp>>,
}

impl Clock {
    /// A clock that shows `at` now.
    #[must_use]
    pub(crate) fn starting_at(at: Timestamp) -> Self {
        let (stood, stopped_at) = Default::default();
        Self { began: Instant::now(), base: at, stood, stopped_at }
    }

    /// The time now.
    #[must_use]
    pub(crate) fn now(&self) -> Timestamp {
        if let Some(at) = self.stopped_at.get() {
            return *at;
        }
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.base.after(elapsed.saturating_sub(self.stood.load(Ordering::Relaxed)))
    }

    /// Takes back all time since it showed `at`: it has stood still meanwhile.
    pub(crate) fn stand_still_since(&self, at: Timestamp) {
        self.stood.fetch_add(self.now().since(at), Ordering::Relaxed);
    }

    /// Shows the time as it is now for ever. No instant at which it shows a later one comes any more.
    pub(crate) fn stop(&self) {
        self.stopped_at.get_or_init(|| self.now());
    }

    /// The instant at which this clock shows `at`; one millisecond later, in fact, because the clock
    /// cuts fractions off and a timer must not come early.
    #[must_use]
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        let shown = at.since(self.base).saturating_add(self.stood.load(Ordering::Relaxed));
        let after = Duration::from_millis(shown).saturating_add(Duration::from_millis(1));
        self.began.checked_add(after).unwrap_or_else(|| self.began + FAR_AWAY)
    }
}

/// Some 30 years: what `Instant` can express everywhere, and nobody waits for.
const FAR_AWAY: Duration = Duration::from_hours(30 * 365 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_goes_on_where_it_was_and_can_stand_still() {
        let clock = Clock::starting_at(Timestamp(5_000));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now(), Timestamp(6_000));

        tokio::time::advance(Duration::from_mins(1)).await;
        clock.stand_still_since(Timestamp(6_000));
        assert_eq!(clock.now(), Timestamp(6_000));
        assert_eq!(clock.instant(Timestamp(6_500)) - Instant::now(), Duration::from_millis(501));
    }
}
