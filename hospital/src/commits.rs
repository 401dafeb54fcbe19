//! What a round may not do yet, because what it has written down is not durable yet.
//!
//! The round's outputs pass through here in order. Behind a record everything waits until that record
//! is committed, while the round goes on with further messages; what it says about those waits behind
//! theirs. So nothing is acknowledged or acted upon that a crash could undo, and many records share
//! one sync of the disk.

use std::collections::VecDeque;
use std::mem;
use std::time::Instant;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use wardsum_protocol::Timestamp;
use wardsum_protocol::round::{Output, Record, Status};

use crate::metrics::Metrics;
use crate::store::{RoundKey, Store, StoreError};

/// How many commits of one round may be under way. While there are as many, the round hears no more
/// messages, so that a slow disk slows the peers down and not the hospital's memory up.
const COMMITS_UNDER_WAY: usize = 4;

/// The records and outputs of one round on their way.
pub(crate) struct Commits {
    store: Store,
    round: RoundKey,
    metrics: Metrics,
    /// Records that were not handed to the store yet, and what waits for them.
    open: Vec<Record>,
    open_then: Vec<Step>,
    under_way: VecDeque<Commit>,
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
        let (open, open_then, under_way) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { store, round, metrics, open, open_then, under_way }
    }

    /// Takes the next step; gives it back if nothing has to be durable before it.
    pub(crate) fn pass(&mut self, step: Step) -> Option<Step> {
        match step {
            Step::Do(Output::Persist(record)) => self.open.push(*record),
            // It concerns the round alone, which is ahead of the disk anyway.
            Step::Do(Output::Timeout(_)) => return Some(step),
            step if !self.open.is_empty() => self.open_then.push(step),
            step => match self.under_way.back_mut() {
                Some(commit) => commit.then.steps.push(step),
                None => return Some(step),
            },
        }
        None
    }

    /// Hands the records over that have come since the last time, all in one transaction. `status` is
    /// how the round stands now; it comes back if that may be said at once.
    pub(crate) fn commit(&mut self, at: Timestamp, status: Status) -> Option<Status> {
        if !self.open.is_empty() {
            let records = mem::take(&mut self.open);
            let done = Box::pin(self.store.append(self.round, at, records));
            let then = Committed { steps: mem::take(&mut self.open_then), status };
            self.under_way.push_back(Commit { began: Instant::now(), done, then });
        }
        match self.under_way.back_mut() {
            Some(commit) => {
                commit.then.status = status;
                None
            }
            None => Some(status),
        }
    }

    /// Whether so many commits are under way that the round should wait.
    pub(crate) fn is_full(&self) -> bool {
        self.under_way.len() >= COMMITS_UNDER_WAY
    }

    /// Waits for the oldest commit under way; returns what may be done now. Without any it waits for
    /// ever. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Committed, StoreError> {
        let Some(oldest) = self.under_way.front_mut() else { return std::future::pending().await };
        (&mut oldest.done).await?;
        let Some(commit) = self.under_way.pop_front() else { return std::future::pending().await };
        self.metrics.committed(commit.began.elapsed());
        Ok(commit.then)
    }

    /// Forgets everything that is not durable, because a commit has failed.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
        self.open_then.clear();
        self.under_way.clear();
    }
}
