//! Log lines that strangers can cause as often as they like, and that must not fill a disk.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two lines of one kind.
pub(crate) const PAUSE: Duration = Duration::from_mins(1);

/// Lets the first of many equal log lines through, and then one in a [`PAUSE`].
#[derive(Default)]
pub(crate) struct LogThrottle {
    last: Mutex<Option<LastLine>>,
}

struct LastLine {
    at: Instant,
    /// How many lines were due since and were not written.
    withheld: u64,
}

impl LogThrottle {
    /// Whether a line that is due `now` is to be written; if so, how many were not since the last
    /// one. The line should say that number, since nothing else does.
    pub(crate) fn admit(&self, now: Instant) -> Option<u64> {
        // What is in there is right after every statement, so that a panic elsewhere cannot spoil it.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *last {
            Some(last) if now.saturating_duration_since(last.at) < PAUSE => {
                last.withheld += 1;
                None
            }
            last => Some(last.replace(LastLine { at: now, withheld: 0 }).map_or(0, |l| l.withheld)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_passes_and_then_one_a_minute_with_the_number_of_the_others() {
        let throttle = LogThrottle::default();
        let start = Instant::now();
        let at = |seconds| throttle.admit(start + Duration::from_secs(seconds));
        assert_eq!(at(0), Some(0));
        assert_eq!([at(0), at(30), at(59)], [None; 3]);
        assert_eq!(at(60), Some(3));
        assert_eq!(at(119), None);
        assert_eq!(at(1_000), Some(1));
        assert_eq!(at(2_000), Some(0));
    }
}
