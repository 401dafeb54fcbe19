//! How a round stands, as the hospital tells it: even if the round cannot say so any more.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::sync::watch;
use tracing::error;
use wardsum_protocol::Phase;
use wardsum_protocol::round::Status;

/// What is told about a round that has failed.
const FAILURE: &str = "a fault in the hospital's program or data stopped the round";

/// How a round stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What the round last said. If it has failed, its phase is [`Phase::Ended`], without a reason.
    pub status: Status,
    /// Whether a fault in the hospital's program or data ended the round, which no rule foresees.
    pub failed: bool,
    /// Whether the round stands still because nothing can be stored.
    pub suspended: bool,
}

impl Standing {
    /// Why the round ended without a result, in plain words, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<String> {
        if self.failed {
            return Some(FAILURE.to_owned());
        }
        self.status.ended.map(|reason| reason.to_string())
    }

    /// Whether nothing can change any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self.status.phase {
            Phase::Published | Phase::Ended => true,
            Phase::Enrolling | Phase::Contributing | Phase::Verifying | Phase::Aggregating => false,
        }
    }

    /// Nothing can be stored, and nobody is connected.
    pub(crate) fn suspend(&mut self) {
        self.suspended = true;
        self.status.connected = 0;
    }

    /// The round's task is gone, and all connections with it. A result that is out stays.
    pub(crate) fn fail(&mut self) {
        self.suspended = false;
        self.failed = !self.is_over();
        if self.failed {
            self.status.phase = Phase::Ended;
        }
        self.status.connected = 0;
        self.status.closes_at = None;
    }
}

impl From<Status> for Standing {
    fn from(status: Status) -> Self {
        Self { status, failed: false, suspended: false }
    }
}

/// Runs a round's task to its end. If it panics, the round's standing says so from then on, and `failed`
/// is called unless there was a result already.
pub(crate) async fn supervise(
    task: impl Future<Output = ()>,
    standing: watch::Sender<Standing>,
    failed: impl FnOnce(),
) {
    // Nothing is seen again of what a panic may have left half done: the task takes it along.
    if AssertUnwindSafe(task).catch_unwind().await.is_err() {
        standing.send_modify(Standing::fail);
        // What was wrong, and where, the panic itself has written to standard error.
        error!("the round's task panicked, and the round with it; please report this fault");
        if standing.borrow().failed {
            failed();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use wardsum_protocol::Aggregate;
    use wardsum_protocol::sharing::ShareIndices;

    use super::*;
    use crate::cli::LogLevel;
    use crate::logging;

    fn seven() -> Aggregate {
        Aggregate { count: 3, cells: [Some(7)].into() }
    }

    fn status(phase: Phase) -> Status {
        Status {
            phase,
            enrolled: 4,
            committee: None,
            threshold: None,
            contributed: 0,
            verified: 0,
            rejected: 0,
            left_out: ShareIndices::default(),
            partials: 0,
            connected: 4,
            away: 0,
            closes_at: None,
            aggregate: (phase == Phase::Published).then(seven),
            wrong: ShareIndices::default(),
            ended: None,
        }
    }

    /// Supervises a task that panics; returns what is told afterwards, and whether it counts as failed.
    fn after_a_panic(phase: Phase) -> (Standing, bool) {
        let (sender, standing) = watch::channel(status(phase).into());
        let mut failed = false;
        let task = async { panic!("this test wants a panic here") };
        supervise(task, sender, || failed = true).now_or_never().unwrap();
        let standing = standing.borrow().clone();
        (standing, failed)
    }

    // All in one test: where another thread logs the same event to nobody, this one may miss it.
    #[test]
    fn a_panic_ends_the_round_with_a_reason_and_takes_no_result_back() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let writer = Mutex::new(log.reopen().unwrap());
        let subscriber = logging::subscriber(LogLevel::Error, true, writer);
        let (unfinished, published) = tracing::subscriber::with_default(subscriber, || {
            (after_a_panic(Phase::Contributing), after_a_panic(Phase::Published))
        });

        let (standing, failed) = unfinished;
        assert!(failed && standing.failed && standing.is_over());
        assert_eq!(standing.ended().as_deref(), Some(FAILURE));
        assert_eq!((standing.status.enrolled, standing.status.connected), (4, 0));

        let (standing, failed) = published;
        assert!(!failed && standing.ended().is_none());
        assert_eq!(standing.status.aggregate, Some(seven()));

        let log = std::fs::read_to_string(log.path()).unwrap();
        assert_eq!(log.lines().count(), 2, "{log}");
        for line in log.lines() {
            assert!(
                line.contains("\"ERROR\"") && line.contains("the round's task panicked"),
                "{line}"
            );
        }
    }
}
