//! The hospital's monotonic clock, in the protocol's milliseconds.

use std::time::Duration;

use tokio::time::Instant;
use wardsum_protocol::Timestamp;

/// A clock whose origin is when it was made. Tokio's time is behind it, so tests can pause it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock that shows zero now.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// The time now.
    #[must_use]
    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = self.origin.elapsed().as_millis();
        Timestamp(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    /// The instant at which this clock shows `at`; one millisecond later, in fact, because the clock
    /// cuts fractions off and a timer must not come early.
    #[must_use]
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        let after = Duration::from_millis(at.0).saturating_add(Duration::from_millis(1));
        self.origin.checked_add(after).unwrap_or_else(|| self.origin + FAR_AWAY)
    }
}

/// Some 30 years: what `Instant` can express everywhere, and nobody waits for.
const FAR_AWAY: Duration = Duration::from_hours(30 * 365 * 24);
