//! How much processor time the threads of a runtime spend.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};

/// The processor time of one runtime's worker threads.
///
/// Each thread notes its own whenever it has nothing left to do, because an operating system tells
/// no other thread's more precisely than in ticks of 10 ms. A thread that is busy when the meter is
/// read is therefore counted up to its last pause.
#[derive(Clone, Default)]
pub(crate) struct CpuMeter {
    spent: Arc<Mutex<HashMap<ThreadId, Duration>>>,
}

impl CpuMeter {
    /// A runtime with a worker thread per core, and the meter of these threads.
    pub(crate) fn runtime(name: &str) -> io::Result<(Runtime, Self)> {
        let meter = Self::default();
        let noted = meter.clone();
        let runtime = Builder::new_multi_thread()
            .thread_name(name)
            .enable_all()
            .on_thread_park(move || noted.note())
            .build()?;
        Ok((runtime, meter))
    }

    /// What all threads together have spent so far.
    pub(crate) fn read(&self) -> Duration {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn note(&self) {
        let now = this_thread();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.insert(thread::current().id(), now);
    }
}

/// The processor time of all threads of this process.
pub(crate) fn this_process() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// The processor time of the thread that asks.
pub(crate) fn this_thread() -> Duration {
    // The clock starts at zero with its thread, so it is never negative.
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
