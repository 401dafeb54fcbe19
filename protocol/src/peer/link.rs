//! The peer's connection: when to connect, when to give one up, and when to try again.
//!
//! Connections are lost all the time: phones sleep, networks change, hospitals restart. So a peer
//! that knows its study never ends with its connection. It tries again, after a pause that grows and
//! that chance spreads, until the longest time that the round can take is over.

use chacha20::ChaCha20Rng;
use rand_core::Rng;

use crate::entropy::{Entropy, Purpose};
use crate::identification::Challenge;
use crate::peer::{Failure, REPLY_TIMEOUT_MS, SILENCE_MS};
use crate::time::Timestamp;

/// The longest pause before the first new attempt, in milliseconds; it doubles with every failure.
const FIRST_PAUSE_MS: u64 = 500;

/// The longest pause, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 30_000;

/// A connection that held for this long, in milliseconds, ends the series of failures.
const STABLE_MS: u64 = 10_000;

/// A page that wakes up and has heard nothing for this long, in milliseconds, connects anew: the
/// hospital repeats its progress every 20 s.
const STALE_MS: u64 = 25_000;

/// A page that wakes up and has been connecting for this long, in milliseconds, begins anew: the network
/// over which it began may be gone.
const STALE_OPENING_MS: u64 = 5_000;

/// The slowest line that has to do, in bytes a second: 64 KiB in 20 s, as at the hospital (15.7).
const SLOW_LINE: u64 = 64 * 1024 / 20;

/// Connects, watches and connects again.
#[derive(Debug)]
pub(super) struct Link {
    state: LinkState,
    /// How many attempts have failed in a row.
    failures: u32,
    jitter: ChaCha20Rng,
}

#[derive(Debug)]
enum LinkState {
    /// The driver is connecting.
    Opening { since: Timestamp },
    /// The connection stands.
    Open(Open),
    /// The next attempt waits.
    Pausing { until: Timestamp },
    /// No connection is wanted any more.
    Over,
}

#[derive(Debug)]
struct Open {
    since: Timestamp,
    last_heard: Timestamp,
    /// Until when the hospital has to answer.
    reply_due: Option<Timestamp>,
    /// What the hospital wants signed, once it has said so.
    challenge: Option<Challenge>,
}

/// What a link's timer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkDue {
    /// The pause is over.
    Connect,
    /// The hospital did not answer in time.
    NoReply,
    /// Nothing was heard for too long.
    Silence,
}

impl Link {
    /// The driver is asked to connect now.
    pub(super) fn opening(entropy: &Entropy, now: Timestamp) -> Self {
        let jitter = entropy.stream(Purpose::Backoff, &[]);
        Self { state: LinkState::Opening { since: now }, failures: 0, jitter }
    }

    /// The driver has connected; `false` if that was not wanted.
    pub(super) fn opened(&mut self, now: Timestamp) -> bool {
        let wanted = matches!(self.state, LinkState::Opening { .. });
        if wanted {
            let reply_due = Some(now.after(REPLY_TIMEOUT_MS));
            let open = Open { since: now, last_heard: now, reply_due, challenge: None };
            self.state = LinkState::Open(open);
        }
        wanted
    }

    /// Something came; `false` if it came over a connection that was given up.
    pub(super) fn heard(&mut self, now: Timestamp) -> bool {
        match &mut self.state {
            LinkState::Open(open) => {
                open.last_heard = now;
                true
            }
            _ => false,
        }
    }

    /// The hospital's first message came; `false` if it had come before.
    pub(super) fn welcomed(&mut self, challenge: Challenge) -> bool {
        match &mut self.state {
            LinkState::Open(open) if open.challenge.is_none() => {
                open.challenge = Some(challenge);
                open.reply_due = None;
                true
            }
            _ => false,
        }
    }

    /// What to sign, while messages can be sent.
    pub(super) fn challenge(&self) -> Option<Challenge> {
        match &self.state {
            LinkState::Open(open) => open.challenge,
            _ => None,
        }
    }

    /// The hospital has to answer soon. An earlier time limit stays.
    pub(super) fn expect_reply(&mut self, now: Timestamp) {
        if let LinkState::Open(open) = &mut self.state {
            open.reply_due.get_or_insert(now.after(REPLY_TIMEOUT_MS));
        }
    }

    /// The hospital has to answer a message of this length, which takes its time on a slow line.
    pub(super) fn expect_reply_to(&mut self, len: usize, now: Timestamp) {
        let uploading = u64::try_from(len).unwrap_or(u64::MAX).saturating_mul(1_000) / SLOW_LINE;
        if let LinkState::Open(open) = &mut self.state {
            open.reply_due.get_or_insert(now.after(REPLY_TIMEOUT_MS.saturating_add(uploading)));
        }
    }

    /// What the hospital has to say is on its way: it has its time once more.
    pub(super) fn renew_reply(&mut self, now: Timestamp) {
        if let LinkState::Open(Open { reply_due: Some(due), .. }) = &mut self.state {
            *due = now.after(REPLY_TIMEOUT_MS);
        }
    }

    /// The hospital has answered. Its first message stays due: without it nothing can be sent.
    pub(super) fn replied(&mut self) {
        if let LinkState::Open(open) = &mut self.state
            && open.challenge.is_some()
        {
            open.reply_due = None;
        }
    }

    /// The connection is gone, or is given up. Returns how long the pause is, in milliseconds.
    pub(super) fn lost(&mut self, why: Failure, now: Timestamp) -> u64 {
        if let LinkState::Open(open) = &self.state
            && now.since(open.since) >= STABLE_MS
        {
            self.failures = 0;
        }
        let least = match why {
            // When a hospital restarts, everybody loses the connection at once: come back spread out.
            Failure::HospitalStopping => 2,
            // Those for whom the places are kept are waited for for some 20 s.
            Failure::PlacesKept => 5,
            _ => 0,
        };
        let doublings = self.failures.max(least);
        self.failures = self.failures.saturating_add(1);
        let longest = (FIRST_PAUSE_MS << doublings.min(16)).min(LONGEST_PAUSE_MS);
        let pause = longest / 2 + self.jitter.next_u64() % (longest / 2);
        self.state = LinkState::Pausing { until: now.after(pause) };
        pause
    }

    /// The page is seen again, or the network is back; `true` if the connection has to be made anew.
    pub(super) fn wake(&mut self, now: Timestamp) -> bool {
        // What failed before says little about the network that is there now.
        self.failures = 0;
        match &self.state {
            LinkState::Pausing { .. } => true,
            LinkState::Open(open) => now.since(open.last_heard) >= STALE_MS,
            LinkState::Opening { since } => now.since(*since) >= STALE_OPENING_MS,
            LinkState::Over => false,
        }
    }

    /// The driver is asked to connect.
    pub(super) fn connecting(&mut self, now: Timestamp) {
        self.state = LinkState::Opening { since: now };
    }

    /// No connection is wanted any more.
    pub(super) fn end(&mut self) {
        self.state = LinkState::Over;
    }

    /// When the link has to act.
    pub(super) fn due(&self) -> Option<Timestamp> {
        match &self.state {
            LinkState::Opening { since } => Some(since.after(REPLY_TIMEOUT_MS)),
            LinkState::Pausing { until } => Some(*until),
            LinkState::Open(open) => {
                let silence = open.last_heard.after(SILENCE_MS);
                Some(open.reply_due.map_or(silence, |due| due.min(silence)))
            }
            LinkState::Over => None,
        }
    }

    /// What the link has to do now.
    pub(super) fn act(&self, now: Timestamp) -> Option<LinkDue> {
        if self.due().is_none_or(|due| now < due) {
            return None;
        }
        match &self.state {
            LinkState::Opening { .. } => Some(LinkDue::NoReply),
            LinkState::Pausing { .. } => Some(LinkDue::Connect),
            LinkState::Open(open) if open.reply_due.is_some_and(|due| now >= due) => {
                Some(LinkDue::NoReply)
            }
            LinkState::Open(_) => Some(LinkDue::Silence),
            LinkState::Over => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link::opening(&Entropy::new([1; 32]), Timestamp(0))
    }

    #[test]
    fn pauses_grow_and_are_spread_by_chance() {
        let mut link = link();
        for longest in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000] {
            let pause = link.lost(Failure::ConnectionLost, Timestamp(0));
            assert!((longest / 2..longest).contains(&pause), "{pause} of {longest} ms");
            link.connecting(Timestamp(0));
        }
    }

    #[test]
    fn a_connection_that_held_starts_over() {
        let mut link = link();
        for _ in 0..5 {
            link.lost(Failure::ConnectionLost, Timestamp(0));
            link.connecting(Timestamp(0));
        }
        assert!(link.opened(Timestamp(0)));
        assert!(link.lost(Failure::ConnectionLost, Timestamp(STABLE_MS)) < 500);
    }

    #[test]
    fn waking_connects_at_once_unless_the_connection_is_fresh() {
        let mut link = link();
        assert!(!link.wake(Timestamp(STALE_OPENING_MS - 1)));
        assert!(link.wake(Timestamp(STALE_OPENING_MS)));
        link.opened(Timestamp(0));
        assert!(!link.wake(Timestamp(STALE_MS - 1)));
        assert!(link.wake(Timestamp(STALE_MS)));
        link.lost(Failure::ConnectionLost, Timestamp(STALE_MS));
        assert!(link.wake(Timestamp(STALE_MS)));
    }
}
