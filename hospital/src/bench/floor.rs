//! What a round's cryptography costs on this computer: the floor under its wall time.
//!
//! Every core does the same work at the same time, as in a round, so that cores which share their
//! caches, their clock or their time with somebody else do so here too.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use chacha20::ChaCha8Rng;
use chacha20::rand_core::SeedableRng;
use serde::Serialize;
use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::identity::{Identity, SignatureLabel};
use wardsum_protocol::seal::{OpeningKey, SealingKey};
use wardsum_protocol::{Entropy, Suite};

use crate::cpu;

/// How long one operation is repeated on each core.
const REPEATED_FOR: Duration = Duration::from_millis(40);

/// As long as what HPKE's `info` and `aad` are in a round.
const INFO_LEN: usize = 88;
const AAD_LEN: usize = 65;

/// The cost of each operation on a core, while all cores do the same.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Costs {
    /// Sealing one share.
    pub seal: Cost,
    /// Signing one contribution.
    pub sign: Cost,
    /// Verifying the signature of one contribution, or of one enrolment, which is longer by a key.
    pub verify: Cost,
    /// Opening one share.
    pub open: Cost,
}

/// What one operation takes, in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Cost {
    /// On the clock on the wall, pauses for other programs included.
    pub wall_us: f64,
    /// Of processor time.
    pub cpu_us: f64,
}

impl Costs {
    /// Measures them on `cores` cores.
    pub(super) fn measure(suite: Suite, cores: usize) -> Self {
        let all = thread::scope(|scope| {
            let workers: Vec<_> =
                (0..cores).map(|_| scope.spawn(move || Self::on_this_core(suite))).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().expect("nothing that is measured can fail"))
                .collect::<Vec<_>>()
        });
        Self::mean(&all)
    }

    /// The mean of several measurements.
    pub(super) fn mean(all: &[Self]) -> Self {
        let mean = |pick: fn(&Self) -> Cost| Cost::mean(all.iter().map(pick));
        Self {
            seal: mean(|costs| costs.seal),
            sign: mean(|costs| costs.sign),
            verify: mean(|costs| costs.verify),
            open: mean(|costs| costs.open),
        }
    }

    fn on_this_core(suite: Suite) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        // Answers from 0 to 10, like those of the simulated patients.
        let plaintext = IntegerRange::new(0, 10)
            .and_then(|range| range.encode(7))
            .expect("7 is between 0 and 10")
            .encode();
        let (info, aad) = ([1; INFO_LEN], [2; AAD_LEN]);
        let (private, public) = OpeningKey::derive(suite, &Entropy::new([3; 32]));
        let public = SealingKey::decode(suite, &public).expect("it is a key that was just made");
        let identity = Identity::derive(&Entropy::new([4; 32]));
        let label = SignatureLabel::Contribution;

        let mut seal =
            || public.seal(&info, &aad, &plaintext, &mut random).expect("the key is good");
        let sealed = seal();
        // What is signed is a digest.
        let parts: [&[u8]; 1] = [&[5; 32]];
        let signature = identity.sign(label, &parts);
        let sender = identity.id();
        Self {
            seal: Cost::of(|| {
                black_box(seal());
            }),
            sign: Cost::of(|| {
                black_box(identity.sign(label, black_box(&parts)));
            }),
            verify: Cost::of(|| {
                let verified = sender.verify(label, black_box(&parts), &signature);
                verified.expect("the signature was just made");
            }),
            open: Cost::of(|| {
                let opened = private.open(&info, &aad, black_box(&sealed));
                black_box(opened.expect("the share was just sealed"));
            }),
        }
    }
}

impl Cost {
    fn of(mut operation: impl FnMut()) -> Self {
        let (began, cpu_began) = (Instant::now(), cpu::this_thread());
        let mut repetitions = 0_u32;
        while began.elapsed() < REPEATED_FOR {
            operation();
            repetitions += 1;
        }
        let (wall, cpu) = (began.elapsed(), cpu::this_thread().saturating_sub(cpu_began));
        let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(repetitions);
        Self { wall_us: each(wall), cpu_us: each(cpu) }
    }

    fn mean(all: impl ExactSizeIterator<Item = Self>) -> Self {
        let count = f64::from(u32::try_from(all.len()).unwrap_or(u32::MAX));
        let sum = all.fold(Self::default(), |sum, cost| Self {
            wall_us: sum.wall_us + cost.wall_us,
            cpu_us: sum.cpu_us + cost.cpu_us,
        });
        Self { wall_us: sum.wall_us / count, cpu_us: sum.cpu_us / count }
    }
}

/// What the cryptography of one round takes at least, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Floor {
    /// Signing all contributions, and sealing, verifying and opening all shares, spread over the cores.
    pub shares_ms: f64,
    /// Verifying each committee member's enrolment at each peer, spread over the cores.
    pub enrolments_ms: f64,
    /// The processor time of all of it together, on one core.
    pub cpu_ms: f64,
}

impl Floor {
    /// The floor of a round of `patients` with a committee of `members`.
    pub(super) fn of(costs: &Costs, patients: u32, members: u32, cores: usize) -> Self {
        let Costs { seal, sign, verify, open } = costs;
        let shares = f64::from(patients) * f64::from(members);
        let cores = f64::from(u32::try_from(cores).unwrap_or(u32::MAX));
        let total = |of: fn(&Cost) -> f64| {
            let each_share = [seal, verify, open].into_iter().map(of).sum::<f64>();
            (shares * each_share + f64::from(patients) * of(sign)) / 1e3
        };
        let enrolments = |of: fn(&Cost) -> f64| shares * of(verify) / 1e3;
        Self {
            shares_ms: total(|cost| cost.wall_us) / cores,
            enrolments_ms: enrolments(|cost| cost.wall_us) / cores,
            cpu_ms: total(|cost| cost.cpu_us) + enrolments(|cost| cost.cpu_us),
        }
    }

    /// All of it, spread over the cores.
    #[must_use]
    pub fn wall_ms(&self) -> f64 {
        self.shares_ms + self.enrolments_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_is_work_over_cores() {
        let cost = |us| Cost { wall_us: us, cpu_us: us };
        let costs =
            Costs { seal: cost(200.0), sign: cost(20.0), verify: cost(30.0), open: cost(150.0) };
        let floor = Floor::of(&costs, 100, 10, 2);
        assert!((floor.shares_ms - 191.0).abs() < 1e-9, "{floor:?}");
        assert!((floor.enrolments_ms - 15.0).abs() < 1e-9, "{floor:?}");
        assert!((floor.cpu_ms - 412.0).abs() < 1e-9, "{floor:?}");
    }
}
