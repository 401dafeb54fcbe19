//! How many tokens may be refused in a minute, and how many of these the audit log takes.
//!
//! No number of tries finds a token. What is bounded is the work, and what strangers can have written
//! down: whoever shows a token that is good is never held up by those who do not.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::address_caps::network_of;

/// How long a count lasts.
pub(super) const WINDOW: Duration = Duration::from_mins(1);
/// Refusals in a window that are answered by what is wrong: from one address (of IPv6, one /64), and of all.
pub(super) const PER_ADDRESS: u32 = 10;
const OF_ALL: u32 = 300;
/// Entries of the audit log in a window; further ones are counted in the next.
const AUDITED: u32 = 20;
/// Addresses that are counted apart in a window, so that counting costs little memory.
const ADDRESSES: usize = 4_096;

/// Counts refusals.
#[derive(Default)]
pub(super) struct Refusals(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    since: Option<Instant>,
    of_all: u32,
    per_address: HashMap<IpAddr, u32>,
    audited: u32,
    withheld: u64,
}

/// What to do with one refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// There were too many: whoever asks is told to wait, for so long.
    pub(super) wait: Option<Duration>,
    /// The audit log takes it, and says how many it has not taken since the last one.
    pub(super) audit: Option<u64>,
}

impl Refusals {
    /// Counts one more.
    pub(super) fn count(&self, address: IpAddr, now: Instant) -> Counted {
        // Every count is right by itself, so that a panic elsewhere cannot spoil it.
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *counts.since.get_or_insert(now);
        let passed = now.saturating_duration_since(since);
        let left = if passed >= WINDOW {
            let withheld = counts.withheld;
            *counts = Counts { since: Some(now), withheld, ..Counts::default() };
            WINDOW
        } else {
            WINDOW.saturating_sub(passed)
        };
        counts.of_all = counts.of_all.saturating_add(1);
        let network = network_of(address);
        let full = counts.per_address.len() >= ADDRESSES;
        let from_here = match counts.per_address.get_mut(&network) {
            Some(count) => {
                *count = count.saturating_add(1);
                *count
            }
            None if full => PER_ADDRESS + 1,
            None => {
                counts.per_address.insert(network, 1);
                1
            }
        };
        let wait = (from_here > PER_ADDRESS || counts.of_all > OF_ALL).then_some(left);
        // Who goes on is one entry a minute.
        let audit = (from_here == 1 && counts.audited < AUDITED).then_some(counts.withheld);
        if audit.is_some() {
            counts.audited += 1;
            counts.withheld = 0;
        } else {
            counts.withheld += 1;
        }
        Counted { wait, audit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from(0x0a00_0000 + number).into()
    }

    #[tokio::test(start_paused = true)]
    async fn who_shows_many_bad_tokens_waits_and_others_do_not() {
        let refusals = Refusals::default();
        let start = Instant::now();
        assert_eq!(refusals.count(address(1), start), Counted { wait: None, audit: Some(0) });
        for _ in 1..PER_ADDRESS {
            assert_eq!(refusals.count(address(1), start), Counted { wait: None, audit: None });
        }
        let later = start + Duration::from_secs(20);
        let waits = Counted { wait: Some(Duration::from_secs(40)), audit: None };
        assert_eq!(refusals.count(address(1), later), waits);
        let withheld = u64::from(PER_ADDRESS);
        let other = refusals.count(address(2), later);
        assert_eq!(other, Counted { wait: None, audit: Some(withheld) });
        let next = refusals.count(address(1), start + WINDOW);
        assert_eq!(next, Counted { wait: None, audit: Some(0) });
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_together_wait_and_fill_no_log() {
        let refusals = Refusals::default();
        let now = Instant::now();
        let counted = (0..10_000).map(|number| refusals.count(address(number), now));
        let counted = counted.collect::<Vec<_>>();
        assert_eq!(counted.iter().filter(|counted| counted.wait.is_none()).count(), 300);
        assert_eq!(counted.iter().filter(|counted| counted.audit.is_some()).count(), 20);
        let next = refusals.count(address(1), now + WINDOW);
        assert_eq!(next, Counted { wait: None, audit: Some(9_980) });
    }
}
