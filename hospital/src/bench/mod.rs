//! `hospital bench`: rounds next to what they must cost at least, and the relay next to a bare one.
//!
//! Everything is measured in one run on one computer, and judged by ratios, because absolute times
//! say more about the computer. A missed budget is said and is no error; a wrong sum is one.

mod abuse;
mod bare_relay;
mod floor;
mod relay;
mod report;
mod store;

use std::num::NonZeroU32;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;
use wardsum_protocol::Suite;

pub use abuse::{Abuse, AbuseError, AbuseSize, NotAnAbuseSize, abuse};
pub use floor::{Cost, Costs, Floor};
pub use relay::{Comparison, RelayError, Relayed};
pub use store::{CommitRate, Recovery, StoreError, StoreFigures};

use crate::simulate::{Answers, Report, Simulation, SimulationError};
use crate::studies_file::SuiteName;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The rounds.
    pub rounds: Vec<RoundSize>,
    /// How often each is played; the one of median wall time counts.
    pub repeat: NonZeroU32,
    /// How many connections the relays are compared with, 3 to 255.
    pub relay_connections: u16,
    /// The algorithms.
    pub suite: SuiteName,
    /// How many stored contributions a hospital is started with.
    pub recovered: NonZeroU32,
    /// How long each round may take.
    pub deadline: Duration,
}

/// A round's size: `100`, or `100:32` for a committee of 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundSize {
    /// How many patients.
    pub patients: usize,
    /// The largest committee.
    pub committee_cap: u16,
}

/// A size that is not of the form `PATIENTS` or `PATIENTS:COMMITTEE`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is no size of a round; write 100, or 100:32 for a committee of 32")]
pub struct NotARoundSize(String);

impl FromStr for RoundSize {
    type Err = NotARoundSize;

    fn from_str(text: &str) -> Result<Self, NotARoundSize> {
        let refused = || NotARoundSize(text.to_owned());
        let (patients, committee) = text.split_once(':').unwrap_or((text, "255"));
        Ok(Self {
            patients: patients.parse().map_err(|_| refused())?,
            committee_cap: committee.parse().map_err(|_| refused())?,
        })
    }
}

/// Why nothing could be measured.
#[derive(Debug, Error)]
pub enum BenchError {
    /// A round that cannot be played.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The comparison of the relays failed.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The store cannot be measured.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BenchError {
    /// Whether what was asked for can never be measured.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Simulation(error) => error.is_configuration(),
            Self::Relay(RelayError::Simulation(error)) => error.is_configuration(),
            Self::Relay(_) | Self::Store(_) => false,
        }
    }
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// How many cores the floors are spread over.
    pub cores: usize,
    /// The algorithms.
    pub suite: SuiteName,
    /// How often each round was played.
    pub repeat: NonZeroU32,
    /// Each operation's cost, over all measurements.
    pub costs: Costs,
    /// The rounds, each the one of median wall time.
    pub rounds: Vec<MeasuredRound>,
    /// The relays.
    pub relay: Comparison,
    /// The store.
    pub store: StoreFigures,
}

/// One round and its floor.
#[derive(Clone, Debug, Serialize)]
pub struct MeasuredRound {
    /// The round.
    pub round: Report,
    /// What its cryptography takes at least, measured right before and after it.
    pub floor: Floor,
}

impl Measured {
    /// Whether every round found the exact sum.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.rounds.iter().all(|measured| measured.round.exact)
    }
}

impl Bench {
    /// Measures everything. `say` hears what is measured next.
    ///
    /// Must not be called on a Tokio runtime, because rounds make their own.
    pub fn run(&self, mut say: impl FnMut(&str)) -> Result<Measured, BenchError> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut costs = vec![self.costs(cores)];
        let mut rounds = Vec::with_capacity(self.rounds.len());
        for size in &self.rounds {
            let (patients, times) = (size.patients, self.repeat);
            say(&format!("a round of {patients}, {times} times"));
            let mut runs = Vec::new();
            for _ in 0..times.get() {
                let round = self.simulation(*size).run(|_| ())?;
                let after = self.costs(cores);
                let around = Costs::mean(&[costs[costs.len() - 1], after]);
                costs.push(after);
                let members = round.committee.map_or(0, u32::from);
                let floor = Floor::of(&around, round.patients, members, cores);
                runs.push(MeasuredRound { round, floor });
            }
            rounds.push(median(runs, |run| run.round.round_us));
        }
        say(&format!("the relay with {} connections", self.relay_connections));
        let size = RoundSize {
            patients: self.relay_connections.into(),
            committee_cap: self.relay_connections,
        };
        let comparisons = (0..self.repeat.get())
            .map(|_| relay::compare(&self.simulation(size)))
            .collect::<Result<Vec<_>, _>>()?;
        // Ratios of times that were measured moments apart: the median of them is a fair one.
        let relay = median(comparisons, Comparison::rate_in_percent);
        say(&format!("the store, with up to {} contributions", self.recovered));
        let store = store::measure(self.recovered)?;
        let costs = Costs::mean(&costs);
        let Self { suite, repeat, .. } = *self;
        Ok(Measured { cores, suite, repeat, costs, rounds, relay, store })
    }

    fn costs(&self, cores: usize) -> Costs {
        Costs::measure(Suite::from(self.suite), cores)
    }

    fn simulation(&self, size: RoundSize) -> Simulation {
        Simulation {
            committee_cap: size.committee_cap,
            suite: self.suite,
            deadline: self.deadline,
            ..Simulation::of(Answers::draw(size.patients, 0))
        }
    }
}

/// The median by `key`; of two in the middle, the lower one.
fn median<T>(mut all: Vec<T>, key: impl Fn(&T) -> u64) -> T {
    all.sort_by_key(key);
    let middle = (all.len() - 1) / 2;
    all.swap_remove(middle)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_patients_and_perhaps_a_committee() {
        let size = |patients, committee_cap| Ok(RoundSize { patients, committee_cap });
        assert_eq!("100".parse(), size(100, 255));
        assert_eq!("100:32".parse(), size(100, 32));
        for text in ["", ":", "100:", "ten", "3:4:5", "-3"] {
            assert_eq!(text.parse::<RoundSize>(), Err(NotARoundSize(text.to_owned())));
        }
    }

    #[test]
    fn a_median_is_one_of_the_runs() {
        assert_eq!(median(vec![5, 1, 9], |run| *run), 5);
        assert_eq!(median(vec![4, 1], |run| *run), 1);
        assert_eq!(median(vec![7], |run| *run), 7);
    }
}
