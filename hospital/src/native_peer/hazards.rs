//! What happens to peers on purpose: connections that break, and devices that vanish.
//!
//! Simulations and tests play with it what phones and networks do all the time.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use wardsum_protocol::peer::{Event, Misbehaviour};

/// What happens to one peer. By default, nothing does.
#[derive(Default)]
pub struct Hazards {
    /// Breaks connections.
    pub breaks: Option<Breaks>,
    /// Is asked about every event, before anything is done that follows from it. Once it says `true` the
    /// peer is gone, as a device with an empty battery is: its connection is cut, what it was about to
    /// send is never sent, and it does not come back.
    pub vanishes: Option<Vanishes>,
    /// Is asked about every event, and may turn the peer into one that cheats.
    pub turns: Option<Turns>,
}

/// Says at which event a peer begins to cheat, and how.
pub type Turns = Box<dyn FnMut(&Event) -> Option<Misbehaviour> + Send>;

/// Says at which event a peer vanishes.
pub type Vanishes = Box<dyn FnMut(&Event) -> bool + Send>;

/// Breaks some of a peer's connections, each after a number of messages in either direction. The
/// message with which one breaks is lost, and so is what was sent and has not left yet.
#[derive(Debug)]
pub struct Breaks {
    percent: u8,
    random: ChaCha8Rng,
    /// How many messages the present connection still carries, if it is one that breaks.
    carries: Option<u32>,
}

/// A connection that breaks does so after `2^BREAKS_WITHIN_BITS` messages at most.
const BREAKS_WITHIN_BITS: u64 = 8;

impl Breaks {
    /// Breaks this many of 100 connections. Which ones, and when, follows from the seed and the
    /// peer's number.
    #[must_use]
    pub fn new(percent: u8, seed: u64, peer: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(peer);
        Self { percent, random, carries: None }
    }

    /// A new connection stands.
    pub(super) fn connected(&mut self) {
        let breaks = self.random.next_u64() % 100 < self.percent.into();
        // As often among the first few messages, where most of the protocol happens, as among the many
        // deliveries that follow.
        let bits = self.random.next_u64() % (BREAKS_WITHIN_BITS + 1);
        let carries = self.random.next_u32() & ((1 << bits) - 1);
        self.carries = breaks.then_some(carries);
    }

    /// Whether the connection breaks with the next message.
    pub(super) fn hit(&mut self) -> bool {
        match &mut self.carries {
            None => false,
            Some(0) => true,
            Some(carries) => {
                *carries -= 1;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many messages each of 1,000 connections breaks, of those that do.
    fn breaks(percent: u8, seed: u64, peer: u64) -> Vec<u32> {
        let mut breaks = Breaks::new(percent, seed, peer);
        let connections = (0..1_000).filter_map(|_| {
            breaks.connected();
            (0..=1 << BREAKS_WITHIN_BITS).find(|_| breaks.hit())
        });
        connections.collect()
    }

    #[test]
    fn as_many_connections_break_as_was_said_early_and_late() {
        assert!(breaks(0, 1, 1).is_empty());
        let all = breaks(100, 1, 1);
        assert_eq!(all.len(), 1_000);
        assert!(all.contains(&0) && all.iter().any(|after| *after > 128), "{all:?}");
        let fifth = breaks(20, 1, 1).len();
        assert!((150..250).contains(&fifth), "{fifth} of 1000");
    }

    #[test]
    fn breaks_follow_from_seed_and_peer() {
        assert_eq!(breaks(50, 7, 3), breaks(50, 7, 3));
        assert_ne!(breaks(50, 7, 3), breaks(50, 7, 4));
        assert_ne!(breaks(50, 7, 3), breaks(50, 8, 3));
    }
}
