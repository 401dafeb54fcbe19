//! Random numbers that a seed determines: what tests of whole rounds and the simulation draw from.
#![allow(dead_code, unreachable_pub, reason = "every test file uses another part of it")]

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// Random numbers that a seed determines.
pub struct Dice(pub ChaCha20Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("it is below a usize")
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    pub fn u128(&mut self) -> u128 {
        u128::from_le_bytes(self.bytes())
    }

    /// A number in `min..=max`, an end of the range one time out of four.
    pub fn value(&mut self, min: i128, max: i128) -> i128 {
        match self.below(8) {
            0 => min,
            1 => max,
            _ => match max.abs_diff(min).checked_add(1) {
                Some(width) => min.wrapping_add_unsigned(self.u128() % width),
                None => min.wrapping_add_unsigned(self.u128()),
            },
        }
    }

    /// Short waits are common and long ones happen: up to `longest`, every order of magnitude alike.
    pub fn wait(&mut self, longest: u64) -> u64 {
        let scale = self.between(0, 3);
        self.between(1, (longest / 10u64.pow(u32::try_from(scale).expect("0 to 3"))).max(1))
    }
}
