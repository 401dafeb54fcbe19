//! Plays many runs on all cores, and tells which one broke what.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::world::{Tally, Trace, World};

/// How many lines of the trace are printed when a run fails.
const LINES: usize = 400;

/// A run that went wrong.
pub struct Failed {
    pub seed: u64,
    pub why: String,
}

/// Plays one run; a panic is a broken run too.
pub fn play(seed: u64, trace: Trace) -> Result<Tally, Failed> {
    let played = catch_unwind(AssertUnwindSafe(|| World::new(seed, trace).play()));
    match played {
        Ok(Ok(tally)) => Ok(tally),
        Ok(Err(broken)) => Err(Failed { seed, why: broken.to_string() }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(Failed { seed, why: format!("panic: {}", text.unwrap_or_default()) })
        }
    }
}

/// Plays the runs of `seeds`, and stops at the first that fails.
pub fn play_all(seeds: std::ops::Range<u64>) -> Result<Tally, Failed> {
    let next = AtomicU64::new(seeds.start);
    let stop = AtomicBool::new(false);
    let outcome = Mutex::new((Tally::default(), None::<Failed>));
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let played = play(seed, Trace::default());
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            match played {
                Ok(tally) => outcome.0 += tally,
                Err(failed) => {
                    stop.store(true, Ordering::Relaxed);
                    // Of several that fail at the same time the first counts: always the same one.
                    if outcome.1.as_ref().is_none_or(|before| failed.seed < before.seed) {
                        outcome.1 = Some(failed);
                    }
                }
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let (tally, failed) = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.map_or(Ok(tally), Err)
}

/// Plays a run again and prints what happened in it.
pub fn replay(seed: u64) -> Result<Tally, Failed> {
    let trace = Trace::kept();
    let played = play(seed, trace.clone());
    if played.is_err() {
        let lines = setting("WARDSUM_LINES").and_then(|lines| lines.try_into().ok());
        for line in trace.last(lines.unwrap_or(LINES)) {
            println!("{line}");
        }
    }
    played
}

/// The number in an environment variable, if it is set.
pub fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.published += other.published;
        self.gentle += other.gentle;
        self.gentle_published += other.gentle_published;
        self.restarts += other.restarts;
        self.connections += other.connections;
        self.reloads += other.reloads;
        self.corrected += other.corrected;
        self.rejecting += other.rejecting;
        self.leaving_out += other.leaving_out;
    }
}
