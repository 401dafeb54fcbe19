//! What a round may not do yet, because what it has written down is not durable yet.
//!
//! The round's outputs pass through here in order. Behind a record everything waits until that record
//! is committed, while the round goes on with further messages; what it says about those waits behind
//! theirs. So nothing is acknowledged or acted upon that a crash could undo, and many records share
//! one sync of the disk.

use std::collections::VecDeque;
use std::mem;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use wardsum_protocol::Timestamp;
use wardsum_protocol::round::{Output, Record, Status};

use crate::metrics::Metrics;
use crate::store::{RoundKey, Store, StoreError};

/// How many bytes of one round's records may be under way to the disk. While there are as many, the round
/// hears no more messages, so that a slow disk slows the peers down and not the hospital's memory up.
const BYTES_UNDER_WAY: usize = 8 << 20;

/// How many steps of one round may wait for its records, likewise. A record is short, and may have a message
/// for everybody behind it.
const STEPS_WAITING: usize = 4_096;

/// From how many bytes on records are handed over although the round has more messages to hear, so that
/// they are being written meanwhile.
const BYTES_AT_ONCE: usize = 64 << 10;

/// The records and outputs of one round on their way.
pub(crate) struct Commits {
    store: Store,
    round: RoundKey,
    metrics: Metrics,
    /// Records that were not handed to the store yet, and what waits for them.
    open: Vec<Record>,
    open_bytes: usize,
    open_then: Vec<Step>,
    under_way: VecDeque<Commit>,
    bytes_under_way: usize,
    /// How many steps wait, for records that were handed over and for others.
    steps_waiting: usize,
    /// Why the oldest commit under way has failed, if that is known already.
    failed: Option<StoreError>,
}

/// Something that may have to wait until what was written down before it is durable.
pub(crate) enum Step {
    /// What the round wants done.
    Do(Output),
    /// Tell whoever gave a command that it was carried out.
    Carried(oneshot::Sender<Status>),
}

struct Commit {
    began: Instant,
    bytes: usize,
    done: BoxFuture<'static, Result<(), StoreError>>,
    then: Committed,
}

/// What may be done and said now.
pub(crate) struct Committed {
    pub(crate) steps: Vec<Step>,
    /// How the round stood behind the records that are durable now.
    pub(crate) status: Status,
}

impl Commits {
    /// Of the round that the store knows under this key.
    pub(crate) fn new(store: Store, round: RoundKey, metrics: Metrics) -> Self {
        Self {
            store,
            round,
            metrics,
            open: Vec::new(),
            open_bytes: 0,
            open_then: Vec::new(),
            under_way: VecDeque::new(),
            bytes_under_way: 0,
            steps_waiting: 0,
            failed: None,
        }
    }

    /// Takes the next step; gives it back if nothing has to be durable before it.
    pub(crate) fn pass(&mut self, step: Step) -> Option<Step> {
        match step {
            Step::Do(Output::Persist(record)) => {
                self.open_bytes += record.weight();
                self.open.push(*record);
            }
            // It concerns the round alone, which is ahead of the disk anyway.
            Step::Do(Output::Timeout(_)) => return Some(step),
            step => {
                let waiting = match self.under_way.back_mut() {
                    _ if !self.open.is_empty() => &mut self.open_then,
                    Some(commit) => &mut commit.then.steps,
                    None => return Some(step),
                };
                waiting.push(step);
                self.steps_waiting += 1;
            }
        }
        None
    }

    /// Whether so much has been written down that it is time to [`Commits::commit`].
    pub(crate) fn is_due(&self) -> bool {
        self.open_bytes >= BYTES_AT_ONCE
    }

    /// Hands the records over that have come since the last time, all in one transaction. `status` is
    /// how the round stands now; it comes back if that may be said at once.
    pub(crate) fn commit(&mut self, at: Timestamp, status: Status) -> Option<Status> {
        if !self.open.is_empty() {
            let records = mem::take(&mut self.open);
            let bytes = mem::take(&mut self.open_bytes);
            self.bytes_under_way += bytes;
            let done = Box::pin(self.store.append(self.round, at, records));
            let steps = mem::take(&mut self.open_then);
            let then = Committed { steps, status: status.clone() };
            self.under_way.push_back(Commit { began: Instant::now(), bytes, done, then });
        }
        match self.under_way.back_mut() {
            Some(commit) => {
                commit.then.status = status;
                None
            }
            None => Some(status),
        }
    }

    /// Whether so much is under way that the round should wait.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes_under_way >= BYTES_UNDER_WAY || self.steps_waiting >= STEPS_WAITING
    }

    /// Waits for the oldest commit under way, and takes along those behind it that are done as well, as
    /// they are that shared its transaction; returns what may be done now. Without any it waits for
    /// ever. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Committed, StoreError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Some(oldest) = self.under_way.front_mut() else { return std::future::pending().await };
        (&mut oldest.done).await?;
        let Some(mut committed) = self.take_oldest() else { return std::future::pending().await };
        while let Some(next) = self.under_way.front_mut() {
            match (&mut next.done).now_or_never() {
                Some(Ok(())) => {
                    let Some(Committed { steps, status }) = self.take_oldest() else { break };
                    committed.steps.extend(steps);
                    committed.status = status;
                }
                // What is durable is done and said all the same, and before that.
                Some(Err(error)) => {
                    self.failed = Some(error);
                    break;
                }
                None => break,
            }
        }
        Ok(committed)
    }

    fn take_oldest(&mut self) -> Option<Committed> {
        let commit = self.under_way.pop_front()?;
        self.bytes_under_way -= commit.bytes;
        self.steps_waiting -= commit.then.steps.len();
        self.metrics.committed(commit.began.elapsed());
        Some(commit.then)
    }

    /// Forgets everything that is not durable, because a commit has failed.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
        self.open_bytes = 0;
        self.open_then.clear();
        self.under_way.clear();
        self.bytes_under_way = 0;
        self.steps_waiting = 0;
        self.failed = None;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use wardsum_protocol::round::{ConnectionId, Round};

    use super::*;
    use crate::store::{DataDir, NewRound};
    use crate::studies_file::StudiesFile;

    /// The commits of a new round, and how that stands.
    async fn commits(dir: &std::path::Path) -> (Commits, Store, Status) {
        let file = StudiesFile::parse(
            "[[study]]\nid = \"study\"\ntitle = \"t\"\norganisation = \"o\"\nquestion = \"q\"\n\
             min = 0\nmax = 1\n[study.enrolment]\ncount = 3\n",
            std::path::Path::new("test"),
        );
        let study =
            wardsum_protocol::Study::new(file.unwrap().plans[0].parameters().clone()).unwrap();
        let store = Store::open(DataDir::open(dir).unwrap()).unwrap();
        let new = NewRound {
            study_id: "study".to_owned(),
            number: 1,
            study: study.encode().to_vec(),
            digest: study.digest(),
        };
        let round = store.open_round(new).await.unwrap();
        let status = Round::open(study, Timestamp::default()).status();
        (Commits::new(store.clone(), round, Metrics::new()), store, status)
    }

    fn record(len: usize) -> Step {
        Step::Do(Output::Persist(Box::new(Record::Enrolled(vec![0; len].into()))))
    }

    fn said(number: u64) -> Step {
        Step::Do(Output::Send { to: ConnectionId(number), bytes: Bytes::new() })
    }

    fn numbers(steps: &[Step]) -> Vec<u64> {
        let number = |step: &Step| match step {
            Step::Do(Output::Send { to, .. }) => to.0,
            _ => panic!("nothing else was to be done"),
        };
        steps.iter().map(number).collect()
    }

    #[tokio::test]
    async fn what_is_under_way_is_bounded_in_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let (mut commits, _store, status) = commits(&dir.path().join("data")).await;
        let mut written = 0;
        while !commits.is_full() {
            assert!(commits.pass(record(1 << 20)).is_none());
            assert!(commits.is_due());
            assert!(commits.commit(Timestamp(1), status.clone()).is_none());
            written += 1;
            assert!(commits.pass(said(written)).is_none(), "it waits for the record before it");
        }
        assert_eq!(written, 8);

        let mut done = Vec::new();
        while done.len() < 8 {
            done.extend(numbers(&commits.next().await.unwrap().steps));
        }
        assert_eq!(done, (1..=8).collect::<Vec<_>>());
        assert!(!commits.is_full());
        assert!(commits.pass(said(9)).is_some(), "nothing has to be durable before it");
    }

    #[tokio::test]
    async fn what_is_durable_is_done_although_the_next_commit_fails() {
        let dir = tempfile::tempdir().unwrap();
        let (mut commits, store, status) = commits(&dir.path().join("data")).await;
        commits.pass(record(10));
        commits.commit(Timestamp(1), status.clone());
        commits.pass(said(1));
        // Durable, but not heard of yet.
        store.probe().await.unwrap();
        store
            .on_writer(|connection| connection.pragma_update(None, "query_only", true).unwrap())
            .await;
        commits.pass(record(10));
        commits.commit(Timestamp(2), status.clone());
        commits.pass(said(2));
        assert!(store.probe().await.is_err());

        assert_eq!(numbers(&commits.next().await.unwrap().steps), [1]);
        assert!(commits.next().await.is_err());
        commits.forget();
        assert!(commits.pass(said(3)).is_some());
    }
}
