//! The thread that writes: it takes all requests that wait into one transaction.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;
use tracing::{error, warn};
use wardsum_protocol::Timestamp;

use super::error::{Fault, StoreError};
use super::group::{Committed, Group};
use super::reader::Reader;
use super::schema::{self, LOCK_PATIENCE};
use super::witness::Witness;
use super::{DataDir, RoundKey};

/// How many requests one transaction takes in at most, and from how many bytes on it takes no more: while
/// one transaction is on its way to the disk, what came with the one before is passed on.
const GROUP_MAX: usize = 512;
const GROUP_BYTES: usize = 2 << 20;
/// How long a round's clock may go unwritten, and how long until what failed is tried again.
const WHILE: Duration = Duration::from_secs(1);
/// From how many bytes on the log is folded into the database once nothing was asked for a moment, and from
/// how many on whoever asks has to wait for it.
const LOG_BYTES: u32 = 8 << 20;
const LONGEST_LOG_BYTES: u32 = 32 << 20;
const QUIET: Duration = Duration::from_millis(50);
/// How many sealed messages one transaction deletes, so that appends need not wait for many.
const ERASED_AT_ONCE: u32 = 64;

/// Everything that only the writing thread touches.
pub(super) struct Writing {
    pub(super) connection: Connection,
    pub(super) committed: Committed,
    pub(super) witness: Witness,
    /// Rounds whose erasure was cut short.
    pub(super) erasing: Vec<RoundKey>,
    pub(super) file: PathBuf,
    pub(super) dir: DataDir,
}

/// Asks the writing thread.
pub(super) struct Writer {
    requests: Sender<Request>,
    times: Arc<Mutex<Times>>,
}

/// The latest time of each round that is not written yet.
type Times = HashMap<RoundKey, Timestamp>;

enum Request {
    /// Something that takes part in a transaction.
    Write(Box<dyn Write>),
    /// A round's time has to be written in a while.
    KeepTime,
    /// A round was marked as erased; reply when nothing is left of it.
    Erase(RoundKey, oneshot::Sender<Result<(), StoreError>>),
    Close(oneshot::Sender<()>),
    #[cfg(test)]
    OnConnection(Box<dyn FnOnce(&Connection) + Send>),
}

/// One request while its transaction runs.
trait Write: Send {
    /// About how many bytes it stores.
    fn bytes(&self) -> usize;
    /// Of which round nothing more may be stored if this fails.
    fn round(&self) -> Option<RoundKey>;
    /// Takes part in the transaction; a refusal concerns this request only.
    fn carry_out(&mut self, group: &mut Group<'_>) -> Result<(), Fault>;
    /// Tells whoever asked.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Asked<T, F> {
    bytes: usize,
    round: Option<RoundKey>,
    write: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Write for Asked<T, F>
where
    T: Send,
    F: FnOnce(&mut Group<'_>) -> Result<T, Fault> + Send,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn round(&self) -> Option<RoundKey> {
        self.round
    }

    fn carry_out(&mut self, group: &mut Group<'_>) -> Result<(), Fault> {
        let Some(write) = self.write.take() else { return Ok(()) };
        self.outcome = Some(match write(group) {
            Ok(value) => Ok(value),
            Err(Fault::Refused(error)) => Err(error),
            Err(fault) => return Err(fault),
        });
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let outcome = self.outcome.unwrap_or(Err(StoreError::Closed));
        // Nobody waits any more, which is their choice.
        let _ = self.reply.send(committed.and(outcome));
    }
}

impl Writer {
    pub(super) fn start(
        mut writing: Writing,
        reader: Reader,
        reading: JoinHandle<()>,
    ) -> Result<Self, StoreError> {
        let (requests, queue) = mpsc::channel();
        let times = Arc::new(Mutex::new(Times::new()));
        let log_pages = Arc::new(AtomicI32::new(0));
        let hook = {
            let log_pages = log_pages.clone();
            move |_: &mut rusqlite::hooks::Wal, pages| {
                log_pages.store(pages, Ordering::Relaxed);
                Ok(())
            }
        };
        let file = writing.file.clone();
        writing.connection.wal_hook(Some(hook)).map_err(|error| Fault::from(error).of(&file))?;
        let page = schema::page_size(&writing.connection).map_err(|fault| fault.of(&file))?;
        let erasing = mem::take(&mut writing.erasing).into_iter().map(|key| (key, None)).collect();
        let thread = WriterThread {
            writing,
            times: times.clone(),
            time_due: None,
            log_pages,
            log: LogBounds {
                folded: pages(LOG_BYTES, page),
                longest: pages(LONGEST_LOG_BYTES, page),
            },
            fold_due: None,
            erasing,
            erase_due: None,
            scrubbing: Vec::new(),
            scrub_due: None,
        };
        thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                let closed = thread.run(&queue);
                // The writer's connection is the last one, so that closing it folds the log in.
                reader.end();
                let _ = reading.join();
                let Writing { connection, dir, .. } = closed.writing;
                if let Err((_, error)) = connection.close() {
                    error!(%error, "the store was not closed in order: {error}");
                }
                drop(dir);
                for reply in closed.replies {
                    let _ = reply.send(());
                }
            })
            .map_err(|error| StoreError::io(&file, error))?;
        Ok(Self { requests, times })
    }

    /// Queues a request at once; the future waits until its transaction is durable.
    pub(super) fn ask<T, W>(
        &self,
        round: Option<RoundKey>,
        bytes: usize,
        write: W,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce(&mut Group<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let asked = Asked { bytes, round, write: Some(write), outcome: None, reply };
        // If the thread is gone the reply is dropped, which says so.
        let _ = self.requests.send(Request::Write(Box::new(asked)));
        async { answer.await.unwrap_or(Err(StoreError::Closed)) }
    }

    pub(super) fn keep_time(&self, round: RoundKey, at: Timestamp) {
        let mut times = lock(&self.times);
        if times.is_empty() {
            // A store that is closed keeps no time.
            let _ = self.requests.send(Request::KeepTime);
        }
        let latest = times.entry(round).or_default();
        *latest = at.max(*latest);
    }

    pub(super) async fn erase(&self, round: RoundKey) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let _ = self.requests.send(Request::Erase(round, reply));
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    pub(super) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        let _ = self.requests.send(Request::Close(reply));
        // Dropped if it was closed before.
        let _ = answer.await;
    }

    #[cfg(test)]
    pub(super) async fn on_connection(&self, act: impl FnOnce(&Connection) + Send + 'static) {
        let (reply, answer) = oneshot::channel();
        let act = move |connection: &Connection| {
            act(connection);
            let _ = reply.send(());
        };
        let _ = self.requests.send(Request::OnConnection(Box::new(act)));
        answer.await.unwrap();
    }
}

fn lock(times: &Mutex<Times>) -> MutexGuard<'_, Times> {
    // Nothing panics while it holds the map, and a map of times cannot be half changed.
    times.lock().unwrap_or_else(PoisonError::into_inner)
}

type EraseReply = Option<oneshot::Sender<Result<(), StoreError>>>;

struct WriterThread {
    writing: Writing,
    times: Arc<Mutex<Times>>,
    /// When times that were kept are written, if nothing else is before.
    time_due: Option<Instant>,
    /// How long the log was after the last commit, in pages.
    log_pages: Arc<AtomicI32>,
    log: LogBounds,
    /// When a long log is folded in, if nothing is asked for until then.
    fold_due: Option<Instant>,
    /// Rounds whose sealed messages are being deleted.
    erasing: VecDeque<(RoundKey, EraseReply)>,
    /// When deleting is tried again, if it has failed.
    erase_due: Option<Instant>,
    /// Who waits until what was deleted is gone from the log as well.
    scrubbing: Vec<EraseReply>,
    scrub_due: Option<Instant>,
}

/// From how many pages on the log is folded in, in a quiet moment and in any case.
struct LogBounds {
    folded: i32,
    longest: i32,
}

fn pages(bytes: u32, page: u32) -> i32 {
    i32::try_from(bytes / page.max(1)).unwrap_or(i32::MAX)
}

/// What is left of the thread's work when it ends.
struct Closed {
    writing: Writing,
    replies: Vec<oneshot::Sender<()>>,
}

impl WriterThread {
    fn run(mut self, queue: &Receiver<Request>) -> Closed {
        let mut replies = Vec::new();
        let mut open = true;
        while open {
            let mut waiting = Vec::new();
            let mut bytes = 0;
            let mut next = self.wait(queue, &mut open);
            while let Some(request) = next.take() {
                match request {
                    Request::Write(write) => {
                        bytes += write.bytes();
                        waiting.push(write);
                    }
                    Request::KeepTime => self.time_due = Some(Instant::now() + WHILE),
                    Request::Erase(round, reply) => self.begin_erasing(round, reply),
                    Request::Close(reply) => {
                        replies.push(reply);
                        open = false;
                    }
                    #[cfg(test)]
                    Request::OnConnection(act) => act(&self.writing.connection),
                }
                if open && waiting.len() < GROUP_MAX && bytes < GROUP_BYTES {
                    next = queue.try_recv().ok();
                }
            }
            let time_is_due = self.time_due.is_some_and(|due| due <= Instant::now());
            if !waiting.is_empty() || time_is_due || (!open && self.time_due.is_some()) {
                self.write(waiting);
            }
            if open {
                self.erase_some();
                self.scrub();
                self.fold_log();
            }
        }
        Closed { writing: self.writing, replies }
    }

    /// The next request; `None` if something else is to be done first, or nobody is left to ask.
    fn wait(&self, queue: &Receiver<Request>, open: &mut bool) -> Option<Request> {
        let due = [self.time_due, self.scrub_due, self.fold_due, self.erase_due];
        let due = due.into_iter().flatten().min();
        let received = match due {
            _ if self.can_erase() => match queue.try_recv() {
                Ok(request) => Ok(request),
                Err(TryRecvError::Empty) => Err(RecvTimeoutError::Timeout),
                Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
            },
            Some(due) => queue.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => queue.recv().map_err(RecvTimeoutError::from),
        };
        match received {
            Ok(request) => Some(request),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                *open = false;
                None
            }
        }
    }

    /// One transaction for everything that waits.
    fn write(&mut self, mut waiting: Vec<Box<dyn Write>>) {
        let times = mem::take(&mut *lock(&self.times));
        (self.time_due, self.fold_due) = (None, None);
        if waiting.is_empty() && times.is_empty() {
            return;
        }
        let done = self.transact(|group| {
            for (round, at) in &times {
                group.keep_time(*round, *at)?;
            }
            waiting.iter_mut().try_for_each(|write| write.carry_out(group))
        });
        if done.is_err() {
            let rounds = waiting.iter().filter_map(|write| write.round());
            self.writing.committed.halted.extend(rounds);
            self.time_due = Some(Instant::now() + WHILE);
            let mut kept = lock(&self.times);
            for (round, at) in times {
                let latest = kept.entry(round).or_default();
                *latest = at.max(*latest);
            }
        }
        for write in waiting {
            write.answer(done.clone());
        }
    }

    /// Commits what `carry_out` does; it counts as acknowledged from then on.
    fn transact<T>(
        &mut self,
        carry_out: impl FnOnce(&mut Group<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let Writing { connection, committed, witness, file, .. } = &mut self.writing;
        let done = Group::begin(connection, committed).and_then(|mut group| {
            let value = carry_out(&mut group)?;
            Ok((value, group.commit()?))
        });
        let (value, commits) = done.map_err(|fault| fault.of(file))?;
        if let Err(error) = witness.note(commits) {
            // It is durable all the same; only damage to it could now go unnoticed.
            warn!(%error, "what was stored last cannot be witnessed: {error}");
        }
        Ok(value)
    }

    fn begin_erasing(&mut self, round: RoundKey, reply: oneshot::Sender<Result<(), StoreError>>) {
        let marked = self.transact(|group| match group.mark_erased(round) {
            Err(Fault::Refused(error)) => Ok(Err(error)),
            other => other.map(Ok),
        });
        match marked.flatten() {
            Ok(()) => self.erasing.push_back((round, Some(reply))),
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    /// Whether there is something to delete now.
    fn can_erase(&self) -> bool {
        !self.erasing.is_empty() && self.erase_due.is_none_or(|due| due <= Instant::now())
    }

    fn erase_some(&mut self) {
        if !self.can_erase() {
            return;
        }
        let Some(&(round, _)) = self.erasing.front() else { return };
        let gone = self.transact(|group| group.delete_sealed(round, ERASED_AT_ONCE));
        let tried_before = self.erase_due.take().is_some();
        if let Ok(false) = gone {
            return;
        }
        let Some((_, reply)) = self.erasing.pop_front() else { return };
        match gone {
            Ok(_) => {
                self.scrubbing.push(reply);
                self.scrub_due = Some(Instant::now());
            }
            // The round is marked as erased, so that nobody else would come back to it. Others may be
            // in better order, and go first.
            Err(error) => {
                self.erasing.push_back((round, None));
                self.erase_due = Some(Instant::now() + WHILE);
                match reply {
                    Some(reply) => {
                        let _ = reply.send(Err(error));
                    }
                    None if tried_before => {}
                    None => {
                        warn!(%error, "sealed shares of round {round} are still there: {error}");
                    }
                }
            }
        }
    }

    /// Empties the log, which still has the pages on which deleted messages were.
    fn scrub(&mut self) {
        if self.can_erase() || self.scrub_due.is_none_or(|due| due > Instant::now()) {
            return;
        }
        // A reader that is still at an old state is no reason to keep everybody waiting.
        let connection = &self.writing.connection;
        let emptied = connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| {
                connection
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
            })
            .is_ok_and(|busy| busy == 0);
        // Setting a timeout cannot fail.
        let _ = connection.busy_timeout(LOCK_PATIENCE);
        if emptied {
            self.scrub_due = None;
            for reply in self.scrubbing.drain(..).flatten() {
                let _ = reply.send(Ok(()));
            }
        } else {
            self.scrub_due = Some(Instant::now() + WHILE);
        }
    }

    /// Folds a long log into the database, so that it can begin anew: when nobody has asked for anything
    /// for a moment, because it takes as long as several commits, or when the log has become too long.
    fn fold_log(&mut self) {
        let pages = self.log_pages.load(Ordering::Relaxed);
        let now = Instant::now();
        if pages < self.log.folded {
            self.fold_due = None;
            return;
        }
        if pages < self.log.longest && self.fold_due.is_none_or(|due| due > now) {
            self.fold_due.get_or_insert(now + QUIET);
            return;
        }
        self.fold_due = None;
        self.log_pages.store(0, Ordering::Relaxed);
        let folded =
            self.writing.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = folded {
            warn!(%error, "the store's log grows, because it cannot be folded in: {error}");
        }
    }
}
